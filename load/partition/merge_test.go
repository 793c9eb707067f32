package partition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

// version is one sighting of a record.
type version struct {
	key   string
	page  int // sorts versions; also the page name
	day   int32
	value string
	tags  []string
}

// kept is a row of a table as a test sees it.
type kept struct {
	Value string
	Tags  []string
	Page  string
	Seen  int64
}

var testTable = load.Table{
	Schema: "test", Name: "rows", Key: []string{"id"},
	Arrow: arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 18, Scale: 4}, Nullable: true},
		{Name: load.ExtractedAt, Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: load.Page, Type: arrow.BinaryTypes.String},
	}, nil),
}

func pageName(n int) string { return fmt.Sprintf("src/stream/run/%06d", n) }

// numberOf is the number of a page, -1 for none.
func numberOf(page string) int {
	n, err := strconv.Atoi(page[strings.LastIndexByte(page, '/')+1:])
	if err != nil {
		return -1
	}
	return n
}

// record builds an incoming record.
func record(mem memory.Allocator, versions []version) arrow.Record {
	schema := arrow.NewSchema(append(testTable.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true}), nil)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for _, v := range versions {
		b.Field(0).(*array.StringBuilder).Append(v.key)
		if v.value == "" {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append(v.value)
		}
		tags := b.Field(2).(*array.ListBuilder)
		if v.tags == nil {
			tags.AppendNull()
		} else {
			tags.Append(true)
			for _, tag := range v.tags {
				tags.ValueBuilder().(*array.StringBuilder).Append(tag)
			}
		}
		b.Field(3).AppendNull()
		b.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(v.page))
		b.Field(5).(*array.StringBuilder).Append(pageName(v.page))
		if v.day < 0 {
			b.Field(6).AppendNull()
		} else {
			b.Field(6).(*array.Date32Builder).Append(arrow.Date32(v.day))
		}
	}
	return b.NewRecord()
}

// warehouse is the files of the table between merges.
type warehouse map[Partition]string

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
	for part := range slices.Chunk(versions, batch) {
		rec := record(mem, part)
		err := s.Add(rec)
		rec.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	moves, err := s.Moved(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.moved(t, mem, versions), moves, cmp.AllowUnexported(move{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("moved: -want +got\n%s", diff)
	}
	const windows = 3
	out, err := s.Merge(context.Background(), Plan{
		Old:   w,
		Moved: moves,
		Path:  func(p Partition) string { return filepath.Join(dir, Month.Folder(p), "data.parquet") },
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
	newest, places, held := map[string]place{}, map[string]map[Partition]string{}, map[string][]Partition{}
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
			held[key] = append(held[key], part)
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
		m := move{to: to, known: len(held[key]) > 0, came: incoming[key][to], held: held[key]}
		for part, page := range places[key] {
			if part != m.to && numberOf(page) > numberOf(m.after) {
				m.after = page
			}
		}
		moved[key] = m
	}
	return moved
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
		c, err := s.layout.openTable(path, p, testTable.Arrow)
		if err != nil {
			t.Fatal(err)
		}
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

// model is what the table must hold after all versions: of each key the newest
// content, with the page of its first sighting in the last unbroken run of it.
func model(versions []version) map[Partition]map[string]kept {
	ordered := slices.Clone(versions)
	slices.SortStableFunc(ordered, func(a, b version) int { return a.page - b.page })
	type state struct {
		v     version
		first int
	}
	byKey := map[string]state{}
	for _, v := range ordered {
		s, seen := byKey[v.key]
		if !seen || s.v.value != v.value || s.v.day != v.day || !slices.Equal(s.v.tags, v.tags) || (s.v.tags == nil) != (v.tags == nil) {
			s.first = v.page
		}
		s.v = v
		byKey[v.key] = s
	}
	all := map[Partition]map[string]kept{}
	for key, s := range byKey {
		p := None
		if s.v.day >= 0 {
			p = Month.Of(s.v.day)
		}
		if all[p] == nil {
			all[p] = map[string]kept{}
		}
		all[p][key] = kept{Value: s.v.value, Tags: s.v.tags, Page: pageName(s.first), Seen: int64(s.first)}
	}
	return all
}

// contentDay ties the day to the value, as a business date is tied to a column.
func contentDay(value string) int32 {
	return map[string]int32{"a": 20000, "b": 20005, "c": 20040, "d": -1}[value]
}

func drawVersions(t *rapid.T, from int) []version {
	versions := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) version {
		value := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "value")
		return version{
			key:   rapid.SampledFrom([]string{"k1", "k2", "k3", "k4", "k5", "k6"}).Draw(t, "key"),
			page:  from + rapid.IntRange(0, 9).Draw(t, "page"),
			value: value, day: contentDay(value),
			tags: rapid.SampledFrom([][]string{nil, {}, {"x"}, {"x", "é\n"}}).Draw(t, "tags"),
		}
	}), 0, 40).Draw(t, "versions")
	// A page shows a key once.
	seen := map[string]bool{}
	return slices.DeleteFunc(versions, func(v version) bool {
		id := fmt.Sprint(v.key, v.page)
		defer func() { seen[id] = true }()
		return seen[id]
	})
}

func tempDir(t testing.TB) string { return t.(interface{ TempDir() string }).TempDir() }

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
		out, err := s.Merge(t.Context(), Plan{Path: func(Partition) string { return filepath.Join(dir, "data.parquet") }})
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
	if bytes.Contains(debug.Stack(), []byte("partitionWriter).encode")) {
		panic("no memory for the encoder")
	}
	return m.Allocator.Allocate(size)
}

// A panic of the goroutine that encodes a partition is an error of the merge,
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
	path := func(p Partition) string { return filepath.Join(dir, Month.Folder(p), "data.parquet") }
	_, err = s.Merge(t.Context(), Plan{Path: path})
	var fault *load.PanicError
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "table test.rows: partition month=2024-10: a fault in the program: no memory for the encoder") {
		t.Fatalf("merge: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "month=*", "*")); len(left) > 0 {
		t.Errorf("the merge leaves %v", left)
	}
}
