package warehouse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/load/ref"
)

// A night takes twice the database and the most that lands, and a tenth more.
func TestADiskThatIsTooFull(t *testing.T) {
	s := siteIn(t.TempDir())
	commit(t, s, tonight.Add(-24*time.Hour), 400e6)
	land := func(stream string, days int, bytes int64) {
		id := ref.RunIDAt(tonight.AddDate(0, 0, -days))
		put(t, filepath.Join(s.Config.Warehouse, "landing", stream, string(id), "pages.tar"), bytes)
	}
	land("aircall/calls", 11, 5e9) // the first load, eleven nights ago
	for days := range 10 {
		land("aircall/calls", days+1, 100e6)
	}
	land("aircall/calls", 4, 200e6)
	land("volt/waves", 1, 3e9) // is not enabled

	const want = 1100e6 // (2 · 400 + 200) · 1.1
	with := func(bytes uint64) error {
		return s.ready(t.Context(), func(dir string) (uint64, error) {
			if dir != s.Config.Warehouse {
				t.Errorf("the disk of %s is measured", dir)
			}
			return bytes, nil
		})
	}
	if err := with(want); err != nil {
		t.Errorf("with just enough: %v", err)
	}
	err := with(want - 1e6)
	if err == nil || !strings.Contains(err.Error(), "has 1099MB left, and a night may take 1100MB (twice the database of 400MB, 200MB of landed pages, 0MB of copied files, and a tenth): want 1MB more") {
		t.Errorf("with a megabyte less: %v", err)
	}

	// What a run that died has built is removed by the next one, and makes room.
	aside := filepath.Join(s.Config.Warehouse, "generations", ".building-000002")
	put(t, filepath.Join(aside, "analytics.duckdb"), 1e6)
	if err := with(want - 1e6); err != nil {
		t.Errorf("with a megabyte less, and a dead run's megabyte: %v", err)
	}
	if err := os.Link(filepath.Join(aside, "analytics.duckdb"), filepath.Join(s.Config.Warehouse, "shared")); err != nil {
		t.Fatal(err)
	}
	if err := with(want - 1e6); err == nil {
		t.Error("a file that something else holds too makes room")
	}

	// Without hard links, what does not change is copied.
	live, err := s.Current()
	if err != nil {
		t.Fatal(err)
	}
	err = s.room(t.Context(), live, false, func(string) (uint64, error) { return want, nil })
	if err == nil || !strings.Contains(err.Error(), "500MB of copied files, and a tenth): want 550MB more") {
		t.Errorf("without hard links: %v", err)
	}
	lost := errors.New("no such disk")
	if err := s.ready(t.Context(), func(string) (uint64, error) { return 0, fmt.Errorf("measure: %w", lost) }); !errors.Is(err, lost) {
		t.Errorf("a disk that cannot be measured: %v", err)
	}
}
