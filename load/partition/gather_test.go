package partition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"
)

// samples are five values of every type that a table may have, nulls among them.
var samples = map[arrow.DataType]string{
	arrow.BinaryTypes.String:                       `["", "a", null, "é\n", "longer than eight bytes"]`,
	arrow.PrimitiveTypes.Int64:                     `[0, -1, null, 9223372036854775807, 7]`,
	arrow.PrimitiveTypes.Int32:                     `[0, -1, null, 2147483647, 7]`,
	arrow.PrimitiveTypes.Int8:                      `[0, -1, null, 127, 7]`,
	arrow.PrimitiveTypes.Float64:                   `[0, -1.5, null, 1e300, 7]`,
	arrow.FixedWidthTypes.Boolean:                  `[true, false, null, true, true]`,
	arrow.FixedWidthTypes.Date32:                   `["1970-01-01", "2026-11-20", null, "2100-01-01", "1999-12-31"]`,
	arrow.FixedWidthTypes.Timestamp_us:             `["1970-01-01T00:00:00Z", "2026-11-20T01:02:03.000004Z", null, "2100-01-01T00:00:00Z", "1999-12-31T23:59:59Z"]`,
	&arrow.Decimal128Type{Precision: 18, Scale: 4}: `["0", "-1.5", null, "99999999999999.9999", "7"]`,
	arrow.ListOf(arrow.BinaryTypes.String):         `[[], ["a"], null, ["é", null, ""], ["x", "y"]]`,
	arrow.ListOf(arrow.PrimitiveTypes.Int64):       `[[], [1], null, [2, null, 3], [4, 5]]`,
}

// Rows picked from several arrays, slices of longer ones included, come out as
// they are, in every type that a table may have.
func TestGather(t *testing.T) {
	for kind, values := range samples {
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
				rows := rapid.SliceOf(rapid.Custom(func(t *rapid.T) pick {
					slot := rapid.IntRange(0, len(from)-1).Draw(t, "slot")
					return pick{int32(slot), int32(rapid.IntRange(0, from[slot].Len()-1).Draw(t, "row"))}
				})).Draw(t, "rows")
				got := gather(mem, kind, from, rows)
				defer got.Release()
				if got.Len() != len(rows) {
					t.Fatalf("%d rows, want %d", got.Len(), len(rows))
				}
				for i, p := range rows {
					if want := from[p.slot]; !equalValue(got, i, want, int(p.row)) {
						t.Fatalf("row %d is %s, want %s", i, got.ValueStr(i), want.ValueStr(int(p.row)))
					}
				}
			})
		})
	}
}
