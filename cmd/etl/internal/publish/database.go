package publish

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/partition"
)

// churnLimit is the share of a database's rows that may have been replaced before
// the file is built afresh: DuckDB does not give all their space back.
const churnLimit = 0.5

// buildDatabase makes the DuckDB file of the generation and the marts, as files
// of the manifest.
func (p *Publisher) buildDatabase(ctx context.Context, m *generation.Manifest, changes []merged) error {
	debug.FreeOSMemory() // what the merge held makes room for DuckDB
	path := p.Build.Database()
	update, err := p.takeDatabase(ctx, m, changes)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, path, p.Limits(p.Build.Scratch()))
	if err != nil {
		return err
	}
	made, err := p.project(ctx, db, m, changes, update)
	if err != nil {
		db.Close()
		return err
	}
	if err := db.Finish(ctx); err != nil {
		return err
	}
	if m.Database, err = p.Build.Sum(filepath.Base(path), 0); err != nil {
		return err
	}
	return p.sumMarts(m, made)
}

// takeDatabase copies the last database where it can be updated.
func (p *Publisher) takeDatabase(ctx context.Context, m *generation.Manifest, changes []merged) (bool, error) {
	if !p.canUpdate(m, changes) {
		return false, nil
	}
	intact, err := p.Build.CopyDatabase()
	if err != nil {
		return false, err
	}
	if !intact {
		p.FoundDatabase()
		return p.afresh(m), nil
	}
	if p.copyFits(ctx) {
		return true, nil
	}
	return p.afresh(m), p.Build.DropDatabase()
}

// canUpdate decides whether a copy of the last database is brought up to date or
// the file is built afresh from the Parquet, and keeps count of what was replaced.
func (p *Publisher) canUpdate(m *generation.Manifest, changes []merged) bool {
	if p.Live == nil || len(p.Remade) > 0 {
		return p.afresh(m)
	}
	var rows, replaced int64
	for _, t := range m.Tables {
		rows += t.Rows
	}
	for _, c := range changes {
		replaced += c.outcome.DeltaRows + c.outcome.LeftRows
		if len(c.outcome.Partitions) > 0 && c.outcome.DeltaRows+c.outcome.LeftRows == 0 && c.gone() {
			return p.afresh(m)
		}
	}
	m.Churn += replaced
	if float64(m.Churn) > churnLimit*float64(rows) {
		return p.afresh(m)
	}
	return true
}

func (p *Publisher) afresh(m *generation.Manifest) bool {
	m.Churn = 0
	return false
}

// gone reports whether rows left a partition without a file to say so.
func (c merged) gone() bool {
	return slices.ContainsFunc(c.outcome.Partitions, func(p partition.Result) bool { return p.Changed })
}

// copyFits reports whether the copy of the last database has every table with
// today's columns.
func (p *Publisher) copyFits(ctx context.Context) bool {
	db, err := database.OpenReadOnly(ctx, p.Build.Database(), p.Limits(p.Build.Scratch()))
	if err != nil {
		p.Log.Warn("the last database cannot be opened and is built afresh from the Parquet", "error", err)
		return false
	}
	defer db.Close()
	fits, err := db.Has(ctx, warehouse.Tables()...)
	return err == nil && fits
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

// updateTables brings the tables of the last database up to date.
func updateTables(ctx context.Context, db *database.DB, changes []merged) error {
	for _, c := range changes {
		if err := db.Update(ctx, c.table, c.delta, c.left); err != nil {
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

// kept reports whether a partition is the parent's file.
func (p *Publisher) kept(t load.Table, folder string, f generation.File) bool {
	return p.Live != nil && p.Live.Manifest.Tables[t.Full()].Partitions[folder] == f
}
