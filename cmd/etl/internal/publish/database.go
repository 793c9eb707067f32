package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/partition"
)

// buildDatabase makes the DuckDB file of the generation and the marts, as files of the
// manifest. A copy of the last database is brought up to date; where that cannot be
// done, the file is built afresh from the Parquet.
func (p *Publisher) buildDatabase(ctx context.Context, m *generation.Manifest, changes []merged) error {
	debug.FreeOSMemory() // what the merge held makes room for DuckDB
	update, err := p.takeDatabase(ctx, changes)
	if err != nil {
		return err
	}
	made, err := p.fillDatabase(ctx, m, changes, update)
	if err != nil && update && ctx.Err() == nil {
		p.Found("analytics.duckdb of generation %d cannot be brought up to date, and the next generation's is built from the Parquet: %v", p.Live.Manifest.Generation, err)
		if err := p.Build.DropDatabase(); err != nil {
			return err
		}
		update = false
		made, err = p.fillDatabase(ctx, m, changes, update)
	}
	if err != nil {
		return err
	}
	if m.DatabaseRun = p.Record.ID; update {
		m.DatabaseRun = p.Live.Manifest.DatabaseRun
	}
	return p.sumMarts(m, made)
}

// takeDatabase copies the last database where it can be updated.
func (p *Publisher) takeDatabase(ctx context.Context, changes []merged) (bool, error) {
	if p.Live == nil || len(p.Remade) > 0 || !p.DatabaseIntact() || !p.canUpdate(ctx, changes) {
		return false, nil
	}
	untouched, err := p.Build.CopyDatabase()
	if err == nil && !untouched {
		p.FoundDatabase()
	}
	return untouched, err
}

// canUpdate reports whether the last database has every table with today's columns, and
// is not worn.
func (p *Publisher) canUpdate(ctx context.Context, changes []merged) bool {
	var rows int64
	for _, t := range p.Live.Manifest.Tables {
		rows += t.Rows
	}
	for _, f := range p.Live.Manifest.Marts {
		rows += f.Rows
	}
	for _, c := range changes {
		if rows -= c.outcome.LeftRows; c.gone() && !p.isNew(c) {
			return false
		}
	}
	db, err := database.OpenReadOnly(ctx, p.Live.Database(), p.Limits(p.Build.Scratch()))
	if err != nil {
		p.Log.Warn("the last database cannot be opened and is built afresh from the Parquet", "error", err)
		return false
	}
	defer db.Close()
	if fits, err := db.Has(ctx, warehouse.Tables()...); err != nil || !fits {
		return false
	}
	worn, err := db.Worn(ctx, rows)
	return err == nil && !worn
}

// gone reports whether rows left a partition without a file to say so.
func (c merged) gone() bool {
	return c.delta == "" && c.left == "" && c.outcome != nil && slices.ContainsFunc(c.outcome.Partitions, func(p partition.Result) bool { return p.Changed })
}

// isNew reports whether all rows of a table are this night's.
func (p *Publisher) isNew(c merged) bool { return p.Live.Manifest.Tables[c.table.Full()].Rows == 0 }

// fillDatabase makes the file whole: from a copy of the last one, or from nothing.
func (p *Publisher) fillDatabase(ctx context.Context, m *generation.Manifest, changes []merged, update bool) ([]database.Made, error) {
	db, err := database.Open(ctx, p.Build.Database(), p.Limits(p.Build.Scratch()))
	if err != nil {
		return nil, err
	}
	made, err := p.project(ctx, db, m, changes, update)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return made, db.Finish(ctx)
}

// project fills tables and marts, and checks that the database and the Parquet
// hold the same number of rows. The marts come in a transaction of their own:
// DuckDB plans a join by statistics, and has none of rows that are not committed.
func (p *Publisher) project(ctx context.Context, db *database.DB, m *generation.Manifest, changes []merged, update bool) ([]database.Made, error) {
	fill := func() error { return p.loadTables(ctx, db, m) }
	if update {
		fill = func() error {
			return db.Together(ctx, func() error { return updateTables(ctx, db, changes) })
		}
	}
	if err := fill(); err != nil {
		return nil, err
	}
	for _, t := range warehouse.Tables() {
		n, err := db.Rows(ctx, t)
		if err != nil {
			return nil, err
		}
		if want := m.Tables[t.Full()].Rows; n != want {
			return nil, fmt.Errorf("table %s has %d rows in the database and %d in its Parquet: nothing is published", t.Full(), n, want)
		}
	}
	return p.computeMarts(ctx, db, changes, update)
}

// updateTables brings the tables of the last database up to date. One that had no rows
// has them all in new files.
func updateTables(ctx context.Context, db *database.DB, changes []merged) error {
	for _, c := range changes {
		update := func() error { return db.Update(ctx, c.table, c.delta, c.left) }
		if c.gone() {
			update = func() error { return db.Insert(ctx, c.table, c.files()) }
		}
		if err := update(); err != nil {
			return err
		}
	}
	return nil
}

// loadTables fills an empty database from the Parquet.
func (p *Publisher) loadTables(ctx context.Context, db *database.DB, m *generation.Manifest) error {
	var all []database.Contents
	for _, t := range warehouse.Tables() {
		c := database.Contents{Table: t}
		partitions := m.Tables[t.Full()].Partitions
		for _, folder := range slices.Sorted(maps.Keys(partitions)) {
			f := partitions[folder]
			if p.kept(t, folder, f) && !p.Live.Intact(f) {
				return warehouse.DamagedError(p.Live, f)
			}
			if f.Rows > 0 {
				c.Files = append(c.Files, p.Build.Path(f.Path))
			}
		}
		all = append(all, c)
	}
	return db.Fill(ctx, all)
}

// kept reports whether a partition is the parent's file, and none that has been built.
func (p *Publisher) kept(t load.Table, folder string, f generation.File) bool {
	if p.Live == nil {
		return false
	}
	old := p.Live.Manifest.Tables[t.Full()].Partitions[folder]
	return old.SHA256 == f.SHA256 && old.Modified.Equal(f.Modified)
}
