package partition

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/load/column"
)

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
	return column.NewTexts(ends, data)
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

// appendInt writes v so that byte order is numeric order.
func appendInt(buf []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64(v)^1<<63)
}
