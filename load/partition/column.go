package partition

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// equalValue reports whether row i of a and row j of b, of the same type, hold
// the same value. NULL equals NULL, and a NaN equals itself.
func equalValue(a arrow.Array, i int, b arrow.Array, j int) bool {
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
		panic(fmt.Sprintf("partition: no column of type %s is supported", a.DataType()))
	}
}

func equalList(a *array.List, i int, b *array.List, j int) bool {
	aStart, aEnd := a.ValueOffsets(i)
	bStart, bEnd := b.ValueOffsets(j)
	if aEnd-aStart != bEnd-bStart {
		return false
	}
	for k := range aEnd - aStart {
		if !equalValue(a.ListValues(), int(aStart+k), b.ListValues(), int(bStart+k)) {
			return false
		}
	}
	return true
}

// Supported reports whether the package can carry columns of type t.
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

// sortKeys returns, for every row of rec, a text that sorts as the key does: a
// text key is itself (no copy), an integer its big-endian bytes with the sign
// turned, several columns one after another with a zero byte between.
func sortKeys(rec arrow.Record, columns []int) *array.String {
	if len(columns) == 1 {
		if text, ok := rec.Column(columns[0]).(*array.String); ok {
			return text
		}
	}
	rows := int(rec.NumRows())
	ends, data := make([]int32, 1, rows+1), []byte{}
	for i := range rows {
		for n, c := range columns {
			if n > 0 {
				data = append(data, 0)
			}
			data = appendKey(data, rec.Column(c), i)
		}
		ends = append(ends, int32(len(data)))
	}
	return textArray(ends, data)
}

func appendKey(buf []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return buf
	}
	switch a := a.(type) {
	case *array.String:
		return append(buf, a.Value(i)...)
	case *array.Int64:
		return appendInt(buf, a.Value(i))
	default:
		panic(fmt.Sprintf("partition: a key of type %s is not supported", a.DataType()))
	}
}

// recordBytes is the memory behind a record: the capacity of its buffers.
func recordBytes(rec arrow.Record) int64 {
	var n int64
	for _, column := range rec.Columns() {
		n += dataBytes(column.Data())
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

// appendInt writes v so that byte order is numeric order.
func appendInt(buf []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64(v)^1<<63)
}
