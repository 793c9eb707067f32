// Package transform turns landed pages into Arrow records and says what the
// tables and marts are. It is a pure function of bytes: no network, no disk, no
// clock. The same page gives the same records, live or replayed.
//
// Glossary. A page is one landed answer of a vendor. A table is a list of
// columns with a key. A decoder reads the pages of one stream and appends to
// Rows, which holds one builder per table. What cannot become a row, or a field
// of one, becomes a reject with its reason and its page. A mart is a SELECT over
// the tables, in one .sql file.
package transform

import (
	"time"

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
	Key     []string // columns that identify a row; files are sorted by them
	Parent  string   // first column of Key, where it names the record of another table that the rows are nested in
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

// Page is where a body came from: what a decoder may know beside the bytes.
type Page struct {
	Ref       string    // landing path without ending: "iadvize/closed_conversations/<run id>/000012"
	At        time.Time // when the answer was whole, UTC, microseconds: _extracted_at
	Records   int64     // how many the walk saw in it; zero where it looked for none
	Operation string    // GraphQL operation name, or method and path
	Variables []byte    // GraphQL variables or REST parameters, a JSON object; empty where there are none
	Gaps      []Gap     // of the query
	// Whole is the times of close of the records that the page shows with all that is
	// nested in them, where a stream tells; nil where it tells of none.
	Whole *Span
}

// Span is the time from an instant on, up to another.
type Span struct{ From, To time.Time }

// holds reports whether an instant, in microseconds since 1970, is in the span.
func (s *Span) holds(us int64) bool {
	return s != nil && s.From.UnixMicro() <= us && us < s.To.UnixMicro()
}
