package partition

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

// nightTable is a table with a key of either type, and with or without its day.
func nightTable(key arrow.DataType, dated bool) load.Table {
	t := load.Table{Schema: "test", Name: "nights", Key: []string{"id"}}
	fields := []arrow.Field{{Name: "id", Type: key}, {Name: "value", Type: arrow.BinaryTypes.String, Nullable: true}}
	if dated {
		t.Day = "day"
		fields = append(fields, arrow.Field{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	}
	t.Arrow = arrow.NewSchema(append(fields,
		arrow.Field{Name: load.ExtractedAt, Type: arrow.FixedWidthTypes.Timestamp_us},
		arrow.Field{Name: load.Page, Type: arrow.BinaryTypes.String}), nil)
	return t
}

// nights is the files of such a table between merges, and its rows as deltas and what left
// make them.
type nights struct {
	table    load.Table
	width    Width
	cuts     cuts
	keyless  bool // the key files are lost whenever they are needed
	files    warehouse
	database map[string]string // content by key
}

func (n *nights) record(versions []version) arrow.Record {
	schema := arrow.NewSchema(append(n.table.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true}), nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, v := range versions {
		for c, f := range schema.Fields() {
			switch to := b.Field(c).(type) {
			case *array.Int64Builder:
				number, _ := strconv.ParseInt(v.key, 10, 64)
				to.Append(number)
			case *array.TimestampBuilder:
				to.Append(arrow.Timestamp(v.page))
			case *array.StringBuilder:
				to.Append(map[string]string{"id": v.key, "value": v.value, load.Page: pageName(v.page)}[f.Name])
			case *array.Date32Builder:
				if v.day < 0 {
					to.AppendNull()
				} else {
					to.Append(arrow.Date32(v.day))
				}
			}
		}
	}
	return b.NewRecord()
}

// merge brings versions in, batch at a time.
func (n *nights) merge(t testing.TB, versions []version, batch int, pool int64) *Outcome {
	t.Helper()
	dir, err := os.MkdirTemp(tempDir(t), "merge")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(n.table, n.width, dir, NewPool(pool), memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.layout.cuts = n.cuts
	for part := range slices.Chunk(versions, batch) {
		if err := s.Add(n.record(part)); err != nil {
			t.Fatal(err)
		}
	}
	old := n.files.old()
	for p, files := range old {
		if n.keyless {
			old[p] = Files{Path: files.Path}
		}
	}
	moves, err := s.Moved(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	plan := Plan{
		Old: old, Moved: moves, Delta: filepath.Join(dir, "delta.parquet"), Left: filepath.Join(dir, "left.parquet"),
		New: filesIn(dir, n.width),
	}
	out, err := s.Merge(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Partitions {
		switch {
		case r.Path != "":
			n.files[r.Partition] = r.Path
		case r.Changed:
			delete(n.files, r.Partition)
		}
	}
	n.project(t, plan, out)
	return out
}

// project takes what left out of the database, which is there as it left, and puts the
// delta in.
func (n *nights) project(t testing.TB, plan Plan, out *Outcome) {
	t.Helper()
	if out.LeftRows > 0 {
		for key, content := range n.read(t, plan.Left) {
			if n.database[key] != content {
				t.Errorf("row %q leaves as %s, and was %s", key, content, n.database[key])
			}
			delete(n.database, key)
		}
	}
	if out.DeltaRows > 0 {
		for key, content := range n.read(t, plan.Delta) {
			if had, ok := n.database[key]; ok {
				t.Errorf("row %q comes and is there: %s", key, had)
			}
			n.database[key] = content
		}
	}
	rows := map[string]string{}
	for p, path := range n.files {
		for key, content := range n.read(t, path) {
			if _, twice := rows[key]; twice {
				t.Errorf("row %q is there twice", key)
			}
			rows[key] = content
		}
		if err := CheckKeys(n.table, n.width, p, n.files.old()[p]); err != nil {
			t.Error(err)
		}
	}
	if !maps.Equal(rows, n.database) {
		t.Errorf("the files hold\n%v\nand the database\n%v", rows, n.database)
	}
}

// read is the rows of a file, each as one text, by key.
func (n *nights) read(t testing.TB, path string) map[string]string {
	t.Helper()
	r, err := parquetfile.Open(path, n.table.Arrow.Fields(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]string{}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(rec.NumRows()) {
			var values []string
			for _, c := range rec.Columns() {
				values = append(values, c.ValueStr(i))
			}
			if _, twice := all[values[0]]; twice {
				t.Errorf("row %q is twice in one file", values[0])
			}
			all[values[0]] = strings.Join(values, " ")
		}
		rec.Release()
	}
}

// bytes is the files, and those of their keys.
func (n *nights) bytes(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for p, path := range n.files {
		for _, name := range []string{path, filesOf(path).Keys} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[n.width.Folder(p)+"/"+filepath.Base(name)] = string(data)
		}
	}
	return all
}

// Nights come to the same bytes as all of their rows at once, Parquet and keys, whatever
// the key, the order, the width and where row groups end, and also where key files are
// lost; what they write down of their changes makes the same rows.
func TestNightsComeToTheBytesOfAllAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		made := func() *nights { return &nights{files: warehouse{}, database: map[string]string{}} }
		nightly, once := made(), made()
		nightly.table = nightTable(rapid.SampledFrom([]arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64}).Draw(rt, "key"), rapid.Bool().Draw(rt, "dated"))
		nightly.width = rapid.SampledFrom([]Width{Month, Month, Day, Whole}).Draw(rt, "width")
		nightly.cuts = rapid.SampledFrom([]cuts{{1, 1, 0}, {1, 4, 1}, {2, 5, 1}, {3, 9, 3}}).Draw(rt, "cuts")
		once.table, once.width, once.cuts = nightly.table, nightly.width, nightly.cuts
		nightly.keyless = rapid.IntRange(0, 4).Draw(rt, "keyless") == 0
		batch := func() int { return rapid.IntRange(1, 40).Draw(rt, "batch") }
		pool := func() int64 { return rapid.SampledFrom([]int64{0, 1 << 30}).Draw(rt, "pool") }
		var all []version
		for night := range rapid.IntRange(1, 4).Draw(rt, "nights") {
			versions := drawNight(rt, 10*night)
			all = append(all, versions...)
			nightly.merge(t, versions, batch(), pool())
		}
		once.merge(t, rapid.Permutation(all).Draw(rt, "order"), batch(), pool())
		want, got := once.bytes(t), nightly.bytes(t)
		for name := range want {
			if got[name] != want[name] {
				rt.Fatalf("%s differs: %d bytes, and %d all at once", name, len(got[name]), len(want[name]))
			}
		}
		if len(got) != len(want) {
			rt.Fatalf("%d files, and %d all at once", len(got), len(want))
		}
	})
}

