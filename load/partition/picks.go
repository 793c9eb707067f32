package partition

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

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
