package partition

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"

	"nightjar/load"
	"nightjar/load/column"
	"nightjar/load/parquetfile"
)

// A list of any length stands between its neighbours as it came, for readers that
// did not write it and for the next night's merge.
func TestLongLists(t *testing.T) {
	for _, n := range []int{32_767, 32_768, 32_769, 70_000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			long := make([]string, n)
			for i := range long {
				long[i] = strconv.Itoa(i % 1000)
			}
			want := map[string][]string{"1": {"before"}, "2": long, "3": {"after", "it"}, "4": nil, "5": {}, "6": long, "7": {"last"}}
			var versions []version
			for key, tags := range want {
				versions = append(versions, version{key: key, value: "a", day: 20000, tags: tags})
			}
			w := warehouse{}
			w.merge(t, mem, versions, len(versions), NewPool(0))
			expectLists(t, "first night", readLists(t, w[Month.Of(20000)], 2), want)

			want["3"] = []string{"changed"}
			w.merge(t, mem, []version{{key: "3", page: 1, value: "b", day: 20000, tags: want["3"]}}, 1, NewPool(1<<30))
			expectLists(t, "second night", readLists(t, w[Month.Of(20000)], 2), want)
		})
	}
}

func expectLists(t *testing.T, when string, got, want map[string][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", when, len(got), len(want))
	}
	for key, list := range want {
		have := got[key]
		if len(have) != len(list) || (have == nil) != (list == nil) {
			t.Errorf("%s: row %s has %d elements, want %d", when, key, len(have), len(list))
			continue
		}
		for i := range list {
			if have[i] != list[i] {
				t.Errorf("%s: element %d of row %s is %q, want %q", when, i, key, have[i], list[i])
				break
			}
		}
	}
}

// readLists reads the lists in a column of a file by key, which is its first
// column, with an implementation of Parquet that did not write it.
func readLists(t *testing.T, path string, column int) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string][]string{}
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 4)
		for {
			n, err := rows.ReadRows(buffer)
			for _, r := range buffer[:n] {
				key := ""
				r.Range(func(c int, values []parquet.Value) bool {
					switch {
					case c == 0:
						key = values[0].String()
					case c == column && values[0].DefinitionLevel() == 0:
						lists[key] = nil
					case c == column:
						lists[key] = []string{}
						for _, v := range values {
							if !v.IsNull() {
								lists[key] = append(lists[key], v.String())
							}
						}
					}
					return true
				})
			}
			if err != nil {
				break
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return lists
}

// So does a list of numbers in a column that is never null.
func TestLongListOfNumbers(t *testing.T) {
	const n = 70_000
	table := load.Table{Schema: "test", Name: "numbers", Key: []string{"id"}, Arrow: arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "numbers", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)},
	}, nil)}
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Arrow)
	defer b.Release()
	want := map[string][]string{}
	for row, length := range []int{1, n, 2} {
		key := fmt.Sprint(row)
		b.Field(0).(*array.StringBuilder).Append(key)
		list := b.Field(1).(*array.ListBuilder)
		list.Append(true)
		for i := range length {
			list.ValueBuilder().(*array.Int64Builder).Append(int64(i))
			want[key] = append(want[key], strconv.Itoa(i))
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	path := filepath.Join(t.TempDir(), "numbers.parquet")
	out, err := parquetfile.Create(path, table, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(picks{batches: []*batch{{rec: rec}}, rows: []column.Pick{{Row: 0}, {Row: 1}, {Row: 2}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Close(); err != nil {
		t.Fatal(err)
	}
	expectLists(t, "numbers", readLists(t, path, 1), want)
}
