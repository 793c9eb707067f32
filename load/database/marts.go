package database

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nightjar/load"
)

// Compute makes each mart anew from the tables and writes it to the file that
// path names. It returns the rows of each mart by name.
func (d *DB) Compute(ctx context.Context, marts []load.Mart, path func(load.Mart) string) (map[string]int64, error) {
	if err := d.Lock(ctx); err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	return rows, d.Together(ctx, func() error {
		for _, m := range marts {
			n, err := d.compute(ctx, m, path(m))
			if err != nil {
				return fmt.Errorf("mart %s: %w", m.Name, err)
			}
			rows[m.Name] = n
		}
		return nil
	})
}

func (d *DB) compute(ctx context.Context, m load.Mart, path string) (rows int64, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	if err := d.Exec(ctx, "DROP TABLE IF EXISTS "+Name(m.Table)); err != nil {
		return 0, err
	}
	if err := d.Create(ctx, m.Table); err != nil {
		return 0, err
	}
	for _, s := range []string{
		fmt.Sprintf("INSERT INTO %s (%s) %s", Name(m.Table), columnList(m.Table), m.Query),
		fmt.Sprintf("COPY (SELECT * FROM %s ORDER BY %s) TO %s (FORMAT parquet, COMPRESSION zstd, FIELD_IDS %s)",
			Name(m.Table), list(m.Key, ", ", nullsLast), Text(absolute(path)), fieldIDs(m.Table)),
	} {
		if err := d.Exec(ctx, s); err != nil {
			return 0, err
		}
	}
	return d.Rows(ctx, m.Table)
}

func nullsLast(column string) string { return Ident(column) + " NULLS LAST" }

// fieldIDs is the FIELD_IDS option of COPY, from the metadata of the schema.
func fieldIDs(t load.Table) string {
	var ids []string
	for _, f := range t.Arrow.Fields() {
		if id, ok := f.Metadata.GetValue("PARQUET:field_id"); ok {
			ids = append(ids, Ident(f.Name)+": "+id)
		}
	}
	return "{" + strings.Join(ids, ", ") + "}"
}
