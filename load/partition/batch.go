package partition

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// batch is a record with what the merge compares: the partition, the key and the
// page of each row. Its record is the table's columns, with the number of the page
// in place of the page.
type batch struct {
	rec       arrow.Record
	keys      *array.String // of sortKeys
	parts     []Partition
	pages     []int32    // numbers; nil where the table has no versions
	names     []string   // of the pages, by number
	numbering *pageNames // that the numbers and names are of
	valid     []validity // of the columns; nil until asked

	holder *picker // that has the batch in slot; nil for none
	slot   int32
}

func (b *batch) rows() int { return len(b.parts) }

// bytes is the memory behind the batch.
func (b *batch) bytes() int64 {
	n := recordBytes(b.rec)
	if !slices.Contains(b.rec.Columns(), arrow.Array(b.keys)) {
		n += dataBytes(b.keys.Data())
	}
	return n
}

func (b *batch) page(row int) string {
	if b.pages == nil {
		return ""
	}
	return b.names[b.pages[row]]
}

// layout is where the columns that matter to a merge stand in a record.
type layout struct {
	width   Width
	key     []int
	page    int           // -1: the table has no versions, for want of a page or because the key has it
	part    int           // last: the business date of an incoming record, the partition of a staged one
	compare []int         // the columns that are content: all but _extracted_at and _page
	staged  *arrow.Schema // of runs
}

// stagedSchema is the schema of the runs of a table.
func stagedSchema(table *arrow.Schema, page int) *arrow.Schema {
	fields := append(table.Fields(), arrow.Field{Name: "_partition", Type: arrow.PrimitiveTypes.Int32})
	if page >= 0 {
		fields[page].Type = arrow.PrimitiveTypes.Int32
	}
	return arrow.NewSchema(fields, nil)
}

// incoming makes a batch of an incoming record, which stays the caller's.
func (l *layout) incoming(rec arrow.Record, pages *pageNames, mem memory.Allocator) *batch {
	parts, values := newNumbers[Partition](mem, int(rec.NumRows()))
	defer parts.Release()
	l.width.ofEach(rec.Column(l.part).(*array.Date32), values)
	columns := slices.Clone(rec.Columns())
	columns[l.part] = parts
	return l.numbered(l.staged, columns, values, pages, mem)
}

// existing makes a batch of a record of the table, whose rows stand in partition
// p. The record stays the caller's.
func (l *layout) existing(rec arrow.Record, p Partition, pages *pageNames, mem memory.Allocator) *batch {
	parts := slices.Repeat([]Partition{p}, int(rec.NumRows()))
	schema := arrow.NewSchema(l.staged.Fields()[:l.part], nil)
	return l.numbered(schema, slices.Clone(rec.Columns()), parts, pages, mem)
}

// numbered makes a batch of columns, of which it turns the pages into numbers.
func (l *layout) numbered(schema *arrow.Schema, columns []arrow.Array, parts []Partition, pages *pageNames, mem memory.Allocator) *batch {
	b := &batch{parts: parts}
	if l.page >= 0 {
		var numbers arrow.Array
		numbers, b.pages = newNumbers[int32](mem, len(parts))
		defer numbers.Release()
		b.numbering, b.names = pages, pages.number(columns[l.page].(*array.String), b.pages)
		columns[l.page] = numbers
	}
	b.rec = array.NewRecord(schema, columns, int64(len(parts)))
	b.keys = sortKeys(b.rec, l.key)
	return b
}

// scratch makes a batch of a record of a scratch run, of which it takes over the
// caller's reference.
func (l *layout) scratch(rec arrow.Record, pages *pageNames) *batch {
	b := &batch{rec: rec, keys: sortKeys(rec, l.key), parts: arrow.GetValues[Partition](rec.Column(l.part).Data(), 1)}
	if l.page >= 0 {
		b.pages, b.numbering, b.names = arrow.GetValues[int32](rec.Column(l.page).Data(), 1), pages, pages.all()
	}
	return b
}

// newNumbers returns an array of n numbers and the place to put them.
func newNumbers[T ~int32](mem memory.Allocator, n int) (arrow.Array, []T) {
	values := newBuffer(mem, arrow.Int32Traits.BytesRequired(n))
	defer values.Release()
	d := array.NewData(arrow.PrimitiveTypes.Int32, n, []*memory.Buffer{nil, values}, nil, 0, 0)
	defer d.Release()
	return array.NewInt32Data(d), arrow.GetData[T](values.Bytes())
}

// place is what decides most comparisons of two rows, side by side in memory.
type place struct {
	part   Partition
	row    int32
	prefix uint64
}

// sorted makes a batch of an incoming record, which stays the caller's, with its
// rows by partition, key and page; rows alike in all three stay in the order in
// which they came.
func (l *layout) sorted(rec arrow.Record, pages *pageNames, mem memory.Allocator) *batch {
	b := l.incoming(rec, pages, mem)
	defer b.rec.Release()
	rows := picks{batches: []*batch{b}, rows: make([]pick, b.rows())}
	for i, p := range b.places() {
		rows.rows[i].row = p.row
	}
	return l.scratch(rows.record(mem, l.staged), pages)
}

// places are those of the rows, in order.
func (b *batch) places() []place {
	places := make([]place, b.rows())
	for i := range places {
		places[i] = place{b.parts[i], int32(i), prefix(b.keys.Value(i))}
	}
	slices.SortFunc(places, func(x, y place) int {
		switch {
		case x.part != y.part:
			return cmp.Compare(x.part, y.part)
		case x.prefix != y.prefix:
			return cmp.Compare(x.prefix, y.prefix)
		}
		i, j := int(x.row), int(y.row)
		if k, l := b.keys.Value(i), b.keys.Value(j); k != l {
			return cmp.Compare(k, l)
		}
		return cmp.Or(comparePages(b.page(i), b.page(j)), cmp.Compare(i, j))
	})
	return places
}

// prefix is the first bytes of a key as a number that sorts as they do.
func prefix(key string) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64([]byte(key[:8]))
	}
	var first [8]byte
	copy(first[:], key)
	return binary.BigEndian.Uint64(first[:])
}
