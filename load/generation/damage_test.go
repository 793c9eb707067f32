package generation_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/load/generation"
)

// overwrite changes a published file, as someone with the right to does.
func overwrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, path, content)
}

// spoils is every way in which the live generation, here the third, can become
// unreadable, and what is said of it.
var spoils = map[string]struct {
	spoil  func(t *testing.T, dir, manifest string)
	want   string
	number int
}{
	"an empty manifest": {func(t *testing.T, _, manifest string) { overwrite(t, manifest, "") }, "generation 3 cannot be read: its manifest.json is empty", 3},
	"a manifest of zeros": {func(t *testing.T, _, manifest string) { overwrite(t, manifest, strings.Repeat("\x00", 99)) },
		"generation 3 cannot be read: its manifest.json is damaged: it is not the JSON", 3},
	"the manifest of another": {func(t *testing.T, dir, manifest string) {
		other, err := os.ReadFile(filepath.Join(dir, "generations", "000002", "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		overwrite(t, manifest, string(other))
	}, "it does not describe generation 3", 3},
	"a manifest that leads outside": {func(t *testing.T, _, manifest string) {
		text, err := os.ReadFile(manifest)
		must(t, err)
		overwrite(t, manifest, strings.ReplaceAll(string(text), `"parquet/`, `"../parquet/`))
	}, "it names a file outside the generation", 3},
	"no manifest":     {func(t *testing.T, _, manifest string) { must(t, os.Remove(manifest)) }, "its manifest.json is missing", 3},
	"a dangling link": {func(t *testing.T, dir, _ string) { link(t, dir, "generations/000009") }, "there is no folder generations/000009", 9},
	"a link outside":  {func(t *testing.T, dir, _ string) { link(t, dir, "../elsewhere") }, `points to "../elsewhere", which is no generation`, 0},
	"a file": {func(t *testing.T, dir, _ string) {
		must(t, os.Remove(filepath.Join(dir, "current")))
		write(t, filepath.Join(dir, "current"), "generations/000003")
	}, "is a file, and should be a link", 0},
	"a folder": {func(t *testing.T, dir, _ string) {
		must(t, os.Remove(filepath.Join(dir, "current")))
		write(t, filepath.Join(dir, "current", "manifest.json"), "{}")
	}, "is a folder, and should be a link", 0},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, dir, target string) {
	t.Helper()
	must(t, os.Remove(filepath.Join(dir, "current")))
	must(t, os.Symlink(target, filepath.Join(dir, "current")))
}

// Where nobody can tell what is live, it is said what is wrong, nothing is
// removed, and another generation can be made live.
func TestLiveGenerationThatCannotBeRead(t *testing.T) {
	for name, test := range spoils {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := generation.Open(dir)
			for _, content := range []string{"one", "two", "three"} {
				publish(t, s, content)
			}
			write(t, filepath.Join(dir, "generations", ".building-removed-000000", "file"), "x")
			test.spoil(t, dir, filepath.Join(dir, "generations", "000003", "manifest.json"))
			before, err := os.ReadDir(filepath.Join(dir, "generations"))
			must(t, err)

			_, err = s.Current()
			var unreadable *generation.UnreadableError
			if !errors.As(err, &unreadable) || !strings.Contains(err.Error(), test.want) || unreadable.Number != test.number {
				t.Errorf("got %v of generation %+v, want %q of %d", err, unreadable, test.want, test.number)
			}
			if err := s.Sweep(); err == nil {
				t.Error("the sweep says nothing")
			}
			if err := s.Prune(1); err == nil {
				t.Error("the removal of old generations says nothing")
			}
			after, err := os.ReadDir(filepath.Join(dir, "generations"))
			if err != nil || len(after) != len(before) {
				t.Errorf("%v is left of %v (%v)", after, before, err)
			}
			if err := s.SetCurrent(2); err != nil {
				t.Fatal(err)
			}
			if g, err := s.Current(); err != nil || g.Manifest.RunID != "two" {
				t.Errorf("live: %v, %v", g, err)
			}
		})
	}
}

// What stood in the place of the link is nobody's to delete.
func TestWhatIsNoLinkIsKept(t *testing.T) {
	dir := t.TempDir()
	s := generation.Open(dir)
	publish(t, s, "one")
	for _, kept := range []string{"current.aside", "current.aside-2"} {
		must(t, os.Remove(filepath.Join(dir, "current")))
		write(t, filepath.Join(dir, "current", "notes"), kept)
		must(t, s.SetCurrent(1))
		if text, err := os.ReadFile(filepath.Join(dir, kept, "notes")); err != nil || string(text) != kept {
			t.Errorf("%s holds %q (%v)", kept, text, err)
		}
	}
}

