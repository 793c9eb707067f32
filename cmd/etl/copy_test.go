package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// copy is the same program with a copy of its warehouse, times included.
func (p *program) copy(t *testing.T) *program {
	t.Helper()
	c := &program{t: t, dir: t.TempDir()}
	from := os.DirFS(p.dir)
	if err := os.CopyFS(c.dir, from); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(c.dir, path), info.ModTime(), info.ModTime())
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
