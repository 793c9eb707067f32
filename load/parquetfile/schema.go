package parquetfile

import (
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

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
