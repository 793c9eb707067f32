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

// batch is a record with what the merge compares: the slot, the key and the
// page of each row. Its record is the table's columns, with the number of the page
// in place of the page.
type batch struct {
	rec        arrow.Record
	keys       *array.String // of sortKeys
	slots      []slot
	pages      []int32           // numbers; nil where the table has no versions
	pageColumn int               // that the numbers stand in
	names      []string          // of the pages, by number
	numbering  *column.Names     // that the numbers and names are of
	valid      []column.Validity // of the columns; nil until asked

	holder *picker // that has the batch in slot; nil for none
	slot   int32
}

func (b *batch) rows() int { return len(b.slots) }

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

// incoming makes a batch of an incoming record, which stays the caller's.
func (l *layout) incoming(rec arrow.Record, pages *column.Names, mem memory.Allocator) *batch {
	slots, values := column.NewNumbers[slot](mem, int(rec.NumRows()))
	defer slots.Release()
	l.slots(rec.Column(l.last).(*array.Date32), values)
	columns := slices.Clone(rec.Columns())
	columns[l.last] = slots
	return l.numbered(l.staged, columns, values, pages, mem)
}

// slots puts where rows of these business days stand into slots.
func (l *layout) slots(days *array.Date32, slots []slot) {
	day, found := int32(None), slot(None)
	for i := range slots {
		at := int32(None)
		if days.IsValid(i) {
			at = int32(days.Value(i))
		}
		switch {
		case at == day:
		case l.day < 0:
			day, found = at, slot(l.width.Of(at))
		default:
			day, found = at, slot(at)
		}
		slots[i] = found
	}
}

// stands are the slots of rows of partition p, whose file may have their days: nil where
// it has not. A row whose day is of another partition, or none, stands where p begins: it
// keeps what a page without a date was not asked for.
func (l *layout) stands(days arrow.Array, rows int, p Partition) []slot {
	if days == nil {
		return slices.Repeat([]slot{slot(p)}, rows)
	}
	slots := make([]slot, rows)
	l.slots(days.(*array.Date32), slots)
	day, inside := int32(p), true
	for i, at := range slots {
		if int32(at) != day {
			day, inside = int32(at), l.width.of(at) == p
		}
		if !inside {
			slots[i] = slot(p)
		}
	}
	return slots
}

// existing makes a batch of a record of the table, whose rows stand in partition
// p. The record stays the caller's.
func (l *layout) existing(rec arrow.Record, p Partition, pages *column.Names, mem memory.Allocator) *batch {
	var days arrow.Array
	if l.day >= 0 {
		days = rec.Column(l.day)
	}
	schema := arrow.NewSchema(l.staged.Fields()[:l.last], nil)
	return l.numbered(schema, slices.Clone(rec.Columns()), l.stands(days, int(rec.NumRows()), p), pages, mem)
}

// numbered makes a batch of columns, of which it turns the pages into numbers.
func (l *layout) numbered(schema *arrow.Schema, columns []arrow.Array, slots []slot, pages *column.Names, mem memory.Allocator) *batch {
	b := &batch{slots: slots}
	if l.page >= 0 {
		var numbers arrow.Array
		numbers, b.pages = column.NewNumbers[int32](mem, len(slots))
		defer numbers.Release()
		b.pageColumn, b.numbering, b.names = l.page, pages, pages.NumberEach(columns[l.page].(*array.String), b.pages)
		columns[l.page] = numbers
	}
	b.rec = array.NewRecord(schema, columns, int64(len(slots)))
	b.keys = sortKeys(b.rec, l.key)
	return b
}

// scratch makes a batch of a record of a scratch run, of which it takes over the
// caller's reference.
func (l *layout) scratch(rec arrow.Record, pages *column.Names) *batch {
	b := &batch{rec: rec, keys: sortKeys(rec, l.key), slots: arrow.GetValues[slot](rec.Column(l.last).Data(), 1)}
	if l.page >= 0 {
		b.pages, b.pageColumn = arrow.GetValues[int32](rec.Column(l.page).Data(), 1), l.page
		b.numbering, b.names = pages, pages.All()
	}
	return b
}

// place is what decides most comparisons of two rows, side by side in memory.
type place struct {
	slot   slot
	row    int32
	prefix uint64
}

// sorted makes a batch of an incoming record, which stays the caller's, with its
// rows by slot, key and page; rows alike in all three stay in the order in
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
		places[i] = place{b.slots[i], int32(i), prefix(b.keys.Value(i))}
	}
	slices.SortFunc(places, func(x, y place) int {
		switch {
		case x.slot != y.slot:
			return cmp.Compare(x.slot, y.slot)
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
