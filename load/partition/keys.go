package partition

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

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

// readable is a sort key for manifests: its values joined by "/".
func (l *layout) readable(key string) string {
	var b strings.Builder
	for n, c := range l.key {
		if n > 0 {
			b.WriteByte('/')
			key = strings.TrimPrefix(key, "\x00")
		}
		end := len(key)
		if l.staged.Field(c).Type.ID() == arrow.INT64 {
			end = min(end, 8)
			b.WriteString(strconv.FormatInt(readInt(key[:end]), 10))
		} else {
			if at := strings.IndexByte(key, 0); n < len(l.key)-1 && at >= 0 {
				end = at
			}
			b.WriteString(key[:end])
		}
		key = key[end:]
	}
	return b.String()
}

// readInt is the inverse of appendInt.
func readInt(key string) int64 {
	var v [8]byte
	copy(v[:], key)
	return int64(binary.BigEndian.Uint64(v[:]) ^ 1<<63)
}

// appendInt writes v so that byte order is numeric order.
func appendInt(buf []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64(v)^1<<63)
}
