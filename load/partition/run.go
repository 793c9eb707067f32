package partition

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// listRows is how many rows are encoded at a time. They lie about in several
// batches: the more of a column is read at once, the more of it a cache holds, and
// the more batches stay in memory.
const listRows = 16 << 10

// scratchRows is how many rows of a scratch run are read at a time: small, because
// a merge reads many side by side, and large enough that per-batch costs vanish.
const scratchRows = 1024

// recordText is how much text of one column goes into a record of a scratch run, in
// bytes. Arrow's offsets count to 2 GiB; a merge holds a record of every run.
const recordText = 64 << 20

// spill writes a sorted record to a scratch file.
func spill(rec arrow.Record, path string, mem memory.Allocator) error {
	w, err := newRunWriter(path, rec.Schema(), mem)
	if err != nil {
		return err
	}
	defer w.release()
	for from := int64(0); from < rec.NumRows(); from += scratchRows {
		part := rec.NewSlice(from, min(from+scratchRows, rec.NumRows()))
		err := w.write(part)
		part.Release()
		if err != nil {
			return err
		}
	}
	return w.close()
}

// runWriter writes rows to a scratch file.
type runWriter struct {
	mem    memory.Allocator
	schema *arrow.Schema
	file   io.WriteCloser // nil once closed
	buf    *bufio.Writer
	out    *ipc.Writer
	rows   picker
	most   int64 // see recordText
}

func newRunWriter(path string, schema *arrow.Schema, mem memory.Allocator) (*runWriter, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create scratch run: %w", err)
	}
	return runWriterTo(f, schema, mem), nil
}

func runWriterTo(f io.WriteCloser, schema *arrow.Schema, mem memory.Allocator) *runWriter {
	buf := bufio.NewWriterSize(f, 256<<10)
	out := ipc.NewWriter(buf, ipc.WithSchema(schema), ipc.WithAllocator(mem))
	return &runWriter{mem: mem, schema: schema, file: f, buf: buf, out: out, most: recordText}
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
	rows := w.rows.take()
	defer rows.release()
	return w.writeRows(rows)
}

// writeRows writes the rows as one record, or as several where their texts are long.
func (w *runWriter) writeRows(rows picks) error {
	if n := len(rows.rows); n > 1 && rows.widest() > w.most {
		if err := w.writeRows(rows.slice(0, n/2)); err != nil {
			return err
		}
		return w.writeRows(rows.slice(n/2, n))
	}
	rec := rows.record(w.mem, w.schema)
	defer rec.Release()
	return w.write(rec)
}

func (w *runWriter) write(rec arrow.Record) error {
	if err := w.out.Write(rec); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	return nil
}

// close writes what is left and closes the file: what a disk says as late as that is
// an error too.
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
	f := w.file
	w.file = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	return nil
}

// release lets go of the rows and, where close has not been reached, of the file.
func (w *runWriter) release() {
	w.rows.release()
	if w.file != nil {
		w.file.Close()
	}
}

// cursor walks the rows of one run, batch by batch.
type cursor struct {
	rank int // order among cursors for rows alike in partition, key and page
	cur  *batch
	pos  int
	at   place                  // of the row at pos
	next func() (*batch, error) // io.EOF at the end
	done func()                 // frees what next holds

	old     bool        // the rows are of an old file
	carried bool        // the rows stand in another partition, see merge.carry
	unasked []columnSet // by page number: what the rows leave as it was; nil for nothing
}

// leaves is the columns that the row was not asked for.
func (c *cursor) leaves() columnSet {
	if c.unasked == nil {
		return 0
	}
	return c.unasked[c.cur.pages[c.row()]]
}

func (c *cursor) row() int { return int(c.at.row) }

func (c *cursor) key() string { return c.cur.keys.Value(c.row()) }

// look notes where the row at pos stands.
func (c *cursor) look() {
	c.at = place{c.cur.parts[c.pos], int32(c.pos), prefix(c.cur.keys.Value(c.pos))}
}

// sameKey reports whether the row has the key, whose prefix is given too.
func (c *cursor) sameKey(prefix uint64, key string) bool {
	return c.at.prefix == prefix && c.key() == key
}

// before is the order in which the merge visits rows.
func (c *cursor) before(o *cursor) bool {
	switch {
	case c.at.part != o.at.part:
		return c.at.part < o.at.part
	case c.at.prefix != o.at.prefix:
		return c.at.prefix < o.at.prefix
	}
	if x, y := c.key(), o.key(); x != y {
		return x < y
	}
	if order := comparePages(c.cur.page(c.row()), o.cur.page(o.row())); order != 0 {
		return order < 0
	}
	return c.rank < o.rank
}

// advance steps to the next row; false at the end of the run. keep is called
// with the batch that is left behind, before it is released.
func (c *cursor) advance(keep func(*batch)) (bool, error) {
	c.pos++
	if c.pos < c.cur.rows() {
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
		if b.rows() == 0 {
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

// inMemory is a cursor over one batch, which it takes over.
func inMemory(b *batch, rank int) *cursor {
	next := func() (*batch, error) {
		given := b
		b = nil
		if given == nil {
			return nil, io.EOF
		}
		return given, nil
	}
	done := func() {
		if b != nil {
			b.rec.Release()
		}
	}
	return &cursor{rank: rank, next: next, done: done}
}

// spilled is a cursor over a scratch file.
func (s *Stage) spilled(path string, rank int) (*cursor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open scratch run: %w", err)
	}
	r, err := ipc.NewReader(bufio.NewReaderSize(f, 256<<10), ipc.WithAllocator(s.mem))
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
		return s.layout.scratch(rec, &s.pool.pages), nil
	}
	return &cursor{rank: rank, next: next, done: func() { r.Release(); f.Close() }}, nil
}
