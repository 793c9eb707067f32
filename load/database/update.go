package database

import (
	"context"
	"database/sql"
	"fmt"

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
	if t.Day == "" {
		return d.Exec(ctx, statement)
	}
	var days sql.NullString
	var undated bool
	day := Ident(t.Day)
	err := d.Scalar(ctx, fmt.Sprintf("SELECT string_agg(DISTINCT 'DATE ''' || %s || '''', ', '), count(*) > count(%s) FROM %s", day, day, rows), &days, &undated)
	if err == nil && days.Valid {
		err = d.Exec(ctx, fmt.Sprintf("%s AND t.%s IN (%s)", statement, day, days.String))
	}
	if err == nil && undated {
		err = d.Exec(ctx, fmt.Sprintf("%s AND t.%s IS NULL", statement, day))
	}
	return err
}

// A file is worn where more than a part of it, and more than a night needs to work in,
// is of no use.
const (
	wornShare  = 0.2
	nightsRoom = 24 << 20 // bytes; DuckDB writes a few row groups anew before it frees the old ones
)

// Worn reports whether a fresh file would be much smaller than this one once so many
// rows are left of those that are in it. It counts free blocks, and rows that were
// deleted and still lie there, each taken to be as large as another.
func (d *DB) Worn(ctx context.Context, rows int64) (bool, error) {
	var block, total, free, lie int64
	err := d.Scalar(ctx, fmt.Sprintf(`SELECT block_size, total_blocks, free_blocks, (SELECT coalesce(sum(estimated_size), 0)::BIGINT FROM duckdb_tables() WHERE database_name = %[1]s)
		FROM pragma_database_size() WHERE database_name = %[1]s`, Text(catalog)), &block, &total, &free, &lie)
	if err != nil {
		return false, fmt.Errorf("measure %s: %w", d.path, err)
	}
	slack := float64(free)
	if lie > rows {
		slack += float64(total-free) * float64(lie-rows) / float64(lie)
	}
	return slack*float64(block) > nightsRoom && slack > wornShare*(float64(total)-slack), nil
}
