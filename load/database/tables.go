package database

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
)

// Type is the DuckDB type of an Arrow type.
func Type(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.StringType:
		return "VARCHAR"
	case *arrow.Int64Type:
		return "BIGINT"
	case *arrow.Int32Type:
		return "INTEGER"
	case *arrow.Int8Type:
		return "TINYINT"
	case *arrow.Float64Type:
		return "DOUBLE"
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Date32Type:
		return "DATE"
	case *arrow.TimestampType:
		return "TIMESTAMPTZ"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case *arrow.ListType:
		return Type(t.Elem()) + "[]"
	}
	panic(fmt.Sprintf("database: no column of type %s is supported", t))
}

// Create makes the table, empty, with its comments.
func (d *DB) Create(ctx context.Context, t load.Table) error {
	column := func(f arrow.Field) string { return Ident(f.Name) + " " + Type(f.Type) + compression(t, f) }
	statements := []string{
		"CREATE SCHEMA IF NOT EXISTS " + Ident(t.Schema),
		fmt.Sprintf("CREATE TABLE %s (%s)", Name(t), list(t.Arrow.Fields(), ", ", column)),
		fmt.Sprintf("COMMENT ON TABLE %s IS %s", Name(t), Text(t.Comment)),
	}
	for _, f := range t.Arrow.Fields() {
		if comment, ok := f.Metadata.GetValue("comment"); ok {
			statements = append(statements, fmt.Sprintf("COMMENT ON COLUMN %s.%s IS %s", Name(t), Ident(f.Name), Text(comment)))
		}
	}
	if err := d.Exec(ctx, strings.Join(statements, ";\n")); err != nil {
		return fmt.Errorf("create table %s: %w", t.Full(), err)
	}
	return nil
}

// compression leaves a key that is text as it is, below its parent if it has one: no
// value comes twice, and DuckDB would spend a fifth of a load, and more of every join,
// to halve the column.
func compression(t load.Table, f arrow.Field) string {
	if last := len(t.Key) - 1; f.Type.ID() == arrow.STRING && (last == 0 || t.Parent != "") && t.Key[last] == f.Name {
		return " USING COMPRESSION uncompressed"
	}
	return ""
}

// View shows the rows of the Parquet files as the table.
func (d *DB) View(ctx context.Context, t load.Table, files []string) error {
	if len(files) == 0 {
		return d.Create(ctx, t)
	}
	rows, err := d.rows(ctx, t, files)
	if err != nil {
		return fmt.Errorf("view table %s: %w", t.Full(), err)
	}
	if err := d.Exec(ctx, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s; CREATE VIEW %s AS SELECT %s FROM %s",
		Ident(t.Schema), Name(t), columnList(t), rows)); err != nil {
		return fmt.Errorf("view table %s: %w", t.Full(), err)
	}
	return nil
}

// ViewMart shows what the query of a mart gives as the mart.
func (d *DB) ViewMart(ctx context.Context, m load.Mart) error {
	if err := d.Exec(ctx, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s; CREATE VIEW %s AS %s", Ident(m.Schema), Name(m.Table), m.Query)); err != nil {
		return fmt.Errorf("view mart %s: %w", m.Full(), err)
	}
	return nil
}

// Contents is a table and the Parquet files that hold its rows.
type Contents struct {
	Table load.Table
	Files []string
}

// loadBytes is how much Parquet is loaded in one transaction. Until the end of it
// DuckDB holds memory for every row, which no limit counts.
const loadBytes = 64 << 20

