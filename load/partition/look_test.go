package partition

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightjar/load"
)

// What the newest look at a parent does not show is gone, and nothing else is: night
// after night, all at once in any order, in memory or on disk, and where the last
// nights are read again. All come to the same bytes.
func TestMergeDropsWhatALookDoesNotShow(t *testing.T) {
	for _, table := range []load.Table{childTable, datedTable} {
		t.Run("sorted by "+strings.TrimSpace(table.Day+" key"), func(t *testing.T) { checkLooks(t, table) })
	}
}

func checkLooks(t *testing.T, table load.Table) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		pool := func() *Pool { return NewPool(rapid.SampledFrom([]int64{0, 1 << 30}).Draw(rt, "pool")) }
		batch := func() int { return rapid.IntRange(1, 20).Draw(rt, "batch") }
		nightly, once := noChildren(table), noChildren(table)
		var all []showing
		unasked := map[int]bool{}
		nights := rapid.IntRange(1, 3).Draw(rt, "nights")
		for night := range nights {
			shown, left := drawShowings(rt, 10*night)
			all = append(all, shown...)
			maps.Copy(unasked, left)
			nightly.merge(t, mem, shown, left, batch(), pool())
		}
		want := nightly.lasting(all, unasked)
		if diff := cmp.Diff(want, nightly.rows(t)); diff != "" {
			rt.Fatalf("night after night: -want +got\n%s", diff)
		}
		once.merge(t, mem, rapid.Permutation(all).Draw(rt, "order"), unasked, batch(), pool())
		if diff := cmp.Diff(want, once.rows(t)); diff != "" {
			rt.Fatalf("all at once: -want +got\n%s", diff)
		}
		if !maps.Equal(nightly.bytesOf(t), once.bytesOf(t)) {
			rt.Fatal("all at once come to other bytes than night after night")
		}
		since := 10 * rapid.IntRange(0, nights-1).Draw(rt, "since")
		again := slices.DeleteFunc(slices.Clone(all), func(s showing) bool { return s.page < since })
		nightly.merge(t, mem, again, unasked, batch(), pool())
		if diff := cmp.Diff(want, nightly.rows(t)); diff != "" {
			rt.Fatalf("read again from page %d on: -want +got\n%s", since, diff)
		}
	})
}

// What leaves is counted, and costs the partitions that it leaves.
func TestMergeCountsWhatIsGone(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	const january, february, march = 20089, 20120, 20150
	c := noChildren(childTable)
	first := c.merge(t, mem, []showing{
		{1, "a", january, map[string]string{"1": "x", "2": "x"}, true},
		{1, "b", february, map[string]string{"1": "x"}, true},
		{1, "c", march, map[string]string{"1": "x"}, true},
	}, nil, 9, NewPool(1<<20))
	if want := (Counts{New: 4}); first.Counts != want || first.LeftRows != 0 {
		t.Errorf("first night: %+v, %d left, want %+v", first.Counts, first.LeftRows, want)
	}
	second := c.merge(t, mem, []showing{
		{2, "a", january, map[string]string{"1": "x"}, true}, // one of two is gone
		{2, "c", march, nil, false},                          // not shown whole
		{2, "d", march, map[string]string{"1": "x"}, true},   // comes
		{3, "d", march, nil, true},                           // and goes
		{4, "b", march, nil, true},                           // moves, and is gone
	}, nil, 9, NewPool(1<<20))
	if want := (Counts{Unchanged: 1, Superseded: 3, Gone: 3}); second.Counts != want || second.LeftRows != 2 || second.DeltaRows != 0 {
		t.Errorf("second night: %+v, %d left, %d in the delta, want %+v, 2 and 0", second.Counts, second.LeftRows, second.DeltaRows, want)
	}
	var changed []Partition
	for _, r := range second.Partitions {
		if r.Changed {
			changed = append(changed, r.Partition)
		}
	}
	if want := []Partition{Month.Of(january), Month.Of(february)}; !slices.Equal(changed, want) {
		t.Errorf("partitions %v changed, want %v", changed, want)
	}
	third := c.merge(t, mem, []showing{{5, "a", january, map[string]string{"1": "x", "2": "x"}, true}}, nil, 9, NewPool(0))
	if want := (Counts{New: 1, Unchanged: 1}); third.Counts != want {
		t.Errorf("third night: %+v, want %+v", third.Counts, want)
	}
}

// Rows that are nested in no record cannot be looked at through one.
func TestLookNeedsAParent(t *testing.T) {
	s, err := NewStage(testTable, Month, t.TempDir(), NewPool(0), memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Look(pageName(1), slices.Values([][]byte{[]byte("a")})); err == nil {
		t.Error("a table without a parent takes looks")
	}
	table := childTable
	table.Parent = "id"
	if _, err := NewStage(table, Month, t.TempDir(), NewPool(0), memory.DefaultAllocator); err == nil {
		t.Error("a key that does not begin with the parent is taken")
	}
}
