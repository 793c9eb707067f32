package landing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"nightjar/load/durable"
	"nightjar/load/ref"
)

// asideSuffix is the end of the name under which damage is kept.
const asideSuffix = ".damaged"

// SetAside records, durably, that a page of the run is damaged and is done
// without. Its file is renamed, never removed; where it is lost, an empty file
// stands for it. A good copy under the page's own name counts again.
func (z *Zone) SetAside(page Landed) error {
	path := z.path(page.Ref)
	err := z.disk.Rename(path, durable.FreeName(path+asideSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		err = z.note(path+asideSuffix, nil)
	}
	if err == nil {
		err = z.disk.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("setting the damaged page %s aside: %w", page.Ref, err)
	}
	return nil
}

// IsAside reports whether the page has been set aside.
func (z *Zone) IsAside(page Landed) bool {
	_, err := os.Lstat(z.path(page.Ref) + asideSuffix)
	return err == nil
}

// SetJournalAside records, durably, that the run's journal is damaged and that
// what stands behind the damage is done without. The journal stays as it is.
func (z *Zone) SetJournalAside(r *Run) error {
	err := z.note(r.path+asideSuffix, []byte(strconv.FormatInt(r.size, 10)+"\n"))
	if err == nil {
		err = z.disk.SyncDir(filepath.Dir(r.path))
	}
	if err != nil {
		return fmt.Errorf("setting the damage of %s aside: %w", r.Damage.Ref, err)
	}
	return nil
}

// JournalIsAside reports whether the run's damage has been set aside, and nothing
// before it has been damaged since.
func (z *Zone) JournalIsAside(r *Run) bool {
	text, err := os.ReadFile(r.path + asideSuffix)
	if err != nil {
		return false
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return err == nil && r.size >= size
}

// note writes a small file, whole and durable, in the place of one that is there.
func (z *Zone) note(path string, text []byte) error {
	next := path + ".new"
	if err := z.disk.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := writeNew(z.disk, next, text)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return z.disk.Rename(next, path)
}

// Has reports whether a page, or a journal, has landed. An error says that the run
// cannot be read.
func (z *Zone) Has(p ref.Page) (bool, error) {
	r, err := z.Run(p.Run)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || p.Journal() {
		return err == nil, err
	}
	for page, err := range r.Pages() {
		if err != nil {
			return false, err
		}
		if page.Ref == p {
			return true, nil
		}
	}
	return false, nil
}
