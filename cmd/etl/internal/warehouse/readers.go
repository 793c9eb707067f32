package warehouse

import (
	"fmt"
	"os/user"
	"strconv"
)

// Share lets the configured group read what the run publishes.
func (v *View) Share() error {
	name := v.Config.Readers.Group
	if name == "" {
		return nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		group, err = user.LookupGroupId(name)
	}
	if err != nil {
		return &UsageError{fmt.Sprintf("%s: readers.group: this machine has no group %q; want one that `getent group` lists", v.Config.Path, name)}
	}
	number, err := strconv.Atoi(group.Gid)
	if err != nil {
		return fmt.Errorf("find the group %s: its number is %q", name, group.Gid)
	}
	v.Store.Share(number)
	return nil
}