// A folder that cannot be removed, another user's, is named, is in nobody's way,
// and keeps its name from night to night.
func TestFolderThatCannotBeRemoved(t *testing.T) {
	dir := t.TempDir()
	s := generation.Open(dir)
	publish(t, s, "one")
	publish(t, s, "two")
	generation.SetRemove(s, func(dir string) error {
		return &fs.PathError{Op: "unlinkat", Path: filepath.Join(dir, "parquet"), Err: fs.ErrPermission}
	})
	if err := s.Prune(1); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), ".building-removed-000001") {
		t.Errorf("got %v, want an error that names the folder", err)
	}
	for range 3 {
		if err := s.Sweep(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), ".building-removed-000001") {
			t.Errorf("got %v, want an error that names the folder", err)
		}
		live, err := s.Current()
		must(t, err)
		if _, err := s.Begin(live); err != nil {
			t.Errorf("the folder is in the way: %v", err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "generations"))
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".building-000003", ".building-000003-2", ".building-000003-3", ".building-removed-000001", "000002"}; !slices.Equal(names, want) {
		t.Errorf("the folders are %v, want %v", names, want)
	}
	generation.SetRemove(s, os.RemoveAll)
	must(t, s.Sweep())
	if entries, err := os.ReadDir(filepath.Join(dir, "generations")); err != nil || len(entries) != 1 {
		t.Errorf("%v is left (%v)", entries, err)
	}
}

// The others go, although one cannot be removed.
func TestOneFolderDoesNotKeepTheOthers(t *testing.T) {
	s := generation.Open(t.TempDir())
	for _, content := range []string{"one", "two", "three"} {
		publish(t, s, content)
	}
	var removed []string
	generation.SetRemove(s, func(dir string) error {
		removed = append(removed, filepath.Base(dir))
		return fs.ErrPermission
	})
	if err := s.Prune(1); err == nil || len(removed) != 2 {
		t.Errorf("tried to remove %v (%v), want two", removed, err)
	}
}

func TestUntouchedLooksAndReadsWhereItMust(t *testing.T) {
	s := generation.Open(t.TempDir())
	g := publish(t, s, "one")
	f := g.Manifest.Tables["a.b"].Partitions["month=2026-11"]
	path := g.Path(f)
	if !g.Untouched(f) || !g.Intact(f) {
		t.Error("a file that nobody wrote to is not what was published")
	}
	must(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
	if !g.Untouched(f) {
		t.Error("a file that came back from a backup is not what was published")
	}
	overwrite(t, path, "two")
	if g.Untouched(f) || g.Intact(f) {
		t.Error("a changed file is what was published")
	}
	must(t, os.Remove(path))
	if g.Untouched(f) {
		t.Error("a lost file is what was published")
	}
}

// A database is copied unread where it has the size and time that it was published with,
// and nowhere else.
func TestOnlyAnUntouchedDatabaseIsCopied(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"changed": func(t *testing.T, path string) { overwrite(t, path, "database of onE") },
		"lost":    func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"longer":  func(t *testing.T, path string) { overwrite(t, path, "database of one, and more") },
		"from a backup": func(t *testing.T, path string) {
			must(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
		},
		"a link": func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".moved"))
			must(t, os.Symlink(path+".moved", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := generation.Open(t.TempDir())
			g := publish(t, s, "one")
			b, err := s.Begin(g)
			must(t, err)
			if untouched, err := b.CopyDatabase(); !untouched || err != nil {
				t.Fatalf("untouched: %t, %v", untouched, err)
			}
			if copied, err := os.ReadFile(b.Database()); err != nil || string(copied) != "database of one" {
				t.Errorf("the copy holds %q (%v)", copied, err)
			}
			if info, err := os.Stat(b.Database()); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the copy has the mode %v (%v), and is to be written to", info.Mode(), err)
			}
			must(t, b.DropDatabase())
			spoil(t, g.Database())
			if untouched, err := b.CopyDatabase(); untouched || err != nil {
				t.Errorf("untouched: %t, %v", untouched, err)
			}
			if _, err := os.Stat(b.Database()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what is not to be trusted was copied (%v)", err)
			}
		})
	}
}

// A log beside the database changes what its readers see.
func TestLogBesideTheDatabase(t *testing.T) {
	g := publish(t, generation.Open(t.TempDir()), "one")
	if !g.DatabaseUntouched() {
		t.Error("a database that nobody wrote to is not what was published")
	}
	write(t, g.Database()+".wal", "x")
	if g.DatabaseUntouched() {
		t.Error("a database with a log beside it is what was published")
	}
}
