package partition

import (
	"fmt"
	"io"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// encoder writes rows as one Parquet file, as pqarrow.FileWriter's WriteBuffered
// does: column by column into one row group until that is full. It is here because
// arrow v17 gives lists and their elements no field id, whatever the Arrow schema
// says, and because it takes the rows where they stand: a value is copied once,
// from its batch to its page.
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

// identified is root with the field ids of lists and of their elements.
func identified(root *schema.GroupNode, columns *arrow.Schema, props *parquet.WriterProperties) (*schema.GroupNode, error) {
	nodes := make(schema.FieldList, root.NumFields())
	for i := range nodes {
		nodes[i] = root.Field(i)
		if f := columns.Field(i); f.Type.ID() == arrow.LIST {
			var err error
			if nodes[i], err = listNode(f); err != nil {
				return nil, err
			}
		}
	}
	return schema.NewGroupNode(props.RootName(), props.RootRepetition(), nodes, -1)
}

// listNode is the three levels of a list column: the list, its repeated group,
// and the element.
func listNode(f arrow.Field) (schema.Node, error) {
	element := f.Type.(*arrow.ListType).ElemField()
	var leaf schema.Node
	var err error
	switch element.Type.ID() {
	case arrow.STRING:
		leaf, err = schema.NewPrimitiveNodeLogical("element", parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, fieldID(element))
	case arrow.INT64:
		leaf, err = schema.NewPrimitiveNodeLogical("element", parquet.Repetitions.Optional, schema.NewIntLogicalType(64, true), parquet.Types.Int64, -1, fieldID(element))
	default:
		return nil, fmt.Errorf("column %s: no list of %s is supported", f.Name, element.Type)
	}
	if err != nil {
		return nil, err
	}
	repetition := parquet.Repetitions.Required
	if f.Nullable {
		repetition = parquet.Repetitions.Optional
	}
	return schema.ListOfWithName(f.Name, leaf, repetition, fieldID(f))
}

// fieldID is the Parquet field id in a field's metadata, -1 where it has none.
func fieldID(f arrow.Field) int32 {
	text, _ := f.Metadata.GetValue("PARQUET:field_id")
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return -1
	}
	return int32(id)
}

// write appends the rows, beginning a new row group wherever one is full.
func (e *encoder) write(p picks) error {
	most := int(e.props.MaxRowGroupLength())
	for done := 0; done < len(p.rows); {
		if e.rows == most {
			if err := e.endGroup(); err != nil {
				return err
			}
		}
		if e.group == nil {
			e.beginGroup()
		}
		n := min(len(p.rows)-done, most-e.rows)
		if err := e.slice(p.slice(done, done+n)); err != nil {
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

// slice appends rows that fit into the row group.
func (e *encoder) slice(p picks) error {
	return e.eachChunk(func(c int, chunk file.ColumnChunkWriter) error {
		return e.leaf.write(chunk, e.columns.Field(c), p.of(c), c, e.dicts[c])
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