func drawNight(t *rapid.T, from int) []version {
	seen := map[string]bool{}
	var all []version
	for range rapid.IntRange(0, 40).Draw(t, "rows") {
		v := version{
			key:   strconv.Itoa(rapid.IntRange(-3, 60).Draw(t, "key")),
			page:  from + rapid.IntRange(0, 9).Draw(t, "page"),
			day:   rapid.SampledFrom([]int32{20000, 20000, 20001, 20002, 20003, 20004, 20040, -1}).Draw(t, "day"),
			value: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "value"),
		}
		if id := fmt.Sprint(v.key, v.page); !seen[id] { // a page shows a key once
			seen[id] = true
			all = append(all, v)
		}
	}
	return all
}

// So do nights of as many rows as row groups usually have: one that changes rows all over
// a month, one that adds to its last days, and one that does both.
func TestNightsOfManyRows(t *testing.T) {
	const rows, first, last = 300_000, 20393, 20423
	g := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}
	records := g.records(rows, first, last, "a")
	nightly := warehouse{}
	nightly.mergeAll(t, NewPool(1<<30), records)
	everywhere := g.changed(t, nightly, func(row int64, _ int32) bool { return row%5000 == 0 })
	added := g.records(10_000, last-2, last, "b")
	for _, night := range [][]arrow.Record{everywhere, added, append(g.changed(t, nightly, func(row int64, _ int32) bool { return row%70_000 == 1 }), g.records(9, first+9, first+20, "c")...)} {
		nightly.mergeAll(t, NewPool(1<<30), night)
		records = append(records, night...)
	}
	once := warehouse{}
	once.mergeAll(t, NewPool(1<<30), records)
	for p, path := range once {
		for _, name := range []string{filepath.Base(path), filepath.Base(filesOf(path).Keys)} {
			if !bytes.Equal(contents(t, path, name), contents(t, nightly[p], name)) {
				t.Errorf("%s of %s differs", name, Month.Folder(p))
			}
		}
	}
	source, err := parquetfile.OpenSource(nightly[Month.Of(first)])
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if n := source.Groups(); n < 3 || n > 5 {
		t.Errorf("%d rows are %d row groups", rows, n)
	}
}

// contents is a file beside another, or that one.
func contents(t testing.TB, path, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
