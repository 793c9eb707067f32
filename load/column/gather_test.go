package column_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"nightjar/load/column"
	"nightjar/load/column/columntest"
)

// Rows picked from several arrays, slices of longer ones included, come out as
// they are, in every type that a table may have.
func TestGather(t *testing.T) {
	for kind, values := range columntest.Samples {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			whole, _, err := array.FromJSON(mem, kind, strings.NewReader(values))
			if err != nil {
				t.Fatal(err)
			}
			defer whole.Release()
			tail := array.NewSlice(whole, 1, 5)
			defer tail.Release()
			full := array.NewSlice(whole, 3, 5) // without a null
			defer full.Release()
			rapid.Check(t, func(t *rapid.T) {
				from := []arrow.Array{whole, tail, full}[rapid.SampledFrom([]int{0, 2}).Draw(t, "from"):]
				rows := rapid.SliceOf(rapid.Custom(func(t *rapid.T) column.Pick {
					slot := rapid.IntRange(0, len(from)-1).Draw(t, "slot")
					return column.Pick{Slot: int32(slot), Row: int32(rapid.IntRange(0, from[slot].Len()-1).Draw(t, "row"))}
				})).Draw(t, "rows")
				got := column.Gather(mem, kind, from, rows)
				defer got.Release()
				if got.Len() != len(rows) {
					t.Fatalf("%d rows, want %d", got.Len(), len(rows))
				}
				for i, p := range rows {
					if want := from[p.Slot]; !column.Equal(got, i, want, int(p.Row)) {
						t.Fatalf("row %d is %s, want %s", i, got.ValueStr(i), want.ValueStr(int(p.Row)))
					}
				}
			})
		})
	}
}
