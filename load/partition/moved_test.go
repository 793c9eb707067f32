package partition

import (
	"fmt"
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
	if moves := places.settle(); len(moves) != 0 {
		t.Errorf("moved: %v", moves)
	}
}
