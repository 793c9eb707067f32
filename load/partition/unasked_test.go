package partition

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

// leaveOut is the columns that each page was not asked for, by page number.
type leaveOut map[int][]string

// mergeAsked is merge for pages that leave columns out.
func (w warehouse) mergeAsked(t testing.TB, mem memory.Allocator, versions []version, left leaveOut, batch int, pool *Pool) *Outcome {
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
	if len(versions) < 100 {
		s.layout.cuts = fewRows
	}
	for page, columns := range left {
		if err := s.NotAsked(pageName(page), columns); err != nil {
			t.Fatal(err)
		}
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
	out, err := s.Merge(context.Background(), Plan{
		Old:   w.old(),
		Moved: moves,
		New:   filesIn(dir, Month),
		Delta: filepath.Join(dir, "delta.parquet"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Partitions {
		switch {
		case r.Path != "":
			w[r.Partition] = r.Path
		case r.Changed:
			delete(w, r.Partition)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.run*")); len(left) > 0 || err != nil {
		t.Errorf("scratch files are left: %v %v", left, err)
	}
	return out
}

// folded is what the table must hold where pages leave columns out: a value that
// was not asked for is that of the version before, wherever that stood.
func folded(versions []version, left leaveOut) map[Partition]map[string]kept {
	ordered := slices.Clone(versions)
	slices.SortStableFunc(ordered, func(a, b version) int { return a.page - b.page })
	byKey := map[string]version{} // page is that of the first sighting
	for _, v := range ordered {
		s, seen := byKey[v.key]
		if seen && slices.Contains(left[v.page], "tags") && s.tags != nil {
			v.tags = s.tags
		}
		if seen && slices.Contains(left[v.page], "value") && s.value != "" {
			v.value = s.value
		}
		alike := slices.Equal(s.tags, v.tags) && (s.tags == nil) == (v.tags == nil) || slices.Contains(left[v.page], "tags")
		if !seen || s.day != v.day && Month.Of(s.day) != Month.Of(v.day) || !alike || s.value != v.value && !slices.Contains(left[v.page], "value") {
			byKey[v.key] = v
		}
	}
	all := map[Partition]map[string]kept{}
	for key, v := range byKey {
		p := Month.Of(v.day)
		if all[p] == nil {
			all[p] = map[string]kept{}
		}
		all[p][key] = kept{Value: v.value, Tags: v.tags, Page: pageName(v.page), Seen: int64(v.page)}
	}
	return all
}

// drawAsked draws versions whose day is no matter of their other columns, and what
// their pages leave out; what is left out is empty.
func drawAsked(t *rapid.T, from int) ([]version, leaveOut) {
	left := leaveOut{}
	for page := from; page < from+10; page++ {
		if columns := rapid.SampledFrom([][]string{nil, {"tags"}, {"value"}, {"value", "tags"}}).Draw(t, "left"); columns != nil {
			left[page] = columns
		}
	}
	versions := drawVersions(t, from)
	for i, v := range versions {
		versions[i].day = rapid.SampledFrom([]int32{20000, 20005, 20040, 20080}).Draw(t, "day")
		if slices.Contains(left[v.page], "tags") {
			versions[i].tags = nil
		}
		if slices.Contains(left[v.page], "value") {
			versions[i].value = ""
		}
	}
	return versions, left
}

// Any nights, some of whose pages leave columns out, keep what was last known,
// whether a key stays or moves, and in every cut; to read the last nights again
// changes nothing, and all of them at once come to the same.
func TestMergeKeepsWhatWasNotAsked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		w, once := warehouse{}, warehouse{}
		var all []version
		left := leaveOut{}
		pool := func() *Pool { return NewPool(rapid.SampledFrom([]int64{0, 1 << 30}).Draw(rt, "pool")) }
		nights := rapid.IntRange(1, 3).Draw(rt, "nights")
		for night := range nights {
			versions, out := drawAsked(rt, 10*night)
			all = append(all, versions...)
			maps.Copy(left, out)
			w.mergeAsked(t, mem, versions, out, rapid.IntRange(1, 20).Draw(rt, "batch"), pool())
		}
		want := folded(all, left)
		if diff := cmp.Diff(want, w.rows(t, mem)); diff != "" {
			rt.Fatalf("night after night: -want +got\n%s", diff)
		}
		once.mergeAsked(t, mem, all, left, rapid.IntRange(1, 20).Draw(rt, "batch"), pool())
		if diff := cmp.Diff(want, once.rows(t, mem)); diff != "" {
			rt.Fatalf("all at once: -want +got\n%s", diff)
		}
		since := 10 * rapid.IntRange(0, nights-1).Draw(rt, "since")
		again := slices.DeleteFunc(slices.Clone(all), func(v version) bool { return v.page < since })
		w.mergeAsked(t, mem, again, left, rapid.IntRange(1, 20).Draw(rt, "batch"), pool())
		if diff := cmp.Diff(want, w.rows(t, mem)); diff != "" {
			rt.Fatalf("read again from page %d on: -want +got\n%s", since, diff)
		}
	})
}

// A row of the old file knows what came before the pages that are read again.
func TestOldRowsKnowMoreThanPagesReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		nights [][]version
		again  []version
		want   map[string]kept
	}{
		"a null that was asked for later": {
			nights: [][]version{{{key: "k", page: 0, day: 20000, value: "a", tags: []string{"x"}}}, {{key: "k", page: 10, day: 20000, value: "a"}}, {{key: "k", page: 20, day: 20000, value: "a"}}},
			again:  []version{{key: "k", page: 10, day: 20000, value: "a"}, {key: "k", page: 20, day: 20000, value: "a"}},
			want:   map[string]kept{"k": {Value: "a", Page: pageName(20), Seen: 20}},
		},
		"a page that is read otherwise": {
			nights: [][]version{{{key: "k", page: 0, day: 20000, value: "a", tags: []string{"x"}}}, {{key: "k", page: 10, day: 20000, value: "b"}}},
			again:  []version{{key: "k", page: 10, day: 20000, value: "c"}},
			want:   map[string]kept{"k": {Value: "c", Tags: []string{"x"}, Page: pageName(10), Seen: 10}},
		},
		"a page that is filed otherwise": {
			nights: [][]version{{{key: "k", page: 0, day: 20040, value: "a", tags: []string{"x"}}}, {{key: "k", page: 10, day: 20040, value: "b"}}},
			again:  []version{{key: "k", page: 10, day: 20000, value: "c"}},
			want:   map[string]kept{"k": {Value: "c", Tags: []string{"x"}, Page: pageName(10), Seen: 10}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			w, left := warehouse{}, leaveOut{10: {"tags"}}
			for _, night := range c.nights {
				w.mergeAsked(t, mem, night, left, 1, NewPool(0))
			}
			w.mergeAsked(t, mem, c.again, left, 1, NewPool(0))
			if diff := cmp.Diff(map[Partition]map[string]kept{Month.Of(20000): c.want}, w.rows(t, mem)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// All rows of a table are put together of two, in as many lists and row groups as
// it takes; what is unchanged but for what was not asked is not written.
func TestMergeOfATableInDrift(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	const rows = parquetfile.RowGroupRows + listRows + 7
	first, second := make([]version, rows), make([]version, rows)
	for i := range first {
		key, tag := fmt.Sprintf("%08d", i), fmt.Sprint(i)
		first[i] = version{key: key, page: 1, day: 20000, value: "a", tags: []string{tag}}
		second[i] = version{key: key, page: 2, day: 20000, value: []string{"b", "a"}[i%2]}
	}
	w := warehouse{}
	w.mergeAsked(t, mem, first, nil, 30_000, NewPool(0))
	out := w.mergeAsked(t, mem, second, leaveOut{2: {"tags"}}, rows/(2*maxRuns), NewPool(0)) // more runs than are read side by side
	if want := (Counts{Changed: (rows + 1) / 2, Unchanged: rows / 2}); out.Counts != want || out.DeltaRows != want.Changed {
		t.Errorf("%+v and %d rows in the delta, want %+v", out.Counts, out.DeltaRows, want)
	}
	if got, want := out.Columns[2], (ColumnCounts{Had: rows, Kept: rows}); got != want {
		t.Errorf("tags: %+v, want %+v", got, want)
	}
	for key, row := range w.rows(t, mem)[Month.Of(20000)] {
		var i int
		fmt.Sscanf(key, "%d", &i)
		want := kept{Value: "b", Tags: []string{fmt.Sprint(i)}, Page: pageName(2), Seen: 2}
		if i%2 == 1 {
			want.Value, want.Page, want.Seen = "a", pageName(1), 1
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatalf("row %s: -want +got\n%s", key, diff)
		}
	}
}

// What a merge counts of a column's values, of keys that stay and of keys that move.
func TestMergeCountsValues(t *testing.T) {
	const here, there = 20000, 20040
	tags := []string{"x"}
	for name, c := range map[string]struct {
		second version // of a row with a value and with tags
		left   []string
		want   ColumnCounts // of tags
	}{
		"seen again":         {version{day: here, value: "b", tags: []string{"y"}}, nil, ColumnCounts{Had: 1}},
		"unchanged":          {version{day: here, value: "a", tags: tags}, nil, ColumnCounts{Had: 1}},
		"null":               {version{day: here, value: "a"}, nil, ColumnCounts{Had: 1, Lost: 1}},
		"null and moved":     {version{day: there, value: "a"}, nil, ColumnCounts{Had: 1, Lost: 1}},
		"null and undated":   {version{day: -1, value: "a"}, nil, ColumnCounts{Had: 1, Lost: 1}},
		"moved":              {version{day: there, value: "a", tags: tags}, nil, ColumnCounts{Had: 1}},
		"not asked":          {version{day: here, value: "b"}, []string{"tags"}, ColumnCounts{Had: 1, Kept: 1}},
		"unchanged, unasked": {version{day: here, value: "a"}, []string{"tags"}, ColumnCounts{Had: 1, Kept: 1}},
		"moved, unasked":     {version{day: there, value: "a"}, []string{"tags"}, ColumnCounts{Had: 1, Kept: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			w := warehouse{}
			first := []version{{key: "k", page: 1, day: here, value: "a", tags: tags}, {key: "other", page: 1, day: here, value: "a", tags: tags}}
			if out := w.mergeAsked(t, mem, first, nil, 1, NewPool(0)); out.Columns[2] != (ColumnCounts{}) {
				t.Errorf("of rows never seen: %+v", out.Columns[2])
			}
			c.second.key, c.second.page = "k", 2
			left := leaveOut{}
			if c.left != nil {
				left[2] = c.left
			}
			// A row that nobody saw before has nothing to keep.
			out := w.mergeAsked(t, mem, []version{c.second, {key: "new", page: 2, day: here, value: "a"}}, left, 1, NewPool(0))
			if out.Columns[2] != c.want {
				t.Errorf("%+v, want %+v", out.Columns[2], c.want)
			}
		})
	}
}

// A key, and where a row came from, cannot be left out.
func TestNotAskedRefusesWhatEveryPageHas(t *testing.T) {
	for _, column := range []string{"id", load.Page, load.ExtractedAt, "none"} {
		s, err := NewStage(testTable, Month, t.TempDir(), NewPool(0), memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.NotAsked(pageName(1), []string{column}); err == nil {
			t.Errorf("%s may be left out", column)
		}
	}
}
