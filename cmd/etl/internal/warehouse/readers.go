package warehouse

import (
	"fmt"
	"os/user"
	"strconv"

	"nightjar/load/generation"
)

// Share lets the configured group read what the run publishes.
func (v *View) Share() error {
	readers, err := v.readers()
	if err == nil && readers.Shared {
		v.Store.Share(readers.Group)
	}
	return err
}

// readers are those that the configuration names.
func (s *Site) readers() (generation.Readers, error) {
	name := s.Config.Readers.Group
	if name == "" {
		return generation.Readers{}, nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		group, err = user.LookupGroupId(name)
	}
	if err != nil {
		return generation.Readers{}, &UsageError{fmt.Sprintf("%s: readers.group: this machine has no group %q; want one that `getent group` lists", s.Config.Path, name)}
	}
	number, err := strconv.Atoi(group.Gid)
	if err != nil {
		return generation.Readers{}, fmt.Errorf("find the group %s: its number is %q", name, group.Gid)
	}
	return generation.Readers{Shared: true, Group: number}, nil
}
