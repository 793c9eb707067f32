package partition

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"nightjar/load"
)

// tableOf is a table of columns with field ids, as every published one has them.
func tableOf(columns ...arrow.Field) load.Table {
	return load.Table{Schema: "test", Name: "calls", Key: []string{"id"}, Arrow: arrow.NewSchema(append(columns,
		identifiedField(1000, load.ExtractedAt, arrow.FixedWidthTypes.Timestamp_us, false),
		identifiedField(1001, load.Page, arrow.BinaryTypes.String, false)), nil)}
}

func identifiedField(id int, name string, kind arrow.DataType, nullable bool) arrow.Field {
	return arrow.Field{Name: name, Type: kind, Nullable: nullable, Metadata: fieldIDOf(id)}
}

func fieldIDOf(id int) arrow.Metadata {
	return arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{strconv.Itoa(id)})
}

func maybe(id int, name string, kind arrow.DataType) arrow.Field {
	return identifiedField(id, name, kind, true)
}

var (
	callID = identifiedField(1, "id", arrow.BinaryTypes.String, false)
	note   = maybe(2, "note", arrow.BinaryTypes.String)
	length = maybe(3, "length", arrow.PrimitiveTypes.Int64)
	tags   = maybe(4, "tags", arrow.ListOfField(maybe(2004, "element", arrow.BinaryTypes.String)))
	amount = maybe(5, "amount", &arrow.Decimal128Type{Precision: 18, Scale: 4})
)

const seen = `"_extracted_at": "2026-03-01 00:00:00Z"`

