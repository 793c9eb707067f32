// Package durable makes names on a disk last: a file or folder that was created
// or renamed survives a loss of power once the folder it stands in is synced.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeDir creates a folder and those above it that are missing, each durable and
// its owner's alone. Folders that exist are left alone.
func MakeDir(path string) error { return makeDir(path, Sync) }

func makeDir(path string, sync func(string) error) error {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is a file, not a folder", path)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDir(parent, sync); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return sync(parent)
}

// Sync makes a folder's entries, or a file's bytes, durable.
func Sync(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
