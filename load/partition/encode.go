package partition

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// encoder writes records as one Parquet file, as pqarrow.FileWriter's
// WriteBuffered does: column by column into one row group until that is full. It
// is here because arrow v17 gives lists and their elements no field id, whatever
// the Arrow schema says.
type encoder struct {
	out   *file.Writer
	ctx   context.Context // holds pqarrow's scratch buffers
	group file.BufferedRowGroupWriter
	rows  int64 // in group
	most  int64 // rows of a group
}

func newEncoder(columns *arrow.Schema, w io.Writer, props *parquet.WriterProperties) (*encoder, error) {
	arrowProps := pqarrow.NewArrowWriterProperties(pqarrow.WithAllocator(props.Allocator()))
	converted, err := pqarrow.ToParquet(columns, props, arrowProps)
	if err != nil {
		return nil, err
	}
	root, err := identified(converted.Root(), columns, props)
	if err != nil {
		return nil, err
	}
	return &encoder{
		out: file.NewParquetWriter(w, root, file.WithWriterProps(props)),
		ctx: pqarrow.NewArrowWriteContext(context.Background(), &arrowProps), most: props.MaxRowGroupLength(),
	}, nil
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

// write appends rec, beginning a new row group wherever one is full.
func (e *encoder) write(rec arrow.Record) error {
	for from := int64(0); from < rec.NumRows(); {
		if e.group != nil && e.rows == e.most {
			if err := e.group.Close(); err != nil {
				return err
			}
			e.group = nil
		}
		if e.group == nil {
			e.group, e.rows = e.out.AppendBufferedRowGroup(), 0
		}
		n := min(rec.NumRows()-from, e.most-e.rows)
		if err := e.slice(rec, from, from+n); err != nil {
			return err
		}
		from += n
		e.rows += n
	}
	return nil
}

func (e *encoder) slice(rec arrow.Record, from, to int64) error {
	for i, column := range rec.Columns() {
		chunk, err := e.group.Column(i)
		if err != nil {
			return err
		}
		part := array.NewSlice(column, from, to)
		err = e.column(chunk, part, rec.Schema().Field(i).Nullable)
		part.Release()
		if err != nil {
			return fmt.Errorf("column %s: %w", rec.ColumnName(i), err)
		}
	}
	return nil
}

// column writes one column with its definition levels: 0 for null, 1 for a value;
// a column that is never null has none.
func (e *encoder) column(chunk file.ColumnChunkWriter, a arrow.Array, nullable bool) error {
	if list, ok := a.(*array.List); ok {
		return e.list(chunk, list, nullable)
	}
	var levels []int16
	if nullable {
		levels = make([]int16, a.Len())
		for i := range levels {
			if a.IsValid(i) {
				levels[i] = 1
			}
		}
	}
	return pqarrow.WriteArrowToColumn(e.ctx, chunk, a, levels, nil, nullable)
}

// list writes a list column. Definition levels, where the column may be null: 0
// no list, 1 an empty one, 2 a null element, 3 a value; one less where it may
// not. The repetition level is 0 where a list begins and 1 within it.
func (e *encoder) list(chunk file.ColumnChunkWriter, list *array.List, nullable bool) error {
	var empty int16
	if nullable {
		empty = 1
	}
	values := list.ListValues()
	var definitions, repetitions []int16
	for i := range list.Len() {
		start, end := list.ValueOffsets(i)
		if list.IsNull(i) || start == end {
			level := empty
			if list.IsNull(i) {
				level = 0
			}
			definitions, repetitions = append(definitions, level), append(repetitions, 0)
			continue
		}
		for j := start; j < end; j++ {
			level := empty + 2
			if values.IsNull(int(j)) {
				level--
			}
			definitions, repetitions = append(definitions, level), append(repetitions, min(1, int16(j-start)))
		}
	}
	from, to := visited(list)
	elements := array.NewSlice(values, from, to)
	defer elements.Release()
	return pqarrow.WriteArrowToColumn(e.ctx, chunk, elements, definitions, repetitions, true)
}

// visited is the range of elements that the lists of a slice cover. The builders
// give a null list no elements, so there are no gaps.
func visited(list *array.List) (from, to int64) {
	if list.Len() == 0 {
		return 0, 0
	}
	from, _ = list.ValueOffsets(0)
	_, to = list.ValueOffsets(list.Len() - 1)
	return from, to
}

// close writes the last row group and the footer.
func (e *encoder) close() error {
	if e.group != nil {
		if err := e.group.Close(); err != nil {
			return err
		}
		e.group = nil
	}
	return e.out.Close()
}
