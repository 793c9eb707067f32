package generation_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/ref"
)

// publish commits a generation with one table of the given content, keeping the
// files of the parent that keep names.
func publish(t *testing.T, s *generation.Store, content string, keep ...string) *generation.Generation {
	t.Helper()
	parent, err := s.Current()
	if err != nil && !errors.Is(err, generation.ErrNone) {
		t.Fatal(err)
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	b, err := s.Begin(parent)
	if err != nil {
		t.Fatal(err)
	}
	m := &generation.Manifest{RunID: ref.RunID(content), Tables: map[string]generation.Table{}}
	partitions := map[string]generation.File{}
	for _, folder := range keep {
		f := parent.Manifest.Tables["a.b"].Partitions[folder]
		if err := b.Keep(f); err != nil {
			t.Fatal(err)
		}
		partitions[folder] = f
	}
	rel := generation.PartitionPath("a", "b", "month=2026-11")
	write(t, b.Path(rel), content)
	if partitions["month=2026-11"], err = b.Sum(rel, 1); err != nil {
		t.Fatal(err)
	}
	m.Tables["a.b"] = generation.Table{Rows: 1, Partitions: partitions}
	write(t, b.Database(), "database of "+content)
	write(t, filepath.Join(b.Scratch(), "run1"), "scratch")
	if err := b.Commit(m); err != nil {
		t.Fatal(err)
	}
	g, err := s.Current()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAnEmptyWarehouseSaysSo(t *testing.T) {
	if _, err := generation.Open(t.TempDir()).Current(); !errors.Is(err, generation.ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
}

func TestCommitIsLiveWholeAndReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := generation.Open(dir)
	g := publish(t, s, "one")
	if g.Manifest.Generation != 1 || g.Manifest.Parent != 0 {
		t.Errorf("generation %d on %d, want 1 on 0", g.Manifest.Generation, g.Manifest.Parent)
	}
	if target, err := os.Readlink(filepath.Join(dir, "current")); err != nil || target != "generations/000001" {
		t.Errorf("current points at %q (%v)", target, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "analytics.duckdb")); err != nil || string(text) != "database of one" {
		t.Errorf("analytics.duckdb reads %q (%v)", text, err)
	}
	if problems, files, err := g.CheckFiles(); err != nil || len(problems) > 0 || files != 2 {
		t.Errorf("%d files, problems %v, error %v", files, problems, err)
	}
	err := filepath.WalkDir(g.Dir, func(path string, e os.DirEntry, err error) error {
		if info, _ := e.Info(); err == nil && !e.IsDir() && info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s may be written", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCommitSealsEveryFile(t *testing.T) {
	s := generation.Open(t.TempDir())
	b, err := s.Begin(nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, b.Database(), "database")
	partitions := map[string]generation.File{}
	for day := 1; day <= 30; day++ {
		folder := fmt.Sprintf("day=2026-11-%02d", day)
		rel := generation.PartitionPath("a", "b", folder)
		write(t, b.Path(rel), folder)
		if partitions[folder], err = b.Sum(rel, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(&generation.Manifest{Tables: map[string]generation.Table{"a.b": {Partitions: partitions}}}); err != nil {
		t.Fatal(err)
	}
	g, err := s.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range partitions {
		info, err := os.Stat(g.Path(f))
		if err != nil || info.Mode().Perm() != 0o400 || !g.Intact(f) {
			t.Errorf("%s is not sealed (%v)", f.Path, err)
		}
	}
}

// What did not change is the same file on disk.
func TestKeptFilesAreLinks(t *testing.T) {
	s := generation.Open(t.TempDir())
	one := publish(t, s, "one")
	first, err := os.Stat(one.Path(one.Manifest.Tables["a.b"].Partitions["month=2026-11"]))
	if err != nil {
		t.Fatal(err)
	}
	parent, err := s.Current()
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Begin(parent)
	if err != nil {
		t.Fatal(err)
	}
	f := parent.Manifest.Tables["a.b"].Partitions["month=2026-11"]
	if err := b.Keep(f); err != nil {
		t.Fatal(err)
	}
	kept, err := os.Stat(b.Path(f.Path))
	if err != nil || !os.SameFile(first, kept) {
		t.Errorf("the kept file is another one (%v)", err)
	}
}

// A run that dies leaves its build aside: the live generation stays, nobody
// lists the build, and the next run removes it.
func TestWhatADeadRunLeftIsSwept(t *testing.T) {
	dir := t.TempDir()
	s := generation.Open(dir)
	live := publish(t, s, "one")
	dead, err := s.Begin(live)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dead.Path(generation.PartitionPath("a", "b", "month=2026-11")), "half")
	write(t, filepath.Join(dir, "current.new"), "a link that was not renamed")

	if g, err := s.Current(); err != nil || g.Manifest.RunID != "one" {
		t.Errorf("live: %v, %v", g, err)
	}
	if numbers, err := s.Numbers(); err != nil || !slices.Equal(numbers, []int{1}) {
		t.Errorf("generations %v (%v), want 1 alone", numbers, err)
	}
	publish(t, s, "two")
	entries, err := os.ReadDir(filepath.Join(dir, "generations"))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v (%v), want two generations and nothing beside them", entries, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "current.new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("current.new is still there (%v)", err)
	}
}

func TestPruneKeepsTheNewestAndTheLive(t *testing.T) {
	s := generation.Open(t.TempDir())
	for _, content := range []string{"one", "two", "three", "four"} {
		publish(t, s, content)
	}
	if err := s.SetCurrent(1); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(2); err != nil {
		t.Fatal(err)
	}
	if numbers, err := s.Numbers(); err != nil || !slices.Equal(numbers, []int{1, 3, 4}) {
		t.Errorf("kept %v (%v), want 1 3 4", numbers, err)
	}
}

func TestRollbackRefusesWhatIsNotThere(t *testing.T) {
	s := generation.Open(t.TempDir())
	publish(t, s, "one")
	if err := s.SetCurrent(7); err == nil || !strings.Contains(err.Error(), "000007") {
		t.Errorf("got %v, want an error that names generation 000007", err)
	}
	if g, err := s.Current(); err != nil || g.Manifest.Generation != 1 {
		t.Errorf("live: %v, %v; want generation 1 as before", g, err)
	}
}

func TestCheckFilesFindsDamage(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(t *testing.T, g *generation.Generation, file string)
		want   string
	}{
		"a changed byte": {func(t *testing.T, _ *generation.Generation, file string) { write(t, file, "onE") }, "SHA-256"},
		"a cut file":     {func(t *testing.T, _ *generation.Generation, file string) { write(t, file, "on") }, "2 bytes"},
		"a lost file": {func(t *testing.T, _ *generation.Generation, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, "cannot be read"},
		"a link": {func(t *testing.T, _ *generation.Generation, file string) {
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			write(t, elsewhere, "one")
			if err := errors.Join(os.Remove(file), os.Symlink(elsewhere, file)); err != nil {
				t.Fatal(err)
			}
		}, "is no file of the generation's own"},
		"a file too many": {func(t *testing.T, g *generation.Generation, _ string) {
			write(t, filepath.Join(g.Dir, "parquet", "extra.parquet"), "x")
		}, "parquet/extra.parquet is not in the manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			g := publish(t, generation.Open(t.TempDir()), "one")
			file := g.Path(g.Manifest.Tables["a.b"].Partitions["month=2026-11"])
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
			test.damage(t, g, file)
			problems, _, err := g.CheckFiles()
			if err != nil || len(problems) != 1 || !strings.Contains(problems[0], test.want) {
				t.Errorf("problems %q (%v), want one with %q", problems, err, test.want)
			}
		})
	}
}

func TestAManifestOfAnotherFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	g := publish(t, generation.Open(dir), "one")
	path := filepath.Join(g.Dir, "manifest.json")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, path, `{"format": 99}`)
	if _, err := generation.Open(dir).Current(); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("got %v, want an error about format 99", err)
	}
}

// A panic while one file is made durable is an error of that file; the others are
// waited for.
func TestAPanicOfASyncIsAnError(t *testing.T) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprint("file", i))
	}
	var synced atomic.Int64
	err := generation.SyncAll(names, func(name string) error {
		if name == "file7" {
			panic("of the disk")
		}
		synced.Add(1)
		return nil
	})
	var fault *load.PanicError
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "sync file7: a fault in the program: of the disk") {
		t.Errorf("got %v", err)
	}
	if synced.Load() != 39 {
		t.Errorf("%d of the other files are synced, want 39", synced.Load())
	}
}
