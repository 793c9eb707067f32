package partition

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

var childTable = load.Table{
	Schema: "test", Name: "children", Key: []string{"parent", "id"}, Parent: "parent",
	Arrow: arrow.NewSchema([]arrow.Field{
		{Name: "parent", Type: arrow.BinaryTypes.String},
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: load.ExtractedAt, Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: load.Page, Type: arrow.BinaryTypes.String},
	}, nil),
}

// datedTable is childTable with its day in a column, by which it is sorted.
var datedTable = func() load.Table {
	t := childTable
	fields := slices.Insert(t.Arrow.Fields(), 3, arrow.Field{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	t.Day, t.Arrow = "day", arrow.NewSchema(fields, nil)
	return t
}()

// showing is a parent on a page with some of its children, or all of them.
type showing struct {
	page     int
	parent   string
	day      int32
	children map[string]string // value by id
	whole    bool
}

// childRow is a row as a test sees it.
type childRow struct {
	Value, Page string
	Part        Partition
	Day         int32 // zero where the table has none
}

func childRecord(mem memory.Allocator, table load.Table, all []showing) arrow.Record {
	b := array.NewRecordBuilder(mem, arrow.NewSchema(append(table.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true}), nil))
	defer b.Release()
	for _, s := range all {
		for _, id := range slices.Sorted(maps.Keys(s.children)) {
			for i, text := range []string{s.parent, id, s.children[id]} {
				if text == "" {
					b.Field(i).AppendNull()
				} else {
					b.Field(i).(*array.StringBuilder).Append(text)
				}
			}
			at := 3
			if table.Day != "" {
				b.Field(at).(*array.Date32Builder).Append(arrow.Date32(s.day))
				at++
			}
			b.Field(at).(*array.TimestampBuilder).Append(arrow.Timestamp(s.page))
			b.Field(at + 1).(*array.StringBuilder).Append(pageName(s.page))
			b.Field(at + 2).(*array.Date32Builder).Append(arrow.Date32(s.day))
		}
	}
	return b.NewRecord()
}

// children is the files of the table between merges, and the database that deltas
// and what left keep up to date.
type children struct {
	table    load.Table
	files    warehouse
	database map[string]childRow
}

func noChildren(table load.Table) *children {
	return &children{table, warehouse{}, map[string]childRow{}}
}

// merge brings showings in, batch at a time; value is not asked for by the pages of
// unasked.
func (c *children) merge(t testing.TB, mem memory.Allocator, all []showing, unasked map[int]bool, batch int, pool *Pool) *Outcome {
	t.Helper()
	dir, err := os.MkdirTemp(tempDir(t), "merge")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(c.table, Month, dir, pool, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if pool.limit == 0 {
		s.keys.limit, s.looks.limit = 4, 3
	}
	s.layout.cuts = fewRows
	for page := range unasked {
		if err := s.NotAsked(pageName(page), []string{"value"}); err != nil {
			t.Fatal(err)
		}
	}
	for some := range slices.Chunk(all, batch) {
		rec := childRecord(mem, c.table, some)
		err := s.Add(rec)
		rec.Release()
		for _, show := range some {
			if show.whole && err == nil {
				err = s.Look(pageName(show.page), slices.Values([][]byte{[]byte(show.parent)}))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	moves, err := s.Moved(t.Context(), c.files.old())
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Merge(t.Context(), Plan{
		Old: c.files.old(), Moved: moves, Delta: filepath.Join(dir, "delta.parquet"), Left: filepath.Join(dir, "left.parquet"),
		New: filesIn(dir, Month),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Partitions {
		switch {
		case r.Path != "":
			c.files[r.Partition] = r.Path
		case r.Changed:
			delete(c.files, r.Partition)
		}
	}
	c.project(t, dir, out)
	if scratch, err := filepath.Glob(filepath.Join(dir, "test.*")); len(scratch) > 0 || err != nil {
		t.Errorf("scratch files are left: %v %v", scratch, err)
	}
	return out
}

// project brings the database up to date as a run does.
func (c *children) project(t testing.TB, dir string, out *Outcome) {
	t.Helper()
	if out.LeftRows > 0 {
		for key := range c.read(t, filepath.Join(dir, "left.parquet"), 0) {
			if _, ok := c.database[key]; !ok {
				t.Errorf("row %q leaves, and was never there", key)
			}
			delete(c.database, key)
		}
	}
	if out.DeltaRows > 0 {
		maps.Copy(c.database, c.read(t, filepath.Join(dir, "delta.parquet"), 0))
	}
	for key, row := range c.rows(t) {
		row.Part = 0
		if c.database[key] != row {
			t.Errorf("row %q is %+v, and %+v in the database", key, row, c.database[key])
		}
	}
	if n := len(c.rows(t)); len(c.database) != n {
		t.Errorf("%d rows, and %d in the database", n, len(c.database))
	}
}

func (c *children) rows(t testing.TB) map[string]childRow {
	t.Helper()
	all := map[string]childRow{}
	for p, path := range c.files {
		for key, row := range c.read(t, path, p) {
			if _, twice := all[key]; twice {
				t.Errorf("row %q is there twice", key)
			}
			all[key] = row
		}
	}
	return all
}

// read is the rows of a file, by key.
func (c *children) read(t testing.TB, path string, p Partition) map[string]childRow {
	t.Helper()
	r, err := parquetfile.Open(path, c.table.Arrow.Fields(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]childRow{}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		keys, last := sortKeys(rec, []int{0, 1}), int(rec.NumCols())-1
		for i := range keys.Len() {
			row := childRow{Value: rec.Column(2).(*array.String).Value(i), Page: rec.Column(last).(*array.String).Value(i), Part: p}
			if c.table.Day != "" {
				row.Day = int32(rec.Column(3).(*array.Date32).Value(i))
			}
			if _, twice := all[keys.Value(i)]; twice {
				t.Errorf("row %q is twice in one file", keys.Value(i))
			}
			all[keys.Value(i)] = row
		}
		rec.Release()
	}
}
