package partition

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// batchRows is how many rows are moved at a time: small enough that a batch a
// run stays small, large enough that per-batch costs vanish.
const batchRows = 8192

// batch is a record with what the merge compares: the partition, the key and the
// page of each row, and the order in which to visit the rows.
type batch struct {
	rec   arrow.Record
	parts []Partition
	keys  []string
	pages *array.String // nil where the table has no versions
	order []int32       // nil: as they stand
}

func (b *batch) row(pos int) int {
	if b.order == nil {
		return pos
	}
	return int(b.order[pos])
}

func (b *batch) page(row int) string {
	if b.pages == nil {
		return ""
	}
	return b.pages.Value(row)
}

// layout is where the columns that matter to a merge stand in a record.
type layout struct {
	width   Width
	key     []int
	page    int   // -1: the table has no versions
	date    int   // the business date, last
	columns int   // of the table, without the business date
	compare []int // the columns that are content: all but _extracted_at and _page
}

// newBatch computes keys and partitions of an incoming record. It takes over the
// caller's reference to rec.
func (l *layout) newBatch(rec arrow.Record) *batch {
	b := &batch{rec: rec, keys: sortKeys(rec, l.key), parts: make([]Partition, rec.NumRows())}
	if l.page >= 0 {
		b.pages = rec.Column(l.page).(*array.String)
	}
	dates := rec.Column(l.date).(*array.Date32)
	last, lastPart := int32(0), l.width.Of(0)
	for i := range b.parts {
		if dates.IsNull(i) {
			b.parts[i] = None
			continue
		}
		if day := int32(dates.Value(i)); day != last {
			last, lastPart = day, l.width.Of(day)
		}
		b.parts[i] = lastPart
	}
	return b
}

// sort orders the rows by partition, key and page; rows alike in all three stay
// in the order in which they came.
func (b *batch) sort() {
	b.order = make([]int32, len(b.keys))
	for i := range b.order {
		b.order[i] = int32(i)
	}
	slices.SortFunc(b.order, func(i, j int32) int {
		if c := cmp.Compare(b.parts[i], b.parts[j]); c != 0 {
			return c
		}
		if c := cmp.Compare(b.keys[i], b.keys[j]); c != 0 {
			return c
		}
		if c := cmp.Compare(b.page(int(i)), b.page(int(j))); c != 0 {
			return c
		}
		return cmp.Compare(i, j)
	})
}

// spill writes the rows in order to a scratch file.
func (b *batch) spill(path string, mem memory.Allocator) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create scratch run: %w", err)
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 1<<20)
	w := ipc.NewWriter(buffered, ipc.WithSchema(b.rec.Schema()), ipc.WithAllocator(mem))
	rows := array.NewRecordBuilder(mem, b.rec.Schema())
	defer rows.Release()
	for start := 0; start < len(b.keys); start += batchRows {
		for pos := start; pos < min(start+batchRows, len(b.keys)); pos++ {
			for c, builder := range rows.Fields() {
				copyValue(builder, b.rec.Column(c), b.row(pos))
			}
		}
		rec := rows.NewRecord()
		err := w.Write(rec)
		rec.Release()
		if err != nil {
			return fmt.Errorf("write scratch run: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	return f.Close()
}

// cursor walks the rows of one run, batch by batch.
type cursor struct {
	rank int // order among cursors for rows alike in partition, key and page
	cur  *batch
	pos  int
	next func() (*batch, error) // io.EOF at the end
	done func()                 // frees what next holds
}

func (c *cursor) part() Partition { return c.cur.parts[c.row()] }
func (c *cursor) key() string     { return c.cur.keys[c.row()] }
func (c *cursor) row() int        { return c.cur.row(c.pos) }

// before is the order in which the merge visits rows.
func (c *cursor) before(o *cursor) bool {
	i, j := c.row(), o.row()
	if x, y := c.cur.parts[i], o.cur.parts[j]; x != y {
		return x < y
	}
	if x, y := c.cur.keys[i], o.cur.keys[j]; x != y {
		return x < y
	}
	if x, y := c.cur.page(i), o.cur.page(j); x != y {
		return x < y
	}
	return c.rank < o.rank
}

// advance steps to the next row; false at the end of the run. keep is called
// with the batch that is left behind, before it is released.
func (c *cursor) advance(keep func(*batch)) (bool, error) {
	c.pos++
	if c.pos < len(c.cur.keys) {
		return true, nil
	}
	keep(c.cur)
	c.cur.rec.Release()
	c.cur = nil
	return c.load()
}

// load fetches the next batch that has rows.
func (c *cursor) load() (bool, error) {
	for {
		b, err := c.next()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if len(b.keys) == 0 {
			b.rec.Release()
			continue
		}
		c.cur, c.pos = b, 0
		return true, nil
	}
}

func (c *cursor) close() {
	if c.cur != nil {
		c.cur.rec.Release()
		c.cur = nil
	}
	c.done()
}

// inMemory is a cursor over one batch that stays where it is.
func inMemory(b *batch, rank int) *cursor {
	given := false
	next := func() (*batch, error) {
		if given {
			return nil, io.EOF
		}
		given = true
		b.rec.Retain()
		return b, nil
	}
	return &cursor{rank: rank, next: next, done: func() {}}
}

// spilled is a cursor over a scratch file.
func (l *layout) spilled(path string, rank int, mem memory.Allocator) (*cursor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open scratch run: %w", err)
	}
	r, err := ipc.NewReader(bufio.NewReaderSize(f, 256<<10), ipc.WithAllocator(mem))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read scratch run: %w", err)
	}
	next := func() (*batch, error) {
		if !r.Next() {
			if err := r.Err(); err != nil && err != io.EOF {
				return nil, fmt.Errorf("read scratch run: %w", err)
			}
			return nil, io.EOF
		}
		rec := r.Record()
		rec.Retain()
		return l.newBatch(rec), nil
	}
	return &cursor{rank: rank, next: next, done: func() { r.Release(); f.Close() }}, nil
}
