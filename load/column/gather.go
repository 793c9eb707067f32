package column

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Pick is one row of one of several arrays of the same type. Rows are picked one by
// one and copied column by column: what a column needs to know is looked up once an
// array, not once a value.
type Pick struct{ Slot, Row int32 }

// Gather copies the rows that are picked out of the arrays, which are of type kind,
// into a new one.
func Gather(mem memory.Allocator, kind arrow.DataType, from []arrow.Array, rows []Pick) arrow.Array {
	valid, nulls := gatherValidity(mem, from, rows)
	buffers := []*memory.Buffer{valid}
	var children []arrow.ArrayData
	switch kind := kind.(type) {
	case *arrow.StringType:
		offsets, text := gatherText(mem, from, rows)
		buffers = append(buffers, offsets, text)
	case *arrow.ListType:
		offsets, elements := gatherLists(mem, kind, from, rows)
		defer elements.Release()
		buffers, children = append(buffers, offsets), []arrow.ArrayData{elements.Data()}
	case *arrow.BooleanType:
		buffers = append(buffers, gatherBits(mem, from, rows))
	case arrow.FixedWidthDataType:
		buffers = append(buffers, gatherFixed(mem, kind, from, rows))
	default:
		panic(fmt.Sprintf("column: no column of type %s is supported", kind))
	}
	d := array.NewData(kind, len(rows), buffers, children, nulls, 0)
	defer d.Release()
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	return array.MakeFromData(d)
}

// gatherValidity is the bitmap of the rows that are not null; nil if all are not.
func gatherValidity(mem memory.Allocator, from []arrow.Array, rows []Pick) (valid *memory.Buffer, nulls int) {
	present, some := Validities(from)
	if !some {
		return nil, 0
	}
	valid = newBuffer(mem, int(bitutil.BytesForBits(int64(len(rows)))))
	bits := valid.Bytes()
	clear(bits)
	for i, p := range rows {
		if present[p.Slot].Has(p.Row) {
			bitutil.SetBit(bits, i)
		} else {
			nulls++
		}
	}
	return valid, nulls
}

func gatherFixed(mem memory.Allocator, kind arrow.FixedWidthDataType, from []arrow.Array, rows []Pick) *memory.Buffer {
	width := kind.Bytes()
	buffer := newBuffer(mem, width*len(rows))
	switch width {
	case 1:
		pickValues[uint8](buffer, from, rows)
	case 4:
		pickValues[uint32](buffer, from, rows)
	case 8:
		pickValues[uint64](buffer, from, rows)
	case 16:
		pickValues[decimal128.Num](buffer, from, rows)
	default:
		panic(fmt.Sprintf("column: no column of type %s is supported", kind))
	}
	return buffer
}

func pickValues[T arrow.FixedWidthType](into *memory.Buffer, from []arrow.Array, rows []Pick) {
	values, out := Values[T](from), arrow.GetData[T](into.Bytes())
	for i, p := range rows {
		out[i] = values[p.Slot][p.Row]
	}
}

func gatherBits(mem memory.Allocator, from []arrow.Array, rows []Pick) *memory.Buffer {
	buffer := newBuffer(mem, int(bitutil.BytesForBits(int64(len(rows)))))
	bits := buffer.Bytes()
	clear(bits)
	for i, p := range rows {
		if from[p.Slot].(*array.Boolean).Value(int(p.Row)) {
			bitutil.SetBit(bits, i)
		}
	}
	return buffer
}

func gatherText(mem memory.Allocator, from []arrow.Array, rows []Pick) (offsets, text *memory.Buffer) {
	texts := TextsOf(from)
	offsets = newBuffer(mem, 4*(len(rows)+1))
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	ends[0] = 0
	for i, p := range rows {
		ends[i+1] = ends[i] + int32(len(texts[p.Slot].At(p.Row)))
	}
	text = newBuffer(mem, int(ends[len(rows)]))
	bytes := text.Bytes()
	for i, p := range rows {
		copy(bytes[ends[i]:ends[i+1]], texts[p.Slot].At(p.Row))
	}
	return offsets, text
}

func gatherLists(mem memory.Allocator, kind *arrow.ListType, from []arrow.Array, rows []Pick) (offsets *memory.Buffer, elements arrow.Array) {
	lists, children := make([]*array.List, len(from)), make([]arrow.Array, len(from))
	for i, a := range from {
		lists[i] = a.(*array.List)
		children[i] = lists[i].ListValues()
	}
	offsets = newBuffer(mem, 4*(len(rows)+1))
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	ends[0] = 0
	var inner []Pick
	for i, p := range rows {
		if lists[p.Slot].IsValid(int(p.Row)) {
			start, end := lists[p.Slot].ValueOffsets(int(p.Row))
			for row := start; row < end; row++ {
				inner = append(inner, Pick{p.Slot, int32(row)})
			}
		}
		ends[i+1] = int32(len(inner))
	}
	return offsets, Gather(mem, kind.Elem(), children, inner)
}

func newBuffer(mem memory.Allocator, size int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(size)
	return b
}
