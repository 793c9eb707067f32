package transform

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// textColumn builds a column of texts. It is array.StringBuilder for the one case
// that rules the decoders' speed: values are appended to plain slices, which are
// kept from batch to batch, and copied once into buffers of the exact size.
type textColumn struct {
	mem   memory.Allocator
	data  []byte
	ends  []int32 // of the values in data
	nulls []int32 // rows without a value
}

func (c *textColumn) append(v []byte) {
	c.data = append(c.data, v...)
	c.ends = append(c.ends, int32(len(c.data)))
}

func (c *textColumn) appendNull() {
	c.nulls = append(c.nulls, int32(len(c.ends)))
	c.ends = append(c.ends, int32(len(c.data)))
}

// take returns the column as an array and begins anew.
func (c *textColumn) take() arrow.Array {
	data := buffer(c.mem, len(c.data))
	defer data.Release()
	copy(data.Bytes(), c.data)
	a := assemble(c.mem, arrow.BinaryTypes.String, c.ends, c.nulls, []*memory.Buffer{data}, nil)
	c.data, c.ends, c.nulls = c.data[:0], c.ends[:0], c.nulls[:0]
	return a
}

// listColumn builds a column of lists of texts, in the manner of textColumn.
type listColumn struct {
	kind     arrow.DataType
	elements textColumn
	ends     []int32 // of the lists in elements
	nulls    []int32 // rows without a list
}

// append closes a list: the elements since the last one.
func (c *listColumn) append() { c.ends = append(c.ends, int32(len(c.elements.ends))) }

func (c *listColumn) appendNull() {
	c.nulls = append(c.nulls, int32(len(c.ends)))
	c.append()
}

// take returns the column as an array and begins anew.
func (c *listColumn) take() arrow.Array {
	elements := c.elements.take()
	defer elements.Release()
	a := assemble(c.elements.mem, c.kind, c.ends, c.nulls, nil, []arrow.ArrayData{elements.Data()})
	c.ends, c.nulls = c.ends[:0], c.nulls[:0]
	return a
}

// assemble makes an array of values of varying length, which end at ends.
func assemble(mem memory.Allocator, kind arrow.DataType, ends, nulls []int32, values []*memory.Buffer, children []arrow.ArrayData) arrow.Array {
	offsets := buffer(mem, 4*(len(ends)+1))
	defer offsets.Release()
	starts := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	starts[0] = 0
	copy(starts[1:], ends)
	valid := validity(mem, len(ends), nulls)
	if valid != nil {
		defer valid.Release()
	}
	buffers := append([]*memory.Buffer{valid, offsets}, values...)
	d := array.NewData(kind, len(ends), buffers, children, len(nulls), 0)
	defer d.Release()
	return array.MakeFromData(d)
}

// validity is the bitmap of the rows with a value, nil where all have one. Its
// bits past the last row are zero, so that the same rows have the same bytes.
func validity(mem memory.Allocator, rows int, nulls []int32) *memory.Buffer {
	if len(nulls) == 0 {
		return nil
	}
	b := buffer(mem, int(bitutil.BytesForBits(int64(rows))))
	bits := b.Bytes()
	for i := range bits {
		bits[i] = 0xff
	}
	for _, row := range nulls {
		bitutil.ClearBit(bits, int(row))
	}
	for row := rows; row < 8*len(bits); row++ {
		bitutil.ClearBit(bits, row)
	}
	return b
}

func buffer(mem memory.Allocator, size int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(size)
	return b
}
