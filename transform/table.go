package transform

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// Class is the class of personal data in a column. A privacy policy acts on
// classes, never on single columns.
type Class string

const (
	NotPersonal Class = "none"
	Phone       Class = "phone"
	Email       Class = "e-mail"
	PersonName  Class = "name"
	FreeText    Class = "free text"
)

// Column is one column of a table or mart.
type Column struct {
	ID      int            // Parquet field id: unique in the table, never reused, never changed
	Name    string         // snake_case
	Type    arrow.DataType // instants are timestamp[us, UTC]; business days are date32
	Comment string         // what it means, one sentence without a full stop
	Unit    string         // "s", "%", the name of the currency column; empty if none
	Vendor  string         // the vendor's field, "" where it is derived
	From    []string       // the vendor's fields that a derived value is made of; empty: Vendor alone
	Class   Class          // NotPersonal unless it says otherwise
}

// Table is one table of the warehouse, its rows as the decoders emit them.
type Table struct {
	Schema  string   // DuckDB schema and first Parquet folder: "iadvize"
	Name    string   // DuckDB table and second Parquet folder: "conversations"
	Comment string   // one sentence
	Key     []string // columns that identify a row; files are sorted by them, within a Day where there is one
	Parent  string   // first column of Key, where it names the record of another table that the rows are nested in
	Day     string   // column that is the business date of the row; empty where it has none of its own
	Columns []Column // in order; vendor tables end with _extracted_at and _page
}

// Full returns "schema.name".
func (t Table) Full() string { return t.Schema + "." + t.Name }

// BusinessDate is the last column of every record that a decoder emits and of no
// table: the business day (date32, null if unknown) that picks the partition.
const BusinessDate = "_business_date"

// Metadata keys that Table.Arrow sets on its fields, so that a writer needs no
// more than the Arrow schema.
const (
	MetaFieldID = "PARQUET:field_id" // decimal text; the key pqarrow reads
	MetaComment = "comment"          // meaning, unit, vendor field and class in one line
	MetaClass   = "class"            // a Class
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
		text(pageID, pageColumn, "", "The landed page that the row came from: `etl trace --page` prints it"))
}
