package parquetfile

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"pgregory.net/rapid"

	"nightjar/load/column"
	"nightjar/load/column/columntest"
)

// oneColumn is rows of one column.
type oneColumn Column

func (o oneColumn) Len() int          { return len(o.Rows) }
func (o oneColumn) Column(int) Column { return Column(o) }

// Rows of several arrays are read back from a file as they are, in every type,
// with dictionaries and without, over the borders of row groups.
func TestEncoderWritesTheRowsPicked(t *testing.T) {
	for kind, values := range columntest.Samples {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			field := arrow.Field{Name: "v", Type: kind, Nullable: true}
			schema := arrow.NewSchema([]arrow.Field{field}, nil)
			whole, _, err := array.FromJSON(mem, kind, strings.NewReader(values))
			if err != nil {
				t.Fatal(err)
			}
			defer whole.Release()
			tail := array.NewSlice(whole, 3, 5) // without a null
			defer tail.Release()
			from := []arrow.Array{whole, tail}
			path := filepath.Join(t.TempDir(), "rows.parquet")
			rapid.Check(t, func(t *rapid.T) {
				lists := rapid.SliceOfN(rapid.SliceOf(rapid.Custom(func(t *rapid.T) column.Pick {
					slot := rapid.IntRange(0, len(from)-1).Draw(t, "slot")
					return column.Pick{Slot: int32(slot), Row: int32(rapid.IntRange(0, from[slot].Len()-1).Draw(t, "row"))}
				})), 1, 3).Draw(t, "lists")
				out, err := create(path, schema, parquet.NewWriterProperties(parquet.WithAllocator(mem), parquet.WithDictionaryDefault(false),
					parquet.WithDictionaryFor(columnPath(field), kind.ID() != arrow.BOOL && rapid.Bool().Draw(t, "dictionary")),
					parquet.WithMaxRowGroupLength(int64(rapid.IntRange(1, 9).Draw(t, "group")))))
				if err != nil {
					t.Fatal(err)
				}
				var want []column.Pick
				for _, rows := range lists {
					want = append(want, rows...)
					if err := out.Write(oneColumn{From: from, Rows: rows}); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := out.Close(); err != nil {
					t.Fatal(err)
				}
				got := readColumn(t, path)
				if len(got) != len(want) {
					t.Fatalf("%d rows, want %d", len(got), len(want))
				}
				for i, p := range want {
					if !column.Equal(got[i].a, got[i].row, from[p.Slot], int(p.Row)) {
						t.Fatalf("row %d is %s, want %s", i, got[i].a.ValueStr(got[i].row), from[p.Slot].ValueStr(int(p.Row)))
					}
				}
			})
		})
	}
}

// value is a row of an array.
type value struct {
	a   arrow.Array
	row int
}

// readColumn reads the values of a file of one column.
func readColumn(t *rapid.T, path string) (values []value) {
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	if pf.NumRows() == 0 {
		return nil
	}
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range table.Column(0).Data().Chunks() {
		for row := range chunk.Len() {
			values = append(values, value{chunk, row})
		}
	}
	return values
}

// A dictionary's column knows its least and its greatest text, the empty one
// included, and how many rows have none.
func TestStatisticsOfADictionary(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	a, _, err := array.FromJSON(memory.DefaultAllocator, arrow.BinaryTypes.String, strings.NewReader(`["b", "", null, "c", "b"]`))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rows.parquet")
	out, err := create(path, schema, parquet.NewWriterProperties(parquet.WithDictionaryDefault(true)))
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(oneColumn{From: []arrow.Array{a}, Rows: []column.Pick{{Row: 0}, {Row: 1}, {Row: 2}, {Row: 3}, {Row: 4}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Close(); err != nil {
		t.Fatal(err)
	}
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	chunk, err := pf.MetaData().RowGroup(0).ColumnChunk(0)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := chunk.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	texts := stats.(*metadata.ByteArrayStatistics)
	if string(texts.Min()) != "" || string(texts.Max()) != "c" || texts.NullCount() != 1 {
		t.Errorf("from %q to %q with %d nulls, want from %q to %q with 1", texts.Min(), texts.Max(), texts.NullCount(), "", "c")
	}
}
