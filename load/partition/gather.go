package partition

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// pick is one row of one of several arrays of the same type.
type pick struct{ slot, row int32 }

// picks is a list of rows of several batches, which it holds on to. Rows are
// listed one by one and copied column by column: what a column needs to know is
// looked up once a batch, not once a value.
type picks struct {
	batches []*batch
	rows    []pick
	apart   [][]pick // by column: the rows that it is taken from where they are others; nil, or beyond the end: they are not
}

// of is the rows from which column c is taken.
func (p picks) of(c int) picks {
	if c < len(p.apart) && p.apart[c] != nil {
		return picks{batches: p.batches, rows: p.apart[c]}
	}
	return picks{batches: p.batches, rows: p.rows}
}

// slice is some of the rows, from one up to another.
func (p picks) slice(from, to int) picks {
	part := picks{batches: p.batches, rows: p.rows[from:to]}
	for _, rows := range p.apart {
		if rows != nil {
			rows = rows[from:to]
		}
		part.apart = append(part.apart, rows)
	}
	return part
}

// only is the rows at these places.
func (p picks) only(places []int32) picks {
	choose := func(rows []pick) []pick {
		if rows == nil {
			return nil
		}
		chosen := make([]pick, len(places))
		for i, at := range places {
			chosen[i] = rows[at]
		}
		return chosen
	}
	part := picks{batches: p.batches, rows: choose(p.rows)}
	for _, rows := range p.apart {
		part.apart = append(part.apart, choose(rows))
	}
	return part
}

// column is the batches' arrays of one column.
func (p picks) column(c int) []arrow.Array {
	from := make([]arrow.Array, len(p.batches))
	for i, b := range p.batches {
		from[i] = b.rec.Column(c)
	}
	return from
}

// record copies the rows into a record of the same columns.
func (p picks) record(mem memory.Allocator, schema *arrow.Schema) arrow.Record {
	columns := make([]arrow.Array, schema.NumFields())
	for c := range columns {
		columns[c] = gather(mem, schema.Field(c).Type, p.column(c), p.of(c).rows)
		defer columns[c].Release()
	}
	return array.NewRecord(schema, columns, int64(len(p.rows)))
}

// widest is the most bytes of text, or elements of lists, that one column of the
// rows holds: how far the offsets of a record of them count.
func (p picks) widest() int64 {
	var most int64
	for c := range p.batches[0].rec.Columns() {
		most = max(most, widest(p.column(c), p.of(c).rows))
	}
	return most
}

func widest(from []arrow.Array, rows []pick) (n int64) {
	for _, p := range rows {
		switch a := from[p.slot].(type) {
		case *array.String:
			n += int64(a.ValueLen(int(p.row)))
		case *array.List:
			start, end := a.ValueOffsets(int(p.row))
			length := end - start
			if texts, ok := a.ListValues().(*array.String); ok && length > 0 {
				length = max(length, int64(texts.ValueOffset(int(end)-1)-texts.ValueOffset(int(start))+texts.ValueLen(int(end)-1)))
			}
			n += length
		}
	}
	return n
}

// readableKey is the key of a row for manifests: values joined by "/".
func (p picks) readableKey(columns []int, i int) string {
	at := p.rows[i]
	values := make([]string, len(columns))
	for n, c := range columns {
		values[n] = p.batches[at.slot].rec.Column(c).ValueStr(int(at.row))
	}
	return strings.Clone(strings.Join(values, "/"))
}

func (p picks) release() {
	for _, b := range p.batches {
		b.rec.Release()
	}
}

// picker lists rows. A batch is in one picker at a time.
type picker struct{ picks }

func (p *picker) add(b *batch, row int) {
	p.hold(b)
	p.rows = append(p.rows, pick{b.slot, int32(row)})
}

// hold gives the batch a slot.
func (p *picker) hold(b *batch) {
	if b.holder != p {
		b.holder, b.slot = p, int32(len(p.batches))
		b.rec.Retain()
		p.batches = append(p.batches, b)
	}
}

// instead takes column c of the row added last from another row.
func (p *picker) instead(c int, b *batch, row int) {
	p.hold(b)
	for len(p.apart) <= c {
		p.apart = append(p.apart, nil)
	}
	p.apart[c] = append(p.fill(c, len(p.rows)-1), pick{b.slot, int32(row)})
}

