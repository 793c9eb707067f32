package column

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Validity tells which rows of an array are not null.
type Validity struct {
	bits   []byte // nil: all
	offset int
}

// Has reports whether the row is not null.
func (v Validity) Has(row int32) bool {
	return v.bits == nil || bitutil.BitIsSet(v.bits, v.offset+int(row))
}

// Validities are those of the arrays; some is false where no array has a null.
func Validities(from []arrow.Array) (valid []Validity, some bool) {
	valid = make([]Validity, len(from))
	for i, a := range from {
		if a.NullN() > 0 {
			valid[i], some = Validity{a.NullBitmapBytes(), a.Data().Offset()}, true
		}
	}
	return valid, some
}

// Values are those of the arrays, whatever is null.
func Values[T arrow.FixedWidthType](from []arrow.Array) [][]T {
	values := make([][]T, len(from))
	for i, a := range from {
		values[i] = arrow.GetValues[T](a.Data(), 1)
	}
	return values
}

// Texts is an array of texts.
type Texts struct {
	data []byte
	ends []int32
}

// At is the text of a row, which is good while the array is.
func (t Texts) At(row int32) []byte { return t.data[t.ends[row]:t.ends[row+1]] }

// TextsOf are the arrays, of texts.
func TextsOf(from []arrow.Array) []Texts {
	columns := make([]Texts, len(from))
	for i, a := range from {
		columns[i].ends = a.(*array.String).ValueOffsets()
		if b := a.Data().Buffers()[2]; b != nil {
			columns[i].data = b.Bytes()
		}
	}
	return columns
}

// Widest is how many bytes of text, or elements of lists, the rows hold: how far the
// offsets of an array of them count.
func Widest(from []arrow.Array, rows []Pick) (n int64) {
	for _, p := range rows {
		switch a := from[p.Slot].(type) {
		case *array.String:
			n += int64(a.ValueLen(int(p.Row)))
		case *array.List:
			start, end := a.ValueOffsets(int(p.Row))
			length := end - start
			if texts, ok := a.ListValues().(*array.String); ok && length > 0 {
				length = max(length, int64(texts.ValueOffset(int(end)-1)-texts.ValueOffset(int(start))+texts.ValueLen(int(end)-1)))
			}
			n += length
		}
	}
	return n
}

// NewTexts is an array of the texts in data, which end at ends[1:], in Go's own memory.
func NewTexts(ends []int32, data []byte) *array.String {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(ends)), memory.NewBufferBytes(data)}
	return array.NewStringData(array.NewData(arrow.BinaryTypes.String, len(ends)-1, buffers, nil, 0, 0))
}

// NewNumbers returns an array of n numbers and the place to put them.
func NewNumbers[T ~int32](mem memory.Allocator, n int) (arrow.Array, []T) {
	values := newBuffer(mem, arrow.Int32Traits.BytesRequired(n))
	defer values.Release()
	d := array.NewData(arrow.PrimitiveTypes.Int32, n, []*memory.Buffer{nil, values}, nil, 0, 0)
	defer d.Release()
	return array.NewInt32Data(d), arrow.GetData[T](values.Bytes())
}
