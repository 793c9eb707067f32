package database_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/load/database"
)

// What does not fit in memory goes to a folder of the database's own, in the place
// that is named or else the system's, and never beside a file that is published. No
// trace of it is left.
func TestSpillsAside(t *testing.T) {
	published, system, scratch := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", system)
	path := filepath.Join(published, "analytics.duckdb")
	if err := open(t, path).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for temp, place := range map[string]string{"": system, scratch: scratch} {
		db, err := database.OpenReadOnly(t.Context(), path, database.Limits{Memory: 16 << 20, Threads: 1, Temp: temp})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), "CREATE TEMP TABLE large AS SELECT md5(i::VARCHAR) AS text FROM range(600_000) r(i)"); err != nil {
			t.Fatal(err)
		}
		var files int
		var file string
		if err := db.Scalar(t.Context(), "SELECT count(*), min(path) FROM duckdb_temporary_files()", &files, &file); err != nil || files == 0 {
			t.Errorf("nothing was spilled (%v): the test is too small", err)
		}
		if !strings.HasPrefix(file, place+"/") {
			t.Errorf("spilled to %s, want a folder in %s", file, place)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("others may look into the folder: %v, %v", info, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(place); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if left, err := os.ReadDir(published); err != nil || len(left) != 1 {
		t.Errorf("beside the database: %v, %v", left, err)
	}
}

// Where there is no place to spill to, a database can still be read.
func TestNowhereToSpill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "analytics.duckdb")
	if err := open(t, path).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	db, err := database.OpenReadOnly(t.Context(), path, database.Limits{Memory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(t.Context(), "CREATE TEMP TABLE large AS SELECT md5(i::VARCHAR) AS text FROM range(600_000) r(i)"); err == nil {
		t.Error("600,000 rows of text fit into 16 MiB")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside the database: %v, %v", left, err)
	}
}

// The limit on threads outlives a statement that runs on one.
func TestThreads(t *testing.T) {
	db, err := database.Open(t.Context(), "", database.Limits{Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Together(t.Context(), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	var threads int
	if err := db.Scalar(t.Context(), "SELECT current_setting('threads')", &threads); err != nil || threads != 3 {
		t.Errorf("%d threads (%v), want 3", threads, err)
	}
}
