package durable

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Every folder that is created stands in one that is synced after it.
func TestCreatedFoldersAreSynced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "c")
	var synced []string
	note := func(name string) error {
		if entries, err := os.ReadDir(name); err != nil || len(entries) == 0 {
			t.Errorf("%s is synced before anything stands in it (%v)", name, err)
		}
		synced = append(synced, name)
		return nil
	}
	mkdir := func(path string) error { return os.Mkdir(path, 0o700) }
	if err := MakeDirBy(path, mkdir, note); err != nil {
		t.Fatal(err)
	}
	if want := []string{dir, filepath.Join(dir, "a"), filepath.Join(dir, "a", "b")}; !slices.Equal(synced, want) {
		t.Errorf("synced %v, want %v", synced, want)
	}
	synced = nil
	if err := MakeDirBy(path, mkdir, note); err != nil || len(synced) > 0 {
		t.Errorf("folders that were there are synced: %v, %v", synced, err)
	}
}

func TestAFileInTheWayIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if MakeDir(path) == nil || MakeDir(filepath.Join(path, "below")) == nil {
		t.Error("a folder is made where a file is")
	}
}
