package partition

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

// Any nights, cut into any batches, in memory or on disk, end in the newest
// version of each key, once, sorted, in its own partition; also where the numbers of
// the pages outgrow six digits.
func TestMergeKeepsTheNewestVersion(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		w := warehouse{}
		var all []version
		first := rapid.SampledFrom([]int{0, 999_985, 9_999_995}).Draw(rt, "first page")
		for night := range rapid.IntRange(1, 3).Draw(rt, "nights") {
			versions := drawVersions(rt, first+10*night)
			all = append(all, versions...)
			pool := NewPool(rapid.SampledFrom([]int64{0, 1 << 30}).Draw(rt, "pool"))
			w.merge(t, mem, versions, rapid.IntRange(1, 20).Draw(rt, "batch"), pool)
		}
		got := w.rows(t, mem)
		if diff := cmp.Diff(model(all), got); diff != "" {
			rt.Fatalf("-want +got\n%s", diff)
		}
	})
}

// The order in which pages come, and how they are cut into batches, leaves no
// trace in the bytes.
func TestMergeWritesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		versions := drawVersions(rt, 0)
		if len(versions) == 0 {
			return
		}
		var sums []map[Partition]string
		for _, order := range [][]version{versions, rapid.Permutation(versions).Draw(rt, "order")} {
			out := warehouse{}.merge(t, mem, order, rapid.IntRange(1, 20).Draw(rt, "batch"), NewPool(rapid.SampledFrom([]int64{0, 1 << 30}).Draw(rt, "pool")))
			sum := map[Partition]string{}
			for _, r := range out.Partitions {
				sum[r.Partition] = r.SHA256
			}
			sums = append(sums, sum)
		}
		if !maps.Equal(sums[0], sums[1]) {
			rt.Fatalf("bytes differ: %v", sums)
		}
	})
}

func TestMergeLeavesUnchangedPartitionsAlone(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	w := warehouse{}
	first := w.merge(t, mem, []version{{key: "k1", value: "a", day: 20000}, {key: "k2", value: "c", day: 20040}}, 9, NewPool(1<<20))
	if got := (Counts{New: 2}); first.Counts != got {
		t.Errorf("first night: %+v, want %+v", first.Counts, got)
	}
	second := w.merge(t, mem, []version{
		{key: "k1", value: "a", day: 20000, page: 1}, {key: "k1", value: "a", day: 20000, page: 2}, {key: "k2", value: "d", day: 20040, page: 3},
	}, 9, NewPool(1<<20))
	if want := (Counts{Unchanged: 1, Changed: 1, Superseded: 1}); second.Counts != want {
		t.Errorf("second night: %+v, want %+v", second.Counts, want)
	}
	if second.DeltaRows != 1 {
		t.Errorf("%d rows in the delta, want 1", second.DeltaRows)
	}
	var changed []bool
	for _, r := range second.Partitions {
		changed = append(changed, r.Changed)
	}
	if !slices.Equal(changed, []bool{false, true}) {
		t.Errorf("partitions changed: %v, want only the second", changed)
	}
}

// Rows are spilled and encoded many at a time: nothing is lost at the borders, nor
// where many scratch runs are first merged into longer ones.
func TestMergeAtBatchBorders(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for _, rows := range []int{1, scratchRows - 1, scratchRows, scratchRows + 1, listRows - 1, listRows, listRows + 1, 2*listRows + 7} {
		versions := make([]version, rows)
		for i := range versions {
			versions[i] = version{key: fmt.Sprintf("%08d", (i*7919)%rows), value: "a", day: 20000, page: i}
		}
		for _, pool := range []int64{0, 1 << 30} {
			out := warehouse{}.merge(t, mem, versions, max(1, rows/(2*maxRuns)), NewPool(pool))
			if got := out.Partitions[0].Rows; got != int64(len(model(versions)[Month.Of(20000)])) {
				t.Errorf("%d rows, pool %d: %d rows merged", rows, pool, got)
			}
		}
	}
}

