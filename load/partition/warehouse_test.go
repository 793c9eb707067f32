package partition

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightjar/load/column"
	"nightjar/load/parquetfile"
)

// warehouse is the files of the table between merges.
type warehouse map[Partition]string

// filesOf is the files of a partition of which the Parquet is at path.
func filesOf(path string) Files {
	return Files{Path: path, Keys: filepath.Join(filepath.Dir(path), "data.keys")}
}

// filesIn are those of new partitions in dir.
func filesIn(dir string, w Width) func(Partition) Files {
	return func(p Partition) Files { return filesOf(filepath.Join(dir, w.Folder(p), "data.parquet")) }
}

// old is the files as a merge asks for them.
func (w warehouse) old() map[Partition]Files {
	all := map[Partition]Files{}
	for p, path := range w {
		all[p] = filesOf(path)
	}
	return all
}

// fewRows are cuts that make many row groups of few rows.
var fewRows = cuts{least: 2, most: 5, mask: 1}

// merge brings versions in, batch at a time, and returns the outcome.
func (w warehouse) merge(t testing.TB, mem memory.Allocator, versions []version, batch int, pool *Pool) *Outcome {
	t.Helper()
	dir, err := os.MkdirTemp(tempDir(t), "merge")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(testTable, Month, dir, pool, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if pool.limit == 0 {
		s.keys.limit = 4 // the keys spill with the rows
	}
	if len(versions) < 100 {
		s.layout.cuts = fewRows
	}
	for part := range slices.Chunk(versions, batch) {
		rec := record(mem, part)
		err := s.Add(rec)
		rec.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	moves, err := s.Moved(context.Background(), w.old())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.moved(t, mem, versions), moves, cmp.AllowUnexported(move{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("moved: -want +got\n%s", diff)
	}
	const windows = 3
	out, err := s.Merge(context.Background(), Plan{
		Old:   w.old(),
		Moved: moves,
		New:   filesIn(dir, Month),
		Delta: filepath.Join(dir, "delta.parquet"),

		Windows: windows,
		Window:  func(page string) int { return numberOf(page) % windows },
	})
	if err != nil {
		t.Fatal(err)
	}
	expectCounts(t, out, versions)
	for _, r := range out.Partitions {
		switch {
		case r.Path != "":
			w[r.Partition] = r.Path
		case r.Changed:
			delete(w, r.Partition)
		}
	}
	return out
}

// expectCounts checks that every row that came is a key that is there or gave way
// to one, and every key is counted once in each of the windows in which it came.
func expectCounts(t testing.TB, out *Outcome, versions []version) {
	t.Helper()
	windows := make([]WindowCounts, len(out.Windows))
	keys, seen := map[string]bool{}, map[string]bool{}
	for _, v := range versions {
		n := v.page % len(windows)
		windows[n].Rows++
		if id := fmt.Sprint(v.key, " ", n); !seen[id] {
			seen[id] = true
			windows[n].Keys++
		}
		keys[v.key] = true
	}
	if !slices.Equal(out.Windows, windows) {
		t.Errorf("windows have %v, want %v", out.Windows, windows)
	}
	c, rows := out.Counts, int64(len(versions))
	if n := int64(len(keys)); c.New+c.Changed+c.Unchanged != n || c.Superseded != rows-n {
		t.Errorf("%d rows of %d keys count as %+v", rows, n, c)
	}
}

// moved is the model of Stage.Moved: the newest place of keys in several.
func (w warehouse) moved(t testing.TB, mem memory.Allocator, versions []version) Moves {
	type place struct {
		page string
		part Partition
	}
	newest, places, held := map[string]place{}, map[string]map[Partition]string{}, map[string][]slot{}
	see := func(key string, at place) {
		if places[key] == nil {
			places[key] = map[Partition]string{}
		}
		if numberOf(at.page) > numberOf(places[key][at.part]) {
			places[key][at.part] = at.page
		}
		if numberOf(at.page) >= numberOf(newest[key].page) {
			newest[key] = at
		}
	}
	for part, rows := range w.rows(t, mem) {
		for key, row := range rows {
			see(key, place{row.Page, part})
			held[key] = append(held[key], slot(part))
		}
	}
	incoming := map[string]map[Partition]bool{}
	for _, v := range versions {
		part := None
		if v.day >= 0 {
			part = Month.Of(v.day)
		}
		see(v.key, place{pageName(v.page), part})
		if incoming[v.key] == nil {
			incoming[v.key] = map[Partition]bool{}
		}
		incoming[v.key][part] = true
	}
	moved := Moves{}
	for key := range incoming {
		if len(places[key]) < 2 {
			continue
		}
		to := newest[key].part
		m := move{to: slot(to), known: len(held[key]) > 0, came: incoming[key][to], held: held[key]}
		for part, page := range places[key] {
			if slot(part) != m.to && numberOf(page) > numberOf(m.after) {
				m.after = page
			}
		}
		moved[key] = m
	}
	return moved
}

// openTable is a cursor over a file of the table.
func openTable(t testing.TB, l *layout, path string, p Partition) *cursor {
	t.Helper()
	r, err := parquetfile.Open(path, testTable.Arrow.Fields(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var pages column.Names
	next := func() (*batch, error) {
		rec, err := r.Read()
		if err != nil {
			return nil, err
		}
		defer rec.Release()
		return l.existing(rec, p, &pages, memory.DefaultAllocator), nil
	}
	return &cursor{next: next, done: r.Close}
}

// rows reads all partition files with this package's own reader.
func (w warehouse) rows(t testing.TB, mem memory.Allocator) map[Partition]map[string]kept {
	t.Helper()
	s, err := NewStage(testTable, Month, tempDir(t), NewPool(0), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := map[Partition]map[string]kept{}
	for p, path := range w {
		all[p] = map[string]kept{}
		c := openTable(t, &s.layout, path, p)
		last := ""
		for ok, err := c.load(); ok; ok, err = c.advance(func(*batch) {}) {
			if err != nil {
				t.Fatal(err)
			}
			i, rec := c.row(), c.cur.rec
			row := kept{
				Value: rec.Column(1).(*array.String).Value(i),
				Page:  c.cur.page(i),
				Seen:  int64(rec.Column(4).(*array.Timestamp).Value(i)),
			}
			if list := rec.Column(2).(*array.List); list.IsValid(i) {
				row.Tags = []string{}
				start, end := list.ValueOffsets(i)
				for j := start; j < end; j++ {
					row.Tags = append(row.Tags, list.ListValues().(*array.String).Value(int(j)))
				}
			}
			if c.key() <= last && last != "" {
				t.Fatalf("%s is not sorted by key: %q after %q", path, c.key(), last)
			}
			last = c.key()
			all[p][c.key()] = row
		}
		c.close()
	}
	return all
}
