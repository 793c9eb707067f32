package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"nightjar/load"
	"nightjar/load/column"
	"nightjar/load/column/columntest"
)

// everything is a table with columns of every type: with a dictionary where the type has
// one and without, that may be null and that may not, and the pages by number.
type everything struct {
	load.Table
	whole []arrow.Array // five values, of which the third is null; the last are the pages' numbers
	names column.Names
}

func newEverything(t *testing.T) *everything {
	t.Helper()
	e := &everything{}
	var fields []arrow.Field
	add := func(name string, kind arrow.DataType, nullable bool, a arrow.Array) {
		id := arrow.MetadataFrom(map[string]string{"PARQUET:field_id": fmt.Sprint(len(fields) + 1)})
		fields, e.whole = append(fields, arrow.Field{Name: name, Type: kind, Nullable: nullable, Metadata: id}), append(e.whole, a)
	}
	kinds := make([]arrow.DataType, 0, len(columntest.Samples))
	for kind := range columntest.Samples {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b arrow.DataType) int { return strings.Compare(a.String(), b.String()) })
	for i, kind := range kinds {
		whole, _, err := array.FromJSON(memory.DefaultAllocator, kind, strings.NewReader(columntest.Samples[kind]))
		if err != nil {
			t.Fatal(err)
		}
		add(fmt.Sprintf("v%d", i), kind, true, whole)
		add(fmt.Sprintf("v%d_id", i), kind, true, whole)
		add(fmt.Sprintf("v%d_must", i), kind, false, array.NewSlice(whole, 3, 5))
	}
	numbers, values := column.NewNumbers[int32](memory.DefaultAllocator, 5)
	for i := range values {
		values[i] = e.names.Number(fmt.Sprint("page ", i/2))
	}
	add(load.Page, arrow.BinaryTypes.String, false, numbers)
	e.Table = load.Table{Schema: "s", Name: "everything", Key: []string{"v0_id"}, Arrow: arrow.NewSchema(fields, nil)}
	return e
}

// someRows are rows of everything, 0 to 4 each.
type someRows struct {
	*everything
	rows []int32
}

func (s someRows) Len() int { return len(s.rows) }

func (s someRows) Column(c int) Column {
	a := s.whole[c]
	col := Column{From: []arrow.Array{a}}
	for _, row := range s.rows {
		col.Rows = append(col.Rows, column.Pick{Row: row % int32(a.Len())})
	}
	if c == len(s.whole)-1 {
		col.Names = []*column.Names{&s.names}
	}
	return col
}

// anyRows draws the rows of some row groups: also of nothing but nulls.
func anyRows(t *rapid.T) [][]int32 {
	group := rapid.OneOf(rapid.SliceOfN(rapid.Int32Range(0, 4), 1, 40), rapid.SliceOfN(rapid.Just(int32(2)), 1, 40))
	return rapid.SliceOfN(group, 0, 5).Draw(t, "groups")
}

// written is the bytes of a file, which is what is known of it.
func written(t rapid.TB, path string, e *everything, write func(w *Writer) error) string {
	w, err := Create(path, e.Table, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(w); err != nil {
		t.Fatal(err)
	}
	f, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != f.Bytes || hashOf(data) != f.SHA256 {
		t.Fatalf("%s has %d bytes with the hash %s: not %+v", path, len(data), hashOf(data), f)
	}
	return string(data)
}

// group writes rows as a row group, in two parts.
func (e *everything) group(w *Writer, rows []int32) error {
	half := len(rows) / 2
	return errors.Join(w.Write(someRows{e, rows[:half]}), w.Write(someRows{e, rows[half:]}), w.EndGroup())
}

// A file of row groups that are encoded and row groups that are copied is, byte for byte,
// the file in which all of them are encoded, on one core or on several.
func TestCopiedGroupsAreThoseEncoded(t *testing.T) {
	e, dir := newEverything(t), t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		groups := anyRows(t)
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		encoded := written(t, filepath.Join(dir, "encoded"), e, func(w *Writer) (err error) {
			for _, rows := range groups {
				err = errors.Join(err, e.group(w, rows))
			}
			return err
		})
		runtime.GOMAXPROCS(rapid.IntRange(1, 4).Draw(t, "cores"))
		place := make([]int, len(groups)) // in the old file; -1: it is not there
		written(t, filepath.Join(dir, "old"), e, func(w *Writer) error {
			return e.oldGroups(t, w, groups, place)
		})
		old, err := OpenSource(filepath.Join(dir, "old"))
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		copied := written(t, filepath.Join(dir, "copied"), e, func(w *Writer) (err error) {
			for i, rows := range groups {
				if place[i] < 0 {
					err = errors.Join(err, e.group(w, rows))
					continue
				}
				e.reads(t, old, place[i], rows)
				err = errors.Join(err, w.Copy(old, place[i]))
			}
			return err
		})
		if copied != encoded {
			t.Fatalf("%d bytes with copies, %d without, and not the same", len(copied), len(encoded))
		}
	})
}

// oldGroups writes some of the groups among others, and notes where.
func (e *everything) oldGroups(t *rapid.T, w *Writer, groups [][]int32, place []int) error {
	n := 0
	for i, rows := range groups {
		if rapid.Bool().Draw(t, "other") {
			n++
			if err := e.group(w, []int32{4, 2, 0}); err != nil {
				return err
			}
		}
		if place[i] = -1; rapid.Bool().Draw(t, "copied") {
			place[i] = n
			n++
			if err := e.group(w, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// reads reads one row group, and wants these rows.
func (e *everything) reads(t *rapid.T, from *Source, group int, rows []int32) {
	if from.Rows(group) != int64(len(rows)) {
		t.Fatalf("group %d has %d rows, want %d", group, from.Rows(group), len(rows))
	}
	r, err := from.Read(e.Arrow.Fields(), 0, group, group+1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rec, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	want := someRows{e, rows}
	for c := range rec.NumCols() - 1 {
		for i, p := range want.Column(int(c)).Rows {
			if !column.Equal(rec.Column(int(c)), i, e.whole[c], int(p.Row)) {
				t.Fatalf("column %s of row %d is %s", rec.ColumnName(int(c)), i, rec.Column(int(c)).ValueStr(i))
			}
		}
	}
	if _, err := r.Read(); err != io.EOF {
		t.Fatalf("after the row group comes %v", err)
	}
}
