package transform

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// Arrow returns the table's columns as an Arrow schema, with the metadata that a
// writer needs. Every column may be null but the key, _extracted_at and _page.
func (t Table) Arrow() *arrow.Schema {
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		fields[i] = c.field(!t.required(c.Name))
	}
	return arrow.NewSchema(fields, nil)
}

// Rows returns the schema of the records that decoders emit: Arrow and, as the
// last field, BusinessDate.
func (t Table) Rows() *arrow.Schema {
	fields := t.Arrow().Fields()
	fields = append(fields, arrow.Field{Name: BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	return arrow.NewSchema(fields, nil)
}

// idColumn tells the rows of the table apart, below their parent if they have one.
func (t Table) idColumn() Column {
	if t.Parent == "" {
		return t.Columns[0]
	}
	return t.Columns[1]
}

func (t Table) required(name string) bool {
	return name == extractedAtColumn || name == pageColumn || slices.Contains(t.Key, name)
}

// landed returns the columns followed by the two that end every vendor table.
func landed(columns ...Column) []Column {
	return append(columns,
		instant(extractedAtID, extractedAtColumn, "", "When this content of the row was first seen: the time of the answer that held it"),
		text(pageID, pageColumn, "", "The landed page that the row came from, as a path below landing/ without its ending"))
}
