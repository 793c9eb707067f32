package warehouse

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/load/generation"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

var tonight = time.Date(2026, 11, 20, 2, 15, 0, 0, time.UTC)

// siteIn is a site with one enabled pipeline and one that is not.
func siteIn(dir string) *Site {
	return &Site{
		Config: &config.Config{Path: "pipelines.yaml", Warehouse: dir, Pipelines: []config.Pipeline{
			{Name: "calls", Source: "aircall", Stream: "calls", Enabled: true},
			{Name: "waves", Source: "volt", Stream: "waves"},
		}},
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return tonight },
	}
}

func plenty(string) (uint64, error) { return 1 << 60, nil }

// unready expects that the site says each of these, and no more problems.
func unready(t *testing.T, s *Site, wants ...string) error {
	t.Helper()
	err := s.ready(t.Context(), plenty)
	if err == nil {
		t.Fatalf("it is ready, want %q", wants)
	}
	lines := strings.Split(err.Error(), "\n")
	if lines[0] != "not ready for a night:" || len(lines)-1 != len(wants) {
		t.Fatalf("got %q, want %q", lines, wants)
	}
	for i, want := range wants {
		if !strings.Contains(lines[i+1], want) {
			t.Errorf("got %q, want %q", lines[i+1], want)
		}
	}
	return err
}

func put(t *testing.T, path string, size int64) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
}

// commit makes a generation whose database has so many bytes.
func commit(t *testing.T, s *Site, created time.Time, database int64) {
	t.Helper()
	build, err := s.Store().Begin(nil)
	if err != nil {
		t.Fatal(err)
	}
	put(t, build.Database(), database)
	put(t, build.Path("marts.parquet"), 1)
	m := &generation.Manifest{Created: created,
		Marts: map[string]generation.File{"marts.one": {Path: "marts.parquet", Bytes: 500e6}}}
	if err := build.Commit(m); err != nil {
		t.Fatal(err)
	}
}

// A new warehouse is made, nothing of the trial is left, and a second look finds the same.
func TestReadyOnAnEmptyDisk(t *testing.T) {
	s := siteIn(filepath.Join(t.TempDir(), "new", "warehouse"))
	put(t, filepath.Join(filepath.Dir(s.Config.Warehouse), "beside"), 1)
	for range 2 {
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	err := filepath.WalkDir(s.Config.Warehouse, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, filepath.Base(name))
		return err
	})
	if got := strings.Join(names, " "); err != nil || got != "warehouse generations landing runs" {
		t.Errorf("it left %s (%v)", got, err)
	}
}

func TestFoldersThatCannotBeWritten(t *testing.T) {
	t.Run("the warehouse is a file", func(t *testing.T) {
		s := siteIn(filepath.Join(t.TempDir(), "warehouse"))
		put(t, s.Config.Warehouse, 1)
		unready(t, s, "cannot be written: "+s.Config.Warehouse+" is a file, not a folder; want a folder")
	})
	for _, name := range []string{"generations", "runs", "landing/aircall/calls"} {
		t.Run(name+" is a file", func(t *testing.T) {
			s := siteIn(t.TempDir())
			path := filepath.Join(s.Config.Warehouse, name)
			put(t, path, 1)
			if err := s.ready(t.Context(), plenty); err == nil || !strings.Contains(err.Error(), path+" cannot be written: ") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("the lock is a folder", func(t *testing.T) {
		s := siteIn(t.TempDir())
		put(t, filepath.Join(s.lockPath(), "file"), 1)
		unready(t, s, "the lock cannot be taken: ")
	})
	t.Run("read-only", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root writes everywhere")
		}
		s := siteIn(t.TempDir())
		put(t, filepath.Join(s.Config.Warehouse, "landing", "aircall", "calls", "file"), 1)
		for _, name := range []string{"landing/aircall", "."} {
			dir := filepath.Join(s.Config.Warehouse, name)
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(dir, 0o700) })
		}
		unready(t, s, s.Config.Warehouse+" cannot be written: ", filepath.Join("landing", "aircall")+" cannot be written: ")
	})
}

func TestAClockThatIsWrong(t *testing.T) {
	s := siteIn(t.TempDir())
	record := func(id ref.RunID, started time.Time) {
		t.Helper()
		if err := s.Records().Write(runlog.Record{RunID: id, Started: started}); err != nil {
			t.Fatal(err)
		}
	}
	s.Now = func() time.Time { return time.Date(2019, 1, 1, 0, 0, 7, 0, time.UTC) }
	unready(t, s, "the clock says 2019-01-01T00:00:07Z, long before now: set it")
	s.Now = func() time.Time { return tonight }

	commit(t, s, tonight.Add(3*time.Hour), 1)
	unready(t, s, "the clock says 2026-11-20T02:15:00Z, and generation 1 was made at 2026-11-20T05:15:00Z: set the clock")
	record("20261120T050000.000Z", tonight.Add(2*time.Hour))
	unready(t, s, "and run 20261120T050000.000Z began at 2026-11-20T04:15:00Z: set the clock")
	// A run since then, whose name is after that one's, began when the clock was right.
	record("20261120T050000.001Z", tonight.Add(time.Minute))
	if err := s.ready(t.Context(), plenty); err != nil {
		t.Error(err)
	}
}

func TestALiveGenerationThatCannotBeRead(t *testing.T) {
	s := siteIn(t.TempDir())
	if err := os.Symlink("generations/000007", filepath.Join(s.Config.Warehouse, "current")); err != nil {
		t.Fatal(err)
	}
	unready(t, s, "generation 7 cannot be read: there is no folder generations/000007: `etl replay` rebuilds")
}

// What the configuration is to blame for is a UsageError, also among other problems, and
// all of them are told.
func TestAllProblemsAtOnce(t *testing.T) {
	s := siteIn(filepath.Join(t.TempDir(), "warehouse"))
	put(t, s.Config.Warehouse, 1)
	var usage *UsageError
	if err := unready(t, s, "is a file"); errors.As(err, &usage) {
		t.Errorf("a file in the way is blamed on the configuration: %v", usage)
	}
	s.Config.Readers.Group = "nobody-has-this-group"
	s.Memory = 1e6
	s.Now = func() time.Time { return time.Unix(0, 0) }
	err := unready(t, s, "the container leaves the program 1MB", `no group "nobody-has-this-group"`, "the clock says 1970-01-01T00:00:00Z", "is a file")
	if !errors.As(err, &usage) {
		t.Errorf("the group is not blamed on the configuration: %v", err)
	}
}

// Readers of whose group the user is no member are found out at the start, not when a
// generation is whole.
func TestReadersOfAnotherGroup(t *testing.T) {
	if _, err := probe(t.TempDir(), generation.Readers{Shared: true, Group: os.Getegid()}); err != nil {
		t.Errorf("with the user's own group: %v", err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root is of every group")
	}
	if _, err := probe(t.TempDir(), generation.Readers{Shared: true, Group: 0}); err == nil || !strings.Contains(err.Error(), "is to be a member of the readers' group") {
		t.Errorf("with another's group: %v", err)
	}
}
