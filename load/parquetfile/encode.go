package parquetfile

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"golang.org/x/sync/errgroup"

	"nightjar/load"
)

// encoder writes rows as one Parquet file: column by column into one row group until
// that is full or ended. The columns are encoded side by side, each on one core at a
// time: no row group is held beside the one under way.
type encoder struct {
	columns *arrow.Schema
	leaves  *schema.Schema
	props   *parquet.WriterProperties
	out     *assembler
	chunks  []*chunk // of the row group under way
	rows    int      // in it; 0: there is none
	order   []int    // columns, those first that take longest
	workers []leaf
}

func newEncoder(columns *arrow.Schema, w io.Writer, props *parquet.WriterProperties) (*encoder, error) {
	converted, err := pqarrow.ToParquet(columns, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	root, err := identified(converted.Root(), columns, props)
	if err != nil {
		return nil, err
	}
	e := &encoder{columns: columns, props: props, leaves: schema.NewSchema(root), chunks: make([]*chunk, columns.NumFields())}
	e.workers = make([]leaf, min(runtime.GOMAXPROCS(0), len(e.chunks)))
	for c := range e.chunks {
		e.chunks[c] = &chunk{field: columns.Field(c), leaf: e.leaves.Column(c), props: props}
		e.order = append(e.order, c)
	}
	slices.SortStableFunc(e.order, func(a, b int) int { return cmp.Compare(e.chunks[b].effort(), e.chunks[a].effort()) })
	e.out, err = newAssembler(w, e.leaves, props)
	return e, err
}

// write appends the rows, beginning a new row group wherever one is full.
func (e *encoder) write(rows Rows) error {
	most := int(e.props.MaxRowGroupLength())
	for done := 0; done < rows.Len(); {
		if e.rows == most {
			if err := e.endGroup(); err != nil {
				return err
			}
		}
		n := min(rows.Len()-done, most-e.rows)
		e.rows += n
		err := e.each(func(l *leaf, c *chunk, number int) error {
			column := rows.Column(number)
			column.Rows = column.Rows[done : done+n]
			return c.write(l, column)
		})
		if err != nil {
			return err
		}
		done += n
	}
	return nil
}

// endGroup writes the row group, if there is one.
func (e *encoder) endGroup() error {
	if e.rows == 0 {
		return nil
	}
	rows := e.rows
	e.rows = 0
	if err := e.each(func(_ *leaf, c *chunk, _ int) error { return c.finish(rows) }); err != nil {
		return err
	}
	return e.out.group(rows, len(e.chunks), func(c int) finished {
		return finished{e.chunks[c].meta, bytes.NewReader(e.chunks[c].pages.data)}
	})
}

// each does something to every column, several at a time.
func (e *encoder) each(do func(l *leaf, c *chunk, number int) error) error {
	var begun atomic.Int32
	var working errgroup.Group
	for w := range e.workers {
		working.Go(func() (err error) {
			defer load.Catch(&err)
			for i := int(begun.Add(1)); i <= len(e.order); i = int(begun.Add(1)) {
				number := e.order[i-1]
				if err := do(&e.workers[w], e.chunks[number], number); err != nil {
					return fmt.Errorf("column %s: %w", e.chunks[number].field.Name, err)
				}
			}
			return nil
		})
	}
	return working.Wait()
}

// close writes the last row group and the footer.
func (e *encoder) close() error {
	if err := e.endGroup(); err != nil {
		return err
	}
	return e.out.close()
}

// release lets go of the memory of a row group that will not be.
func (e *encoder) release() {
	for _, c := range e.chunks {
		c.release()
	}
}
