package database

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nightjar/load"
)

// Work is what is to be done for one mart.
type Work struct {
	Mart load.Mart
	Days *Days  // of which its rows may have changed; nil where all may
	Path string // of its Parquet
	// Keep has the Parquet not written where no row has changed: there is one already.
	Keep bool
}

// Made is what came of it.
type Made struct {
	Rows int64
	Kept bool // no row has changed, and the Parquet is not written
}

// Compute brings marts up to date, and writes their Parquet. A mart of which only some
// days may have changed is there already, and those days alone are computed: the same
// query reads the tables as though they held nothing else. The result is what it would
// be were all computed.
func (d *DB) Compute(ctx context.Context, all []Work) ([]Made, error) {
	if err := d.Lock(ctx); err != nil {
		return nil, err
	}
	if err := d.computeDays(ctx, all); err != nil {
		return nil, err
	}
	made := make([]Made, len(all))
	return made, d.Together(ctx, func() error {
		for i, w := range all {
			var err error
			if made[i], err = d.finish(ctx, w); err != nil {
				return fmt.Errorf("mart %s: %w", w.Mart.Name, err)
			}
		}
		return nil
	})
}

// cut is the database in which views with the names of the tables show some days of
// them. It is in memory: nothing of it comes into the file.
const cut = "cut"

// computeDays computes the days that may have changed, each mart into a table of the
// session.
func (d *DB) computeDays(ctx context.Context, all []Work) error {
	if !slices.ContainsFunc(all, Work.someDays) {
		return nil
	}
	tables, err := d.columns(ctx)
	if err != nil {
		return err
	}
	if err := d.Exec(ctx, "ATTACH ':memory:' AS "+cut); err != nil {
		return err
	}
	for _, w := range all {
		if !w.someDays() {
			continue
		}
		if err := d.computeSome(ctx, w, tables); err != nil {
			return fmt.Errorf("mart %s: %w", w.Mart.Name, err)
		}
	}
	return d.Exec(ctx, "DETACH "+cut)
}

// someDays reports whether there is anything to compute, and not everything.
func (w Work) someDays() bool { return w.Days != nil && !w.Days.Empty() }

// computeSome computes the days of one mart; tables are the columns of every table.
func (d *DB) computeSome(ctx context.Context, w Work, tables map[string][]column) error {
	for _, table := range w.Mart.Reads {
		schema, name, _ := strings.Cut(table, ".")
		from := "SELECT * FROM " + catalog + "." + Ident(schema) + "." + Ident(name)
		if slices.ContainsFunc(tables[table], func(c column) bool { return c.name == w.Mart.Cut }) {
			// Each part by itself, so that the condition reaches the scan.
			from = list(w.Days.conditions(w.Mart.Cut), " UNION ALL ", func(condition string) string { return from + " WHERE " + condition })
		}
		if err := d.Exec(ctx, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s.%s; CREATE OR REPLACE VIEW %s.%s.%s AS %s",
			cut, Ident(schema), cut, Ident(schema), Ident(name), from)); err != nil {
			return err
		}
	}
	return d.Exec(ctx, fmt.Sprintf("USE %s; CREATE TEMP TABLE %s AS %s; USE %s", cut, Ident(w.Mart.Name), w.Mart.Query, catalog))
}

// fresh is the table of the session that holds the mart as computed now.
func fresh(m load.Mart) string { return "temp.main." + Ident(m.Name) }

// finish puts what was computed into the mart, or computes it whole, and writes its
// Parquet where a row of it has changed.
func (d *DB) finish(ctx context.Context, w Work) (m Made, err error) {
	changed := true
	if w.Days == nil {
		err = d.computeWhole(ctx, w.Mart)
	} else {
		changed, err = d.replaceDays(ctx, w)
	}
	if err != nil {
		return m, err
	}
	if m.Kept = w.Keep && !changed; !m.Kept {
		if err := d.write(ctx, w); err != nil {
			return m, err
		}
	}
	m.Rows, err = d.Rows(ctx, w.Mart.Table)
	return m, err
}

func (d *DB) computeWhole(ctx context.Context, m load.Mart) error {
	if err := d.Exec(ctx, "DROP TABLE IF EXISTS "+Name(m.Table)); err != nil {
		return err
	}
	if err := d.Create(ctx, m.Table); err != nil {
		return err
	}
	return d.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) %s", Name(m.Table), columnList(m.Table), m.Query))
}

// replaceDays puts the days that were computed in the place of those that are there,
// unless they are the same.
func (d *DB) replaceDays(ctx context.Context, w Work) (changed bool, err error) {
	if w.Days.Empty() {
		return false, nil
	}
	columns, there := columnList(w.Mart.Table), w.Days.holds(w.Mart.Cut)
	now := fmt.Sprintf("SELECT %s FROM %s", columns, fresh(w.Mart))
	before := fmt.Sprintf("SELECT %s FROM %s WHERE %s", columns, Name(w.Mart.Table), there)
	if err := d.Scalar(ctx, fmt.Sprintf("SELECT EXISTS (%s EXCEPT ALL %s) OR EXISTS (%s EXCEPT ALL %s)", now, before, before, now), &changed); err != nil {
		return false, err
	}
	if changed {
		err = d.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s; INSERT INTO %s (%s) %s", Name(w.Mart.Table), there, Name(w.Mart.Table), columns, now))
	}
	if err == nil {
		err = d.Exec(ctx, "DROP TABLE "+fresh(w.Mart))
	}
	return changed, err
}

// write writes the mart's Parquet, in the order of its grain.
func (d *DB) write(ctx context.Context, w Work) error {
	if err := os.MkdirAll(filepath.Dir(w.Path), 0o700); err != nil {
		return err
	}
	t := w.Mart.Table
	return d.Exec(ctx, fmt.Sprintf("COPY (SELECT %s FROM %s ORDER BY %s) TO %s (FORMAT parquet, COMPRESSION zstd, FIELD_IDS %s)",
		columnList(t), Name(t), list(t.Key, ", ", nullsLast), Text(absolute(w.Path)), fieldIDs(t)))
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
