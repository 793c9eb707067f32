package generation

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Readers says who may read what is published, beside its owner. The landing zone
// is never theirs.
type Readers struct {
	Shared bool
	Group  int // the number of the group, where Shared
}

// Share makes the generations that are built from now on readable to a group.
func (s *Store) Share(group int) { s.readers = Readers{Shared: true, Group: group} }

// mode is what a published file or folder may have.
func (r Readers) mode(folder bool) fs.FileMode {
	switch {
	case folder && r.Shared:
		return 0o750
	case folder:
		return 0o700
	case r.Shared:
		return 0o440
	}
	return 0o400
}

// admit gives a file or folder the mode and the group that it is published with, and
// reports whether it had others.
func (r Readers) admit(name string, info fs.FileInfo) (changed bool, err error) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && r.Shared && int(st.Gid) != r.Group {
		if err := os.Chown(name, -1, r.Group); err != nil {
			return false, fmt.Errorf("%w: the user who runs this is to be a member of the group", err)
		}
		changed = true
	}
	if want := r.mode(info.IsDir()); changed || info.Mode().Perm() != want {
		return true, os.Chmod(name, want)
	}
	return false, nil
}

// letIn opens the way to the generations, or closes it. The warehouse's own folder
// may be the operator's: it is opened where it has to be, and left alone otherwise.
func (s *Store) letIn() error {
	for _, way := range []string{filepath.Join(s.dir, folder), s.dir} {
		info, err := os.Stat(way)
		if err == nil && (way != s.dir || s.readers.Shared && !s.readers.enter(info)) {
			_, err = s.readers.admit(way, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enter reports whether a folder is open to the readers, or to everyone.
func (r Readers) enter(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().Perm()&0o005 == 0o005 || ok && int(st.Gid) == r.Group && info.Mode().Perm()&0o050 == 0o050
}