// A page may be part of the key: it sorts by its name, in memory and on disk.
func TestMergeWithThePageInTheKey(t *testing.T) {
	for _, pool := range []int64{0, 1 << 30} {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		table := testTable
		table.Key = []string{load.Page, "id"}
		dir := t.TempDir()
		s, err := NewStage(table, Month, dir, NewPool(pool), mem)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, page := range []int{3, 1, 2} {
			rec := record(mem, []version{{key: "b", page: page, day: 20000}, {key: "a", page: page, day: 20000}})
			err := s.Add(rec)
			rec.Release()
			if err != nil {
				t.Fatal(err)
			}
		}
		out, err := s.Merge(t.Context(), Plan{New: func(Partition) Files { return filesOf(filepath.Join(dir, "data.parquet")) }})
		if err != nil {
			t.Fatal(err)
		}
		got := out.Partitions[0]
		if want := pageName(1) + "/a"; got.Rows != 6 || got.MinKey != want || got.MaxKey != pageName(3)+"/b" {
			t.Errorf("pool %d: %d rows from %s to %s", pool, got.Rows, got.MinKey, got.MaxKey)
		}
	}
}

// A file of more rows than are read or encoded at a time, with nulls, is merged
// with the next night's.
func TestMergeWithALargeFile(t *testing.T) {
	const january, rows = 20089, 2*parquetfile.RowGroupRows/3 + 1
	g := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}
	w := warehouse{}
	w.mergeAll(t, NewPool(1<<30), g.records(rows, january, january+31, "a"))
	w.mergeAll(t, NewPool(1<<30), g.records(rows, january, january+31, "b"))
	pf, err := file.OpenParquetFile(w[Month.Of(january)], false)
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	if got := pf.NumRows(); got != 2*rows {
		t.Errorf("%d rows, want %d", got, 2*rows)
	}
}

// Rows without a single tag among them come out as they went in: from memory,
// through scratch files, and from the file of an earlier merge.
func TestMergeOfRowsWithoutTags(t *testing.T) {
	for name, limit := range map[string]int64{"held": 1 << 30, "spilled": 0} {
		for kind, tags := range map[string][]string{"empty": {}, "null": nil} {
			t.Run(name+" "+kind, func(t *testing.T) {
				w := warehouse{}
				for page, value := range []string{"a", "b"} {
					w.merge(t, memory.DefaultAllocator, []version{
						{key: "1", page: 2 * page, value: value, day: 20089, tags: tags},
						{key: "2", page: 2*page + 1, value: value, day: 20089, tags: tags},
					}, 1, NewPool(limit))
				}
				for key, row := range w.rows(t, memory.DefaultAllocator)[Month.Of(20089)] {
					if row.Value != "b" || len(row.Tags) > 0 || (row.Tags == nil) != (tags == nil) {
						t.Errorf("key %s is %+v", key, row)
					}
				}
			})
		}
	}
}

// tripping is memory that the encoder of a partition cannot have, once armed.
type tripping struct{ memory.Allocator }

func (m tripping) Allocate(size int) []byte {
	if bytes.Contains(debug.Stack(), []byte("parquetfile.(*encoder)")) {
		panic("no memory for the encoder")
	}
	return m.Allocator.Allocate(size)
}

// A panic of a goroutine that encodes a partition is an error of the merge,
// which does not wait for it for ever, and leaves no file.
func TestAPanicOfTheEncoderIsAnError(t *testing.T) {
	dir := t.TempDir()
	s, err := NewStage(testTable, Month, dir, NewPool(1<<30), tripping{memory.DefaultAllocator})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var versions []version
	for i := range 5*listRows + 1 { // more lists than the encoder may leave waiting
		versions = append(versions, version{key: fmt.Sprintf("%08d", i), page: 1, day: 20000})
	}
	versions = append(versions, version{key: "z", page: 1, day: 20400}) // and another partition after it
	rec := record(memory.DefaultAllocator, versions)
	defer rec.Release()
	if err := s.Add(rec); err != nil {
		t.Fatal(err)
	}
	_, err = s.Merge(t.Context(), Plan{New: filesIn(dir, Month)})
	var fault *load.PanicError
	if !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), "table test.rows: partition month=2024-10: write ") || !strings.HasSuffix(err.Error(), ": a fault in the program: no memory for the encoder") {
		t.Fatalf("merge: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "month=*", "*")); len(left) > 0 {
		t.Errorf("the merge leaves %v", left)
	}
}
