package partition

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// A key that has moved to another month is found among more keys than the log
// holds in memory, whether both places came in one night or the older one is in
// the table already.
func TestMovedAmongMoreKeysThanFitInMemory(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	const january, march = 20089, 20150
	row := func(key string, page int, day int32) version {
		return version{key: key, page: page, day: day, value: fmt.Sprint(day)}
	}
	first := []version{row("moves later", 0, january)}
	for i := range 1000 {
		first = append(first, row(fmt.Sprintf("stays %04d", i), 1, january+int32(i%2)*60))
	}
	first = append(first, row("moves at once", 2, january), row("moves at once", 3, march))

	w := warehouse{}
	w.merge(t, mem, first, 300, NewPool(0))
	out := w.merge(t, mem, []version{row("moves later", 4, march)}, 10, NewPool(0))

	if want := (Counts{Changed: 1}); out.Counts != want {
		t.Errorf("second night: %+v, want %+v", out.Counts, want)
	}
	got := map[string][]Partition{}
	for part, rows := range w.rows(t, mem) {
		for _, key := range []string{"moves later", "moves at once"} {
			if _, ok := rows[key]; ok {
				got[key] = append(got[key], part)
			}
		}
	}
	want := map[string][]Partition{"moves later": {Month.Of(march)}, "moves at once": {Month.Of(march)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Two keys with one hash are two keys.
func TestMovedTellsKeysWithOneHashApart(t *testing.T) {
	places := placesByKey{}
	places.see("a", whereabouts{1, "p1", false})
	places.see("b", whereabouts{2, "p2", false})
	if moves := places.settle(func(string) string { return "" }); len(moves) != 0 {
		t.Errorf("moved: %v", moves)
	}
}

// A key that moves from one month to another costs those two months, whatever the
// history holds.
func TestMergeVisitsOnlyWhatAMovedKeyLeaves(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	const january = 20089
	w := warehouse{}
	var history []version
	for month := range 24 {
		day := january + int32(31*month)
		history = append(history, version{key: fmt.Sprintf("stays %02d", month), page: 1, day: day, value: "a"})
	}
	history = append(history, version{key: "moves", page: 2, day: january, value: "a"}, version{key: "older", page: 90, day: january + 31, value: "a"})
	w.merge(t, mem, history, 9, NewPool(1<<30))
	out := w.merge(t, mem, []version{
		{key: "moves", page: 3, day: january + 31*20, value: "b"},
		{key: "older", page: 4, day: january + 31*20, value: "b"}, // stands in another month, newer
	}, 9, NewPool(1<<30))
	var visited []Partition
	for _, r := range out.Partitions {
		visited = append(visited, r.Partition)
	}
	if want := []Partition{Month.Of(january), Month.Of(january + 31*20)}; !slices.Equal(visited, want) {
		t.Errorf("visited %v, want %v", visited, want)
	}
	// A month that has no file, and gets none, has not changed.
	none := w.merge(t, mem, []version{{key: "older", page: 5, day: january + 31*40, value: "c"}}, 9, NewPool(1<<30))
	if want := []Result{{Partition: Month.Of(january + 31*40)}}; !slices.Equal(none.Partitions, want) {
		t.Errorf("a row that is out of date leaves %+v, want %+v", none.Partitions, want)
	}
	if want := (Counts{Changed: 1, Unchanged: 1}); out.Counts != want {
		t.Errorf("counted %+v, want %+v", out.Counts, want)
	}
}
