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
func MakeDir(path string) error {
	return MakeDirBy(path, func(path string) error { return os.Mkdir(path, 0o700) }, Sync)
}

// MakeDirBy is MakeDir by way of what makes one folder, and of what syncs one.
func MakeDirBy(path string, mkdir, sync func(string) error) error {
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
		if err := MakeDirBy(parent, mkdir, sync); err != nil {
			return err
		}
	}
	if err := mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return sync(parent)
}

// FreeName is the path, or with a number behind it the first that nothing stands at.
func FreeName(path string) string {
	for i, next := 2, path; ; i++ {
		if _, err := os.Lstat(next); err != nil {
			return next
		}
		next = fmt.Sprintf("%s-%d", path, i)
	}
}

// Sync makes a folder's entries, or a file's bytes, durable.
func Sync(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
