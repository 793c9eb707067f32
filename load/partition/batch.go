package partition

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load/column"
)

// batch is a record with what the merge compares: the partition, the key and the
// page of each row. Its record is the table's columns, with the number of the page
// in place of the page.
type batch struct {
	rec        arrow.Record
	keys       *array.String // of sortKeys
	parts      []Partition
	pages      []int32           // numbers; nil where the table has no versions
	pageColumn int               // that the numbers stand in
	names      []string          // of the pages, by number
	numbering  *column.Names     // that the numbers and names are of
	valid      []column.Validity // of the columns; nil until asked

	holder *picker // that has the batch in slot; nil for none
	slot   int32
}

func (b *batch) rows() int { return len(b.parts) }

// bytes is the memory behind the batch.
func (b *batch) bytes() int64 {
	n := column.Bytes(b.rec.Columns()...)
	if !slices.Contains(b.rec.Columns(), arrow.Array(b.keys)) {
		n += column.Bytes(b.keys)
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
func (l *layout) incoming(rec arrow.Record, pages *column.Names, mem memory.Allocator) *batch {
	parts, values := column.NewNumbers[Partition](mem, int(rec.NumRows()))
	defer parts.Release()
	l.width.ofEach(rec.Column(l.part).(*array.Date32), values)
	columns := slices.Clone(rec.Columns())
	columns[l.part] = parts
	return l.numbered(l.staged, columns, values, pages, mem)
}

// existing makes a batch of a record of the table, whose rows stand in partition
// p. The record stays the caller's.
func (l *layout) existing(rec arrow.Record, p Partition, pages *column.Names, mem memory.Allocator) *batch {
	parts := slices.Repeat([]Partition{p}, int(rec.NumRows()))
	schema := arrow.NewSchema(l.staged.Fields()[:l.part], nil)
	return l.numbered(schema, slices.Clone(rec.Columns()), parts, pages, mem)
}

// numbered makes a batch of columns, of which it turns the pages into numbers.
func (l *layout) numbered(schema *arrow.Schema, columns []arrow.Array, parts []Partition, pages *column.Names, mem memory.Allocator) *batch {
	b := &batch{parts: parts}
	if l.page >= 0 {
		var numbers arrow.Array
		numbers, b.pages = column.NewNumbers[int32](mem, len(parts))
		defer numbers.Release()
		b.pageColumn, b.numbering, b.names = l.page, pages, pages.NumberEach(columns[l.page].(*array.String), b.pages)
		columns[l.page] = numbers
	}
	b.rec = array.NewRecord(schema, columns, int64(len(parts)))
	b.keys = sortKeys(b.rec, l.key)
	return b
}

// scratch makes a batch of a record of a scratch run, of which it takes over the
// caller's reference.
func (l *layout) scratch(rec arrow.Record, pages *column.Names) *batch {
	b := &batch{rec: rec, keys: sortKeys(rec, l.key), parts: arrow.GetValues[Partition](rec.Column(l.part).Data(), 1)}
	if l.page >= 0 {
		b.pages, b.pageColumn = arrow.GetValues[int32](rec.Column(l.page).Data(), 1), l.page
		b.numbering, b.names = pages, pages.All()
	}
	return b
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
func (l *layout) sorted(rec arrow.Record, pages *column.Names, mem memory.Allocator) *batch {
	b := l.incoming(rec, pages, mem)
	defer b.rec.Release()
	rows := picks{batches: []*batch{b}, rows: make([]column.Pick, b.rows())}
	for i, p := range b.places() {
		rows.rows[i].Row = p.row
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
