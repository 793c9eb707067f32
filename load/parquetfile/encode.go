package parquetfile

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// encoder writes rows as one Parquet file, as pqarrow.FileWriter's WriteBuffered
// does: column by column into one row group until that is full.
type encoder struct {
	columns *arrow.Schema
	props   *parquet.WriterProperties
	out     *file.Writer
	group   file.BufferedRowGroupWriter
	dicts   []dictionary // of group, by column; nil where a column has none
	rows    int          // in group
	leaf    leaf
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
	out := file.NewParquetWriter(w, root, file.WithWriterProps(props))
	return &encoder{columns: columns, props: props, out: out}, nil
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
		if e.group == nil {
			e.beginGroup()
		}
		n := min(rows.Len()-done, most-e.rows)
		if err := e.slice(rows, done, done+n); err != nil {
			return err
		}
		done += n
		e.rows += n
	}
	return nil
}

func (e *encoder) beginGroup() {
	e.group, e.rows, e.dicts = e.out.AppendBufferedRowGroup(), 0, nil
	for _, f := range e.columns.Fields() {
		e.dicts = append(e.dicts, newDictionary(f, e.props))
	}
}

// slice appends the rows from one up to another, which fit into the row group.
func (e *encoder) slice(rows Rows, from, to int) error {
	return e.eachChunk(func(c int, chunk file.ColumnChunkWriter) error {
		column := rows.Column(c)
		column.Rows = column.Rows[from:to]
		return e.leaf.write(chunk, e.columns.Field(c), column, e.dicts[c])
	})
}

// endGroup writes the row group, if there is one.
func (e *encoder) endGroup() error {
	if e.group == nil {
		return nil
	}
	err := e.eachChunk(func(c int, chunk file.ColumnChunkWriter) error {
		if e.dicts[c] == nil {
			return nil
		}
		return finish(chunk, e.dicts[c])
	})
	if err != nil {
		return err
	}
	err = e.group.Close()
	e.group, e.rows = nil, 0
	return err
}

func (e *encoder) eachChunk(do func(int, file.ColumnChunkWriter) error) error {
	for c, f := range e.columns.Fields() {
		chunk, err := e.group.Column(c)
		if err == nil {
			err = do(c, chunk)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	return nil
}

// close writes the last row group and the footer.
func (e *encoder) close() error {
	if err := e.endGroup(); err != nil {
		return err
	}
	return e.out.Close()
}
