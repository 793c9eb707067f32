// Package load is the vocabulary of everything that touches the disk. The
// packages below it: landing (the vendors' pages as they came), partition
// (sorted runs, merged into one Parquet file a partition), parquetfile (the files
// themselves), keyfile (which row group may hold a key), column (values of Arrow
// columns), database (DuckDB, a projection of the Parquet), generation (manifest,
// verification, the one rename that commits).
package load

import "github.com/apache/arrow/go/v17/arrow"

// Table is what the load needs to know of a table.
type Table struct {
	Schema  string   // DuckDB schema and first Parquet folder
	Name    string   // DuckDB table and second Parquet folder
	Comment string   // for DuckDB
	Key     []string // columns that identify a row, in sort order: utf8 or int64
	Parent  string   // first column of Key, utf8, where it names the record of another table that the rows are nested in
	// Day is the column that is the row's business date, of type date32, by which rows are
	// sorted before their key; empty where the table has none.
	Day string
	// Arrow has the columns. Field metadata "comment" becomes the column comment,
	// "PARQUET:field_id" the field id, by which files of other versions are read.
	Arrow *arrow.Schema
}

// Full returns "schema.name".
func (t Table) Full() string { return t.Schema + "." + t.Name }

// The columns that the load knows by name.
const (
	// BusinessDate is the last column of every incoming record and of no table:
	// the business day (date32, null if unknown) that picks the partition.
	BusinessDate = "_business_date"
	// ExtractedAt and Page end every vendor table: when the row's content was
	// first seen, and on which landed page. A table without Page has no versions.
	ExtractedAt = "_extracted_at"
	Page        = "_page"
)

// Mart is a table that is computed from others inside the database.
type Mart struct {
	Table
	Query string   // a SELECT; its columns are the table's, in order
	Reads []string // the tables that it selects from, as "schema.table"
	// Cut is a date column of the mart and of some of the tables that it reads: a row of
	// the mart comes of rows of its own date alone, and of the tables without a date.
	// Empty: any row may come of any.
	Cut   string
	Final string // kind of the records that is_final goes by
}
