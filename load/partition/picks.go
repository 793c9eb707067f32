package partition

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load/column"
	"nightjar/load/parquetfile"
)

// picks is a list of rows of several batches, which it holds on to.
type picks struct {
	batches []*batch
	rows    []column.Pick
	apart   [][]column.Pick // by column: the rows that it is taken from where they are others; nil, or beyond the end: they are not
}

// of is the rows from which column c is taken.
func (p picks) of(c int) []column.Pick {
	if c < len(p.apart) && p.apart[c] != nil {
		return p.apart[c]
	}
	return p.rows
}

// slice is some of the rows, from one up to another.
func (p picks) slice(from, to int) picks {
	return p.some(func(rows []column.Pick) []column.Pick { return rows[from:to] })
}

// only is the rows at these places.
func (p picks) only(places []int32) picks {
	return p.some(func(rows []column.Pick) []column.Pick {
		chosen := make([]column.Pick, len(places))
		for i, at := range places {
			chosen[i] = rows[at]
		}
		return chosen
	})
}

// some is the rows that are chosen of every list of them.
func (p picks) some(choose func([]column.Pick) []column.Pick) picks {
	part := picks{batches: p.batches, rows: choose(p.rows)}
	for _, rows := range p.apart {
		if rows != nil {
			rows = choose(rows)
		}
		part.apart = append(part.apart, rows)
	}
	return part
}

// arrays are the batches' arrays of one column.
func (p picks) arrays(c int) []arrow.Array {
	from := make([]arrow.Array, len(p.batches))
	for i, b := range p.batches {
		from[i] = b.rec.Column(c)
	}
	return from
}

// Len and Column make picks the rows of a file that is written.
func (p picks) Len() int { return len(p.rows) }

// Column is the rows' column c, that of the pages by their numbers.
func (p picks) Column(c int) parquetfile.Column {
	col := parquetfile.Column{From: p.arrays(c), Rows: p.of(c)}
	if b := p.batches[0]; b.numbering != nil && b.pageColumn == c {
		for _, b := range p.batches {
			col.Names = append(col.Names, b.numbering)
		}
	}
	return col
}

// pages are the names of the rows' pages.
func (p picks) pages(mem memory.Allocator) arrow.Array {
	names := array.NewStringBuilder(mem)
	defer names.Release()
	for _, at := range p.rows {
		names.Append(p.batches[at.Slot].page(int(at.Row)))
	}
	return names.NewArray()
}

// record copies the rows into a record of the same columns.
func (p picks) record(mem memory.Allocator, schema *arrow.Schema) arrow.Record {
	columns := make([]arrow.Array, schema.NumFields())
	for c := range columns {
		columns[c] = column.Gather(mem, schema.Field(c).Type, p.arrays(c), p.of(c))
		defer columns[c].Release()
	}
	return array.NewRecord(schema, columns, int64(len(p.rows)))
}

// widest is the most bytes of text, or elements of lists, that one column of the
// rows holds: how far the offsets of a record of them count.
func (p picks) widest() int64 {
	var most int64
	for c := range p.batches[0].rec.Columns() {
		most = max(most, column.Widest(p.arrays(c), p.of(c)))
	}
	return most
}

func (p picks) retain() {
	for _, b := range p.batches {
		b.rec.Retain()
	}
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
	p.rows = append(p.rows, column.Pick{Slot: b.slot, Row: int32(row)})
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
	p.apart[c] = append(p.fill(c, len(p.rows)-1), column.Pick{Slot: b.slot, Row: int32(row)})
}

// fill is the rows of a column that is taken apart, up to the nth: those since the
// last that was another are the picker's own.
func (p *picker) fill(c, n int) []column.Pick {
	return append(p.apart[c], p.rows[len(p.apart[c]):n]...)
}

// resume goes on with rows that have been taken, in an empty picker.
func (p *picker) resume(rows picks) {
	p.picks = rows
	for slot, b := range rows.batches {
		b.holder, b.slot = p, int32(slot)
	}
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
	p.picks = picks{rows: make([]column.Pick, 0, len(taken.rows))}
	return taken
}
