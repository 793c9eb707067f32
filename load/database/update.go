package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
)

// Update removes, by key, the rows of the file of those that left, and appends those
// of the delta file. Either path may be empty. The statements belong Together.
func (d *DB) Update(ctx context.Context, t load.Table, delta, left string) error {
	if left != "" {
		if err := d.remove(ctx, t, left); err != nil {
			return fmt.Errorf("update table %s: %w", t.Full(), err)
		}
	}
	if delta == "" {
		return nil
	}
	return d.Insert(ctx, t, []string{delta})
}

// remove deletes the rows that a file holds, by their keys and the days that they are
// of: what DuckDB notes of the days of each row group spares it to read most of them.
func (d *DB) remove(ctx context.Context, t load.Table, file string) error {
	same := func(k string) string { return fmt.Sprintf("t.%s = d.%s", Ident(k), Ident(k)) }
	rows := fmt.Sprintf("read_parquet(%s, hive_partitioning = false)", Files([]string{file}))
	statement := fmt.Sprintf("DELETE FROM %s t USING %s d WHERE %s", Name(t), rows, list(t.Key, " AND ", same))
	column := dayColumn(t)
	if column == "" {
		return d.Exec(ctx, statement)
	}
	var days sql.NullString
	var undated bool
	day := Ident(column)
	err := d.Scalar(ctx, fmt.Sprintf("SELECT string_agg(DISTINCT 'DATE ''' || %s || '''', ', '), count(*) > count(%s) FROM %s", day, day, rows), &days, &undated)
	if err == nil && days.Valid {
		err = d.Exec(ctx, fmt.Sprintf("%s AND t.%s IN (%s)", statement, day, days.String))
	}
	if err == nil && undated {
		err = d.Exec(ctx, fmt.Sprintf("%s AND t.%s IS NULL", statement, day))
	}
	return err
}

// dayColumn is the column of days of a table; empty where it has none.
func dayColumn(t load.Table) string {
	for _, f := range t.Arrow.Fields() {
		if f.Type.ID() == arrow.DATE32 {
			return f.Name
		}
	}
	return ""
}

// Slack is how many bytes of the file would be of no use once so many rows are left of
// those that are in it, and how many a fresh file would have. Free blocks are counted;
// deleted rows are taken to be as large as others.
func (d *DB) Slack(ctx context.Context, rows int64) (slack, fresh int64, err error) {
	var block, total, free, lie int64
	err = d.Scalar(ctx, fmt.Sprintf(`SELECT block_size, total_blocks, free_blocks, (SELECT coalesce(sum(estimated_size), 0)::BIGINT FROM duckdb_tables() WHERE database_name = %[1]s)
		FROM pragma_database_size() WHERE database_name = %[1]s`, Text(catalog)), &block, &total, &free, &lie)
	if err != nil {
		return 0, 0, fmt.Errorf("measure %s: %w", d.path, err)
	}
	slack = block * free
	if lie > rows {
		slack += int64(float64(block) * float64(total-free) * float64(lie-rows) / float64(lie))
	}
	return slack, block*total - slack, nil
}