// night merges rows, as JSON, over the files of earlier nights.
func night(t *testing.T, table load.Table, files warehouse, rows ...string) (*Outcome, error) {
	t.Helper()
	dir := t.TempDir()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s, err := NewStage(table, Month, dir, NewPool(1<<30), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	schema := arrow.NewSchema(append(table.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true}), nil)
	rec, _, err := array.RecordFromJSON(mem, schema, strings.NewReader("["+strings.Join(rows, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	if err := s.Add(rec); err != nil {
		t.Fatal(err)
	}
	moved, err := s.Moved(t.Context(), files.old())
	if err != nil {
		return nil, err
	}
	out, err := s.Merge(t.Context(), Plan{Old: files.old(), Moved: moved, New: filesIn(dir, Month)})
	if err != nil {
		return nil, err
	}
	for _, r := range out.Partitions {
		if r.Path != "" {
			files[r.Partition] = r.Path
		}
	}
	return out, nil
}

// written is what a file holds for a reader that knows nothing of the table.
func written(t *testing.T, path string) []map[string]any {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := pqarrow.ReadTable(context.Background(), f, parquet.NewReaderProperties(memory.DefaultAllocator), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Release()
	var rows []map[string]any
	for i := range int(all.NumRows()) {
		row := map[string]any{}
		for c, f := range all.Schema().Fields() {
			if !strings.HasPrefix(f.Name, "_") {
				row[f.Name] = all.Column(c).Data().Chunk(0).GetOneForMarshal(i)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

const (
	february, march = 20485, 20513
	inFebruary      = `"_business_date": "2026-02-10"`
	inMarch         = `"_business_date": "2026-03-10"`
)

// A night merges over files that an earlier version has written: by field id, not by
// name or place. Files that nothing touches stay.
func TestMergeOverFilesOfAnotherVersion(t *testing.T) {
	older := tableOf(callID, maybe(2, "comment", note.Type), maybe(9, "dropped", arrow.PrimitiveTypes.Int64))
	newer := tableOf(tags, callID, length, amount, note)
	files := warehouse{}
	if _, err := night(t, older, files,
		`{"id": "a", "comment": "first", "dropped": 1, "_page": "p/1", `+seen+`, `+inFebruary+`}`,
		`{"id": "b", "comment": null, "dropped": 2, "_page": "p/1", `+seen+`, `+inMarch+`}`,
		`{"id": "c", "comment": "third", "dropped": null, "_page": "p/1", `+seen+`, `+inMarch+`}`,
		`{"id": "d", "comment": "moves", "dropped": 4, "_page": "p/1", `+seen+`, `+inMarch+`}`,
	); err != nil {
		t.Fatal(err)
	}
	before := files[Month.Of(february)]

	out, err := night(t, newer, files,
		`{"id": "b", "note": "now", "length": 7, "tags": ["x"], "amount": "1.5", "_page": "p/2", `+seen+`, `+inMarch+`}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Changed: 1}); out.Counts != want {
		t.Errorf("%+v, want %+v", out.Counts, want)
	}
	if files[Month.Of(february)] != before {
		t.Error("the month that nothing touches is written again")
	}
	row := func(id string, note, length, tags, amount any) map[string]any {
		return map[string]any{"id": id, "note": note, "length": length, "tags": tags, "amount": amount}
	}
	got := written(t, files[Month.Of(march)])
	if tags, ok := got[0]["tags"].(interface{ MarshalJSON() ([]byte, error) }); ok {
		text, err := tags.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got[0]["tags"] = string(text)
	}
	want := []map[string]any{row("b", "now", int64(7), `["x"]`, "1.5"), row("c", "third", nil, nil, nil), row("d", "moves", nil, nil, nil)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	out, err = night(t, newer, files, `{"id": "a", "note": "first", "_page": "p/3", `+seen+`, `+inFebruary+`}`)
	if want := (Counts{Unchanged: 1}); err != nil || out.Counts != want || files[Month.Of(february)] != before {
		t.Errorf("a row that comes again as it was, but for columns that are null: %+v, %v", out, err)
	}
	if out, err = night(t, newer, files, `{"id": "d", "note": "moves", "length": 1, "_page": "p/4", `+seen+`, `+inFebruary+`}`); err != nil || out.Counts != (Counts{Changed: 1}) {
		t.Errorf("a row that moves to a month of the earlier version: %+v, %v", out, err)
	}
	want = []map[string]any{row("a", "first", nil, nil, nil), row("d", "moves", int64(1), nil, nil)}
	if diff := cmp.Diff(want, written(t, files[Month.Of(february)])); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A column of another type is no column to read on; neither is a file without what
// every row has.
func TestMergeRefusesColumnsThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		older, newer load.Table
		rows         []string // of the second night
		want         string
	}{
		"another type": {tableOf(callID, note), tableOf(callID, maybe(2, "note", arrow.PrimitiveTypes.Int64)), []string{`{"id": "b", ` + inFebruary + `, "_page": "p/2", ` + seen + `}`},
			"column note was written as utf8 and is int64 now"},
		"another scale": {tableOf(callID, amount), tableOf(callID, maybe(5, "amount", &arrow.Decimal128Type{Precision: 18, Scale: 2})), []string{`{"id": "b", ` + inFebruary + `, "_page": "p/2", ` + seen + `}`},
			"column amount was written as decimal(18, 4) and is decimal(18, 2) now"},
		"lists of another type": {tableOf(callID, tags), tableOf(callID, maybe(4, "tags", arrow.ListOfField(maybe(2004, "element", arrow.PrimitiveTypes.Int64)))), []string{`{"id": "b", ` + inFebruary + `, "_page": "p/2", ` + seen + `}`},
			"column tags was written as list"},
		"another key": {tableOf(callID, note), tableOf(identifiedField(7, "id", arrow.BinaryTypes.String, false), note), []string{`{"id": "a", ` + inMarch + `, "_page": "p/2", ` + seen + `}`},
			"column id is not in what was written, and no row may be without it"},
	} {
		t.Run(name, func(t *testing.T) {
			files := warehouse{}
			if _, err := night(t, c.older, files, `{"id": "a", `+inFebruary+`, "_page": "p/1", `+seen+`}`); err != nil {
				t.Fatal(err)
			}
			_, err := night(t, c.newer, files, c.rows...)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "test.calls") || !strings.Contains(err.Error(), "`etl replay`") {
				t.Errorf("got %v, want %q, the table and what mends it", err, c.want)
			}
		})
	}
}
