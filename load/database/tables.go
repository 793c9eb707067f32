package database

import (
	"context"
	"fmt"
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

// Create makes the tables, empty, with their comments.
func (d *DB) Create(ctx context.Context, tables ...load.Table) error {
	return d.together(ctx, func() error {
		for _, t := range tables {
			if err := d.create(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *DB) create(ctx context.Context, t load.Table) error {
	columns := make([]string, t.Arrow.NumFields())
	for i, f := range t.Arrow.Fields() {
		columns[i] = Ident(f.Name) + " " + Type(f.Type)
	}
	statements := []string{
		"CREATE SCHEMA IF NOT EXISTS " + Ident(t.Schema),
		fmt.Sprintf("CREATE TABLE %s (%s)", Name(t), strings.Join(columns, ", ")),
		fmt.Sprintf("COMMENT ON TABLE %s IS %s", Name(t), Text(t.Comment)),
	}
	for _, f := range t.Arrow.Fields() {
		if comment, ok := f.Metadata.GetValue("comment"); ok {
			statements = append(statements, fmt.Sprintf("COMMENT ON COLUMN %s.%s IS %s", Name(t), Ident(f.Name), Text(comment)))
		}
	}
	for _, s := range statements {
		if err := d.Exec(ctx, s); err != nil {
			return fmt.Errorf("create table %s: %w", t.Full(), err)
		}
	}
	return nil
}

// View shows the rows of the Parquet files as the table.
func (d *DB) View(ctx context.Context, t load.Table, files []string) error {
	if len(files) == 0 {
		return d.Create(ctx, t)
	}
	for _, s := range []string{
		"CREATE SCHEMA IF NOT EXISTS " + Ident(t.Schema),
		fmt.Sprintf("CREATE VIEW %s AS SELECT %s FROM read_parquet(%s, hive_partitioning = false)", Name(t), columnList(t), Files(files)),
	} {
		if err := d.Exec(ctx, s); err != nil {
			return fmt.Errorf("view table %s: %w", t.Full(), err)
		}
	}
	return nil
}

// Load appends the rows of the Parquet files to the table.
func (d *DB) Load(ctx context.Context, t load.Table, files []string) error {
	if len(files) == 0 {
		return nil
	}
	insert := fmt.Sprintf("INSERT INTO %s SELECT %s FROM read_parquet(%s, hive_partitioning = false)", Name(t), columnList(t), Files(files))
	if err := d.Exec(ctx, insert); err != nil {
		return fmt.Errorf("load table %s: %w", t.Full(), err)
	}
	return nil
}

// Update replaces, by key, the rows that the delta file holds, and appends those
// that are new.
func (d *DB) Update(ctx context.Context, t load.Table, delta string) error {
	match := make([]string, len(t.Key))
	for i, k := range t.Key {
		match[i] = fmt.Sprintf("t.%s = d.%s", Ident(k), Ident(k))
	}
	remove := fmt.Sprintf("DELETE FROM %s t USING read_parquet(%s, hive_partitioning = false) d WHERE %s",
		Name(t), Files([]string{delta}), strings.Join(match, " AND "))
	return d.together(ctx, func() error {
		if err := d.Exec(ctx, remove); err != nil {
			return fmt.Errorf("update table %s: %w", t.Full(), err)
		}
		return d.Load(ctx, t, []string{delta})
	})
}

// Rows counts the rows of a table.
func (d *DB) Rows(ctx context.Context, t load.Table) (int64, error) {
	var n int64
	if err := d.Scalar(ctx, "SELECT count(*) FROM "+Name(t), &n); err != nil {
		return 0, fmt.Errorf("count table %s: %w", t.Full(), err)
	}
	return n, nil
}

// Has reports whether the database holds the table with exactly its columns and
// what is said of them.
func (d *DB) Has(ctx context.Context, t load.Table) (bool, error) {
	rows, err := d.Query(ctx, "SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? ORDER BY column_index", t.Schema, t.Name)
	if err != nil {
		return false, fmt.Errorf("look up table %s: %w", t.Full(), err)
	}
	defer rows.Close()
	i := 0
	for ; rows.Next(); i++ {
		var name, kind, comment string
		if err := rows.Scan(&name, &kind, &comment); err != nil {
			return false, fmt.Errorf("look up table %s: %w", t.Full(), err)
		}
		if kind == "TIMESTAMP WITH TIME ZONE" {
			kind = "TIMESTAMPTZ"
		}
		if i >= t.Arrow.NumFields() || t.Arrow.Field(i).Name != name || Type(t.Arrow.Field(i).Type) != kind {
			return false, nil
		}
		if want, _ := t.Arrow.Field(i).Metadata.GetValue("comment"); want != comment {
			return false, nil
		}
	}
	return i == t.Arrow.NumFields(), rows.Err()
}

func columnList(t load.Table) string {
	names := make([]string, t.Arrow.NumFields())
	for i, f := range t.Arrow.Fields() {
		names[i] = Ident(f.Name)
	}
	return strings.Join(names, ", ")
}
