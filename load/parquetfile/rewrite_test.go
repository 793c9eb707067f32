package parquetfile

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// mixedRows have some columns of other rows.
type mixedRows struct {
	someRows
	others  someRows
	columns []int // of others
}

func (m mixedRows) Column(c int) Column {
	if slices.Contains(m.columns, c) {
		return m.others.Column(c)
	}
	return m.someRows.Column(c)
}

// A row group of which some columns are encoded and the others copied is, byte for byte,
// the one that is encoded, also where the same rows come in other lists.
func TestRewrittenGroupsAreThoseEncoded(t *testing.T) {
	e, dir := newEverything(t), t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		was := rapid.SliceOfN(rapid.Int32Range(0, 4), 1, 40).Draw(t, "rows")
		now := rapid.SliceOfN(rapid.Int32Range(0, 4), len(was), len(was)).Draw(t, "now")
		columns := rapid.SliceOfNDistinct(rapid.IntRange(0, len(e.whole)-1), 0, len(e.whole), rapid.ID[int]).Draw(t, "columns")
		mixed := func(from, to int) mixedRows {
			return mixedRows{someRows{e, was[from:to]}, someRows{e, now[from:to]}, columns}
		}
		encoded := written(t, filepath.Join(dir, "encoded"), e, func(w *Writer) error {
			return errors.Join(e.group(w, was), w.Write(mixed(0, len(was))), w.EndGroup(), e.group(w, now))
		})
		written(t, filepath.Join(dir, "old"), e, func(w *Writer) error { return e.group(w, was) })
		old, err := OpenSource(filepath.Join(dir, "old"))
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		if !old.Fits(e.Table) {
			t.Fatal("a file of the same table does not fit")
		}
		cut := rapid.IntRange(0, len(was)).Draw(t, "cut")
		rewritten := written(t, filepath.Join(dir, "rewritten"), e, func(w *Writer) error {
			return errors.Join(w.Copy(old, 0), w.Rewrite(old, 0, columns, mixed(0, cut), mixed(cut, len(was))), e.group(w, now))
		})
		if rewritten != encoded {
			t.Fatalf("%d bytes rewritten, %d encoded, and not the same", len(rewritten), len(encoded))
		}
	})
}

// Where rows come in several lists, the bytes are those of one: also of flags, of which
// the last byte is filled up.
func TestListsLeaveNoTrace(t *testing.T) {
	e, dir := newEverything(t), t.TempDir()
	rows := []int32{0, 0, 2, 0, 1, 0, 0, 3, 0, 0, 0, 4, 0}
	whole := written(t, filepath.Join(dir, "whole"), e, func(w *Writer) error { return w.Write(someRows{e, rows}) })
	for cut := range rows {
		cutUp := written(t, filepath.Join(dir, "cut"), e, func(w *Writer) error {
			return errors.Join(w.Write(someRows{e, rows[:cut]}), w.Write(someRows{e, rows[cut:]}))
		})
		if cutUp != whole {
			t.Errorf("in lists of %d and %d rows the file is another", cut, len(rows)-cut)
		}
	}
}
