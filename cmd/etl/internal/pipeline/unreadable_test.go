package pipeline_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// spoiling is a way in which the live generation can become unreadable, the words that
// are said of it, and the generation that a plain rollback goes to; zero where nobody can
// tell which one was live.
type spoiling struct {
	name   string
	spoil  func(t *testing.T, warehouse string)
	words  string
	before int
}

// refused expects a command to say what is wrong and which commands mend it.
func (s spoiling) refused(t *testing.T, command string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), s.words) || !strings.Contains(err.Error(), "`etl rollback ") || !strings.Contains(err.Error(), "`etl replay`") {
		t.Errorf("%s says %v", command, err)
	}
}

// spoils is every such way.
var spoils = []spoiling{
	{"an empty manifest", func(t *testing.T, w string) { manifest(t, w, "") }, "generation 2 cannot be read: its manifest.json is empty", 1},
	{"a manifest of garbage", func(t *testing.T, w string) { manifest(t, w, "{\"format\": 1") }, "generation 2 cannot be read: its manifest.json is damaged", 1},
	{"no manifest", func(t *testing.T, w string) { removeAll(t, filepath.Join(w, "generations", "000002", "manifest.json")) }, "generation 2 cannot be read: its manifest.json is missing", 1},
	{"a dangling link", func(t *testing.T, w string) { relink(t, w, "generations/000007") }, "generation 7 cannot be read: there is no folder generations/000007", 2},
	{"a link outside", func(t *testing.T, w string) { relink(t, w, "/etc") }, `current points to "/etc", which is no generation`, 0},
	{"a file", func(t *testing.T, w string) {
		removeAll(t, filepath.Join(w, "current"))
		put(t, filepath.Join(w, "current"), "2")
	}, "current is a file, and should be a link", 0},
	{"a folder", func(t *testing.T, w string) {
		removeAll(t, filepath.Join(w, "current"))
		put(t, filepath.Join(w, "current", "notes"), "mine")
	}, "current is a folder, and should be a link", 0},
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func manifest(t *testing.T, warehouse, content string) {
	t.Helper()
	path := filepath.Join(warehouse, "generations", "000002", "manifest.json")
	removeAll(t, path)
	put(t, path, content)
}

func relink(t *testing.T, warehouse, target string) {
	t.Helper()
	removeAll(t, filepath.Join(warehouse, "current"))
	if err := os.Symlink(target, filepath.Join(warehouse, "current")); err != nil {
		t.Fatal(err)
	}
}

// copyOf is a copy of a warehouse whose second generation is live, times included.
func copyOf(t *testing.T, warehouse string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"landing", "generations"} {
		from := os.DirFS(filepath.Join(warehouse, part))
		if err := os.CopyFS(filepath.Join(dir, part), from); err != nil {
			t.Fatal(err)
		}
		err := fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			return os.Chtimes(filepath.Join(dir, part, path), info.ModTime(), info.ModTime())
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("generations/000002", filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every command says what is wrong with the live generation and which commands
// mend it; and those do.
func TestLiveGenerationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.nights(aDay)
	whole, want := v.config.Warehouse, exported(t, v.config.Warehouse)
	for _, test := range spoils {
		t.Run(test.name, func(t *testing.T) {
			spoilt := func(t *testing.T) *pipeline.Runner {
				t.Helper()
				dir := copyOf(t, whole)
				test.spoil(t, dir)
				v.config = v.load(dir)
				return v.runner(v.config)
			}
			r := spoilt(t)
			_, err := operate.Status(t.Context(), r.Site)
			test.refused(t, "status", err)
			_, err = operate.Verify(t.Context(), r.Site)
			test.refused(t, "verify", err)
			_, err = r.Run(t.Context(), pipeline.Request{})
			test.refused(t, "run", err)
			_, err = r.Plan(t.Context(), pipeline.Request{})
			test.refused(t, "run --dry-run", err)
			_, err = r.Replay(t.Context(), pipeline.Rebuild{Since: noon.Add(-aDay)})
			test.refused(t, "replay --since", err)
			all, err := operate.Generations(r.Site)
			test.refused(t, "generations", err)
			if len(all) != 2 || all[1].Number != 1 || all[1].Rows == 0 {
				t.Errorf("generations lists %+v", all)
			}
			if numbers := folders(t, r.Config.Warehouse); !slices.Equal(numbers, []string{"000001", "000002"}) {
				t.Errorf("the generations are %v", numbers)
			}

			from, to, err := operate.Rollback(t.Context(), r.Site, 0)
			switch {
			case test.before == 0:
				test.refused(t, "rollback", err)
			case err != nil || to != test.before || from == 0:
				t.Errorf("rolled back from %d to %d: %v", from, to, err)
			}
			t.Run("rollback", func(t *testing.T) {
				r := spoilt(t)
				if _, to, err := operate.Rollback(t.Context(), r.Site, 1); err != nil || to != 1 {
					t.Fatalf("rolled back to %d: %v", to, err)
				}
				v.verify()
			})
			t.Run("replay", func(t *testing.T) {
				spoilt(t)
				v.replay(v.config.Warehouse, time.Time{})
				v.verify()
				expectSameFiles(t, exported(t, v.config.Warehouse), want)
			})
		})
	}
}

// folders lists what stands among the generations.
func folders(t *testing.T, warehouse string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(warehouse, "generations"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Where there is no other generation, a replay is the way out.
func TestRollbackWithNothingBefore(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	removeAll(t, filepath.Join(v.config.Warehouse, "generations", "000001", "manifest.json"))
	if _, _, err := operate.Rollback(t.Context(), v.runner(v.config).Site, 0); err == nil || !strings.Contains(err.Error(), "`etl replay`") {
		t.Errorf("got %v, want the way out", err)
	}
}
