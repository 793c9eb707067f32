package partition

import (
	"bufio"
	"cmp"
	"encoding/binary"
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

// scratchRows is batchRows for scratch runs, of which a merge reads many side by
// side.
const scratchRows = 2048

// batch is a record with what the merge compares: the partition, the key and the
// page of each row, and the order in which to visit the rows.
type batch struct {
	rec   arrow.Record
	parts []Partition
	keys  []string
	pages *array.String // nil where the table has no versions
	order []int32       // nil: as they stand

	holder *picks // that has the batch in slot; nil for none
	slot   int32
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

// place is what decides most comparisons of two rows, side by side in memory.
type place struct {
	part   Partition
	row    int32
	prefix uint64
}

// sort orders the rows by partition, key and page; rows alike in all three stay
// in the order in which they came.
func (b *batch) sort() {
	places := make([]place, len(b.keys))
	for i, key := range b.keys {
		places[i] = place{b.parts[i], int32(i), prefix(key)}
	}
	slices.SortFunc(places, func(x, y place) int {
		switch {
		case x.part != y.part:
			return cmp.Compare(x.part, y.part)
		case x.prefix != y.prefix:
			return cmp.Compare(x.prefix, y.prefix)
		}
		i, j := int(x.row), int(y.row)
		return cmp.Or(cmp.Compare(b.keys[i], b.keys[j]), cmp.Compare(b.page(i), b.page(j)), cmp.Compare(i, j))
	})
	b.order = make([]int32, len(places))
	for i, p := range places {
		b.order[i] = p.row
	}
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

// spill writes the rows in order to a scratch file.
func (b *batch) spill(path string, mem memory.Allocator) error {
	w, err := newRunWriter(path, b.rec.Schema(), mem)
	if err != nil {
		return err
	}
	defer w.release()
	for pos := range b.keys {
		if err := w.add(b, b.row(pos)); err != nil {
			return err
		}
	}
	return w.close()
}

// runWriter writes rows to a scratch file.
type runWriter struct {
	mem    memory.Allocator
	schema *arrow.Schema
	file   *os.File
	buf    *bufio.Writer
	out    *ipc.Writer
	rows   picks
}

func newRunWriter(path string, schema *arrow.Schema, mem memory.Allocator) (*runWriter, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create scratch run: %w", err)
	}
	buf := bufio.NewWriterSize(f, 256<<10)
	return &runWriter{mem: mem, schema: schema, file: f, buf: buf, out: ipc.NewWriter(buf, ipc.WithSchema(schema), ipc.WithAllocator(mem))}, nil
}

func (w *runWriter) add(b *batch, row int) error {
	w.rows.add(b, row)
	if len(w.rows.rows) == scratchRows {
		return w.flush()
	}
	return nil
}

func (w *runWriter) flush() error {
	if len(w.rows.rows) == 0 {
		return nil
	}
	rec := w.rows.take(w.mem, w.schema)
	defer rec.Release()
	if err := w.out.Write(rec); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	return nil
}

func (w *runWriter) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	if err := w.buf.Flush(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	return nil
}

func (w *runWriter) release() {
	w.rows.clear()
	w.file.Close()
}

// cursor walks the rows of one run, batch by batch.
type cursor struct {
	rank int // order among cursors for rows alike in partition, key and page
	cur  *batch
	pos  int
	at   place                  // of the row at pos
	key  string                 // of the row at pos
	next func() (*batch, error) // io.EOF at the end
	done func()                 // frees what next holds
}

func (c *cursor) row() int { return int(c.at.row) }

// look notes where the row at pos stands.
func (c *cursor) look() {
	row := c.cur.row(c.pos)
	c.key = c.cur.keys[row]
	c.at = place{c.cur.parts[row], int32(row), prefix(c.key)}
}

// before is the order in which the merge visits rows.
func (c *cursor) before(o *cursor) bool {
	switch {
	case c.at.part != o.at.part:
		return c.at.part < o.at.part
	case c.at.prefix != o.at.prefix:
		return c.at.prefix < o.at.prefix
	case c.key != o.key:
		return c.key < o.key
	}
	if x, y := c.cur.page(c.row()), o.cur.page(o.row()); x != y {
		return x < y
	}
	return c.rank < o.rank
}

// advance steps to the next row; false at the end of the run. keep is called
// with the batch that is left behind, before it is released.
func (c *cursor) advance(keep func(*batch)) (bool, error) {
	c.pos++
	if c.pos < len(c.cur.keys) {
		c.look()
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
		c.look()
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
