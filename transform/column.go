package transform

import (
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Parquet field ids of the columns that every vendor table ends with, and the
// distance from a list column's id to the id of its element. Both leave room for
// columns to come.
const (
	extractedAtID = 1000
	pageID        = 1001
	elementIDs    = 2000
)

// Names of the two columns that end every vendor table.
const (
	extractedAtColumn = "_extracted_at"
	pageColumn        = "_page"
)

func text(id int, name, vendor, comment string) Column {
	return column(id, name, vendor, comment, arrow.BinaryTypes.String)
}

func whole(id int, name, vendor, comment string) Column {
	return column(id, name, vendor, comment, arrow.PrimitiveTypes.Int64)
}

func tiny(id int, name, vendor, comment string) Column {
	return column(id, name, vendor, comment, arrow.PrimitiveTypes.Int8)
}

func double(id int, name, vendor, comment string) Column {
	return column(id, name, vendor, comment, arrow.PrimitiveTypes.Float64)
}

func flag(id int, name, vendor, comment string) Column {
	return column(id, name, vendor, comment, arrow.FixedWidthTypes.Boolean)
}

func instant(id int, name, vendor, comment string) Column {
	return column(id, name, vendor, comment, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"})
}

// day is the business day of an instant.
func day(id int, name, comment string) Column {
	return column(id, name, "", comment, arrow.FixedWidthTypes.Date32)
}

func decimal(id int, name, vendor, comment string, precision int32) Column {
	return column(id, name, vendor, comment, &arrow.Decimal128Type{Precision: precision, Scale: amountScale})
}

func list(id int, name, vendor, comment string, of arrow.DataType) Column {
	element := arrow.Field{Name: "element", Type: of, Nullable: true, Metadata: fieldID(elementIDs + id)}
	return column(id, name, vendor, comment, arrow.ListOfField(element))
}

func column(id int, name, vendor, comment string, t arrow.DataType) Column {
	return Column{ID: id, Name: name, Type: t, Comment: comment, Vendor: vendor, Class: NotPersonal}
}

// in returns the column with its unit.
func (c Column) in(unit string) Column { c.Unit = unit; return c }

// of returns the column with its class of personal data.
func (c Column) of(class Class) Column { c.Class = class; return c }

// from returns the column with the vendor's fields that its value is made of.
func (c Column) from(fields ...string) Column { c.From = fields; return c }

// fields are the vendor's fields without which the column has no value of its own.
func (c Column) fields() []string {
	if len(c.From) > 0 || c.Vendor == "" {
		return c.From
	}
	return []string{c.Vendor}
}

// describe is the column's comment in one line: meaning, unit, vendor field, class
// of personal data if there is any.
func (c Column) describe() string {
	parts := []string{c.Comment}
	if c.Unit != "" {
		parts = append(parts, "unit: "+c.Unit)
	}
	if c.Vendor != "" {
		parts = append(parts, "vendor field: "+c.Vendor)
	}
	if c.Class != "" && c.Class != NotPersonal {
		parts = append(parts, "personal data: "+string(c.Class))
	}
	return strings.Join(parts, "; ")
}

func (c Column) field(nullable bool) arrow.Field {
	class := c.Class
	if class == "" {
		class = NotPersonal
	}
	metadata := arrow.NewMetadata(
		[]string{MetaFieldID, MetaComment, MetaClass},
		[]string{strconv.Itoa(c.ID), c.describe(), string(class)})
	return arrow.Field{Name: c.Name, Type: c.Type, Nullable: nullable, Metadata: metadata}
}

func fieldID(id int) arrow.Metadata {
	return arrow.NewMetadata([]string{MetaFieldID}, []string{strconv.Itoa(id)})
}
