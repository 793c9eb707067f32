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
	f := w.file
	for _, end := range []func() error{w.out.Close, w.buf.Flush, func() error { w.file = nil; return f.Close() }} {
		if err := end(); err != nil {
			return fmt.Errorf("write scratch run: %w", err)
		}
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