// Fill makes the tables and loads them, in as few transactions as memory allows: each
// is a write to the disk.
func (d *DB) Fill(ctx context.Context, all []Contents) error {
	err := d.Together(ctx, func() error {
		for _, c := range all {
			if err := d.Create(ctx, c.Table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	parts, err := inParts(all)
	if err != nil {
		return err
	}
	for _, part := range parts {
		err := d.Together(ctx, func() error {
			for _, c := range part {
				if err := d.Insert(ctx, c.Table, c.Files); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inParts divides the contents into parts of loadBytes or, where a file is larger, of
// one file.
func inParts(all []Contents) ([][]Contents, error) {
	var parts [][]Contents
	room := int64(0)
	for _, c := range all {
		for _, f := range c.Files {
			info, err := os.Stat(f)
			if err != nil {
				return nil, fmt.Errorf("load table %s: %w", c.Table.Full(), err)
			}
			if room -= info.Size(); room < 0 {
				parts, room = append(parts, nil), loadBytes-info.Size()
			}
			part := &parts[len(parts)-1]
			if n := len(*part); n == 0 || (*part)[n-1].Table.Full() != c.Table.Full() {
				*part = append(*part, Contents{Table: c.Table})
			}
			last := &(*part)[len(*part)-1]
			last.Files = append(last.Files, f)
		}
	}
	return parts, nil
}

// Insert appends the rows of Parquet files to the table.
func (d *DB) Insert(ctx context.Context, t load.Table, files []string) error {
	rows, err := d.rows(ctx, t, files)
	if err == nil {
		err = d.Exec(ctx, fmt.Sprintf("INSERT INTO %s SELECT %s FROM %s", Name(t), columnList(t), rows))
	}
	if err != nil {
		return fmt.Errorf("load table %s: %w", t.Full(), err)
	}
	return nil
}

// Rows counts the rows of a table.
func (d *DB) Rows(ctx context.Context, t load.Table) (int64, error) {
	var n int64
	if err := d.Scalar(ctx, "SELECT count(*) FROM "+Name(t), &n); err != nil {
		return 0, fmt.Errorf("count table %s: %w", t.Full(), err)
	}
	return n, nil
}

// Has reports whether the database holds the tables with exactly their columns and
// what is said of them.
func (d *DB) Has(ctx context.Context, tables ...load.Table) (bool, error) {
	have, err := d.columns(ctx)
	if err != nil {
		return false, fmt.Errorf("look up tables: %w", err)
	}
	for _, t := range tables {
		if !slices.Equal(have[t.Full()], columns(t)) {
			return false, nil
		}
	}
	return true, nil
}

// Answers reports whether every column of the tables is in the database, whatever is
// there beside them.
func (d *DB) Answers(ctx context.Context, tables ...load.Table) (bool, error) {
	have, err := d.columns(ctx)
	if err != nil {
		return false, fmt.Errorf("look up tables: %w", err)
	}
	for _, t := range tables {
		for _, want := range columns(t) {
			if !slices.ContainsFunc(have[t.Full()], func(c column) bool { return c.name == want.name && c.kind == want.kind }) {
				return false, nil
			}
		}
	}
	return true, nil
}

// column is a column as DuckDB tells of it.
type column struct{ name, kind, comment string }

// columns are the columns of all tables, by "schema.table".
func (d *DB) columns(ctx context.Context) (map[string][]column, error) {
	rows, err := d.Query(ctx, `SELECT schema_name || '.' || table_name, column_name, data_type, coalesce(comment, '')
		FROM duckdb_columns() WHERE NOT internal AND database_name = current_database() ORDER BY table_oid, column_index`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]column{}
	for rows.Next() {
		var table string
		var c column
		if err := rows.Scan(&table, &c.name, &c.kind, &c.comment); err != nil {
			return nil, err
		}
		all[table] = append(all[table], c)
	}
	return all, rows.Err()
}

// columns are those that Create makes.
func columns(t load.Table) []column {
	all := make([]column, t.Arrow.NumFields())
	for i, f := range t.Arrow.Fields() {
		comment, _ := f.Metadata.GetValue("comment")
		all[i] = column{f.Name, catalogued(f.Type), comment}
	}
	return all
}

// catalogued is Type in the words of DuckDB's catalogue.
func catalogued(t arrow.DataType) string {
	return strings.ReplaceAll(Type(t), "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")
}

func columnList(t load.Table) string {
	return list(t.Arrow.Fields(), ", ", func(f arrow.Field) string { return Ident(f.Name) })
}
