package generation

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// CopyDatabase copies the parent's database, to be updated. Where that is not what was
// published, nothing is copied and the result is false.
func (b *Build) CopyDatabase() (untouched bool, err error) {
	if !b.parent.DatabaseUntouched() {
		return false, nil
	}
	err = copyFile(b.parent.Database(), b.Database())
	if err == nil && b.parent.DatabaseUntouched() { // all the while
		return true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EIO) {
		return false, fmt.Errorf("copy the database of generation %d: %w", b.parent.Manifest.Generation, err)
	}
	return false, b.DropDatabase()
}

// DropDatabase removes the database that has been built so far, if any.
func (b *Build) DropDatabase() error {
	for _, name := range []string{b.Database() + logSuffix, b.Database()} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop the database of generation %d: %w", b.number, err)
		}
	}
	return nil
}

// copyFile makes a file of the same bytes. It shares the blocks of the first where the
// file system can, which copies nothing. Elsewhere the kernel copies, within the file
// system where that is possible (copy_file_range), and the program where it is not.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if shareBlocks(out, in) != nil { // all or nothing: there is nothing to take back
		_, err = io.Copy(out, in) // goes by copy_file_range, for both are files
	}
	return cmp.Or(err, out.Close())
}