// fill is the rows of a column that is taken apart, up to the nth: those since the
// last that was another are the picker's own.
func (p *picker) fill(c, n int) []pick {
	return append(p.apart[c], p.rows[len(p.apart[c]):n]...)
}

// take hands over the rows listed, which are the caller's to release, and begins
// anew.
func (p *picker) take() picks {
	for c, rows := range p.apart {
		if rows != nil {
			p.apart[c] = p.fill(c, len(p.rows))
		}
	}
	taken := p.picks
	for _, b := range taken.batches {
		b.holder = nil
	}
	p.picks = picks{rows: make([]pick, 0, len(taken.rows))}
	return taken
}

// gather copies the rows that are picked out of the arrays into a new one.
func gather(mem memory.Allocator, kind arrow.DataType, from []arrow.Array, rows []pick) arrow.Array {
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
		panic(fmt.Sprintf("partition: no column of type %s is supported", kind))
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
func gatherValidity(mem memory.Allocator, from []arrow.Array, rows []pick) (valid *memory.Buffer, nulls int) {
	present, some := validities(from)
	if !some {
		return nil, 0
	}
	valid = newBuffer(mem, int(bitutil.BytesForBits(int64(len(rows)))))
	bits := valid.Bytes()
	clear(bits)
	for i, p := range rows {
		if present[p.slot].has(p.row) {
			bitutil.SetBit(bits, i)
		} else {
			nulls++
		}
	}
	return valid, nulls
}

func gatherFixed(mem memory.Allocator, kind arrow.FixedWidthDataType, from []arrow.Array, rows []pick) *memory.Buffer {
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
		panic(fmt.Sprintf("partition: no column of type %s is supported", kind))
	}
	return buffer
}

func pickValues[T arrow.FixedWidthType](into *memory.Buffer, from []arrow.Array, rows []pick) {
	values, out := valuesOf[T](from), arrow.GetData[T](into.Bytes())
	for i, p := range rows {
		out[i] = values[p.slot][p.row]
	}
}

func gatherBits(mem memory.Allocator, from []arrow.Array, rows []pick) *memory.Buffer {
	buffer := newBuffer(mem, int(bitutil.BytesForBits(int64(len(rows)))))
	bits := buffer.Bytes()
	clear(bits)
	for i, p := range rows {
		if from[p.slot].(*array.Boolean).Value(int(p.row)) {
			bitutil.SetBit(bits, i)
		}
	}
	return buffer
}

func gatherText(mem memory.Allocator, from []arrow.Array, rows []pick) (offsets, text *memory.Buffer) {
	texts := textsOf(from)
	offsets = newBuffer(mem, 4*(len(rows)+1))
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	ends[0] = 0
	for i, p := range rows {
		ends[i+1] = ends[i] + int32(len(texts[p.slot].at(p.row)))
	}
	text = newBuffer(mem, int(ends[len(rows)]))
	bytes := text.Bytes()
	for i, p := range rows {
		copy(bytes[ends[i]:ends[i+1]], texts[p.slot].at(p.row))
	}
	return offsets, text
}

func gatherLists(mem memory.Allocator, kind *arrow.ListType, from []arrow.Array, rows []pick) (offsets *memory.Buffer, elements arrow.Array) {
	lists, children := make([]*array.List, len(from)), make([]arrow.Array, len(from))
	for i, a := range from {
		lists[i] = a.(*array.List)
		children[i] = lists[i].ListValues()
	}
	offsets = newBuffer(mem, 4*(len(rows)+1))
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	ends[0] = 0
	var inner []pick
	for i, p := range rows {
		if lists[p.slot].IsValid(int(p.row)) {
			start, end := lists[p.slot].ValueOffsets(int(p.row))
			for row := start; row < end; row++ {
				inner = append(inner, pick{p.slot, int32(row)})
			}
		}
		ends[i+1] = int32(len(inner))
	}
	return offsets, gather(mem, kind.Elem(), children, inner)
}

func newBuffer(mem memory.Allocator, size int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(size)
	return b
}
