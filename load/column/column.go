// Package column reads, compares and copies values of Arrow columns where they stand:
// of one column, in several arrays at a time. It knows every type that a table may
// have, which is what Supported says; it panics at another.
package column

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Equal reports whether row i of a and row j of b, of the same type, hold
// the same value. NULL equals NULL, and a NaN equals itself.
func Equal(a arrow.Array, i int, b arrow.Array, j int) bool {
	if a.IsNull(i) || b.IsNull(j) {
		return a.IsNull(i) && b.IsNull(j)
	}
	switch a := a.(type) {
	case *array.String:
		return a.Value(i) == b.(*array.String).Value(j)
	case *array.Timestamp:
		return a.Value(i) == b.(*array.Timestamp).Value(j)
	case *array.Int64:
		return a.Value(i) == b.(*array.Int64).Value(j)
	case *array.Int32:
		return a.Value(i) == b.(*array.Int32).Value(j)
	case *array.Int8:
		return a.Value(i) == b.(*array.Int8).Value(j)
	case *array.Date32:
		return a.Value(i) == b.(*array.Date32).Value(j)
	case *array.Float64:
		x, y := a.Value(i), b.(*array.Float64).Value(j)
		return x == y || x != x && y != y
	case *array.Boolean:
		return a.Value(i) == b.(*array.Boolean).Value(j)
	case *array.Decimal128:
		return a.Value(i) == b.(*array.Decimal128).Value(j)
	case *array.List:
		return equalList(a, i, b.(*array.List), j)
	default:
		panic(fmt.Sprintf("column: no column of type %s is supported", a.DataType()))
	}
}

func equalList(a *array.List, i int, b *array.List, j int) bool {
	aStart, aEnd := a.ValueOffsets(i)
	bStart, bEnd := b.ValueOffsets(j)
	if aEnd-aStart != bEnd-bStart {
		return false
	}
	for k := range aEnd - aStart {
		if !Equal(a.ListValues(), int(aStart+k), b.ListValues(), int(bStart+k)) {
			return false
		}
	}
	return true
}

// Supported reports whether a table may have columns of type t.
func Supported(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.TIMESTAMP, arrow.INT64, arrow.INT32, arrow.INT8, arrow.DATE32,
		arrow.FLOAT64, arrow.BOOL, arrow.DECIMAL128:
		return true
	case arrow.LIST:
		return Supported(t.(*arrow.ListType).Elem())
	}
	return false
}

// Bytes is the memory behind the arrays: the capacity of their buffers.
func Bytes(arrays ...arrow.Array) int64 {
	var n int64
	for _, a := range arrays {
		n += dataBytes(a.Data())
	}
	return n
}

func dataBytes(d arrow.ArrayData) int64 {
	var n int64
	for _, buffer := range d.Buffers() {
		if buffer != nil {
			n += int64(buffer.Cap())
		}
	}
	for _, child := range d.Children() {
		n += dataBytes(child)
	}
	return n
}
