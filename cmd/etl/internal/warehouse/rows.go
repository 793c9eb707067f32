package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
)

// A generation takes from its parent only what was published. What a run reads is
// compared by its hash: the database that is copied, the Parquet that is merged or
// loaded. What it hands on unread is compared by size and time, and by its hash
// where those differ.

// DatabaseIntact reports whether the live database is what was published. It is
// read once.
func (v *View) DatabaseIntact() bool {
	if v.intact == nil {
		intact := v.Live.Intact(v.Live.Manifest.Database)
		v.intact = &intact
		if !intact {
			v.FoundDatabase()
		}
	}
	return *v.intact
}

// FoundDatabase tells the operator that the live database is not what was published.
func (v *View) FoundDatabase() {
	v.Found("analytics.duckdb of generation %d is not what was published; the next generation's is built from the Parquet", v.Live.Manifest.Generation)
}

// OpenLive opens the database of the live generation for reading, with temp as in Limits.
// Where it is not what was published, or an earlier version's, without a column that is
// asked for today, the Parquet stands in for it.
func (v *View) OpenLive(ctx context.Context, temp string) (*database.DB, error) {
	if v.DatabaseIntact() {
		db, err := v.openToday(ctx, temp)
		if err == nil && db != nil {
			return db, nil
		}
		if err != nil {
			v.Log.Warn("the live database cannot be opened; its Parquet is", "error", err)
		}
	}
	return v.OpenParquet(ctx, Tables())
}

// openToday opens the live database, or returns nil where it lacks a column of today's
// tables.
func (v *View) openToday(ctx context.Context, temp string) (*database.DB, error) {
	db, err := database.OpenReadOnly(ctx, v.Live.Database(), v.Limits(temp))
	if err != nil {
		return nil, err
	}
	answers, err := db.Answers(ctx, Tables()...)
	if err != nil || !answers {
		db.Close()
		return nil, err
	}
	return db, nil
}

// OpenParquet shows the live Parquet of some tables as a database.
func (v *View) OpenParquet(ctx context.Context, tables []load.Table) (*database.DB, error) {
	limits := v.Limits("")
	limits.Folder = v.Live.Dir
	db, err := database.Open(ctx, "", limits)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		files, err := intactFiles(v.Live, t)
		if err == nil {
			err = db.View(ctx, t, files)
		}
		if err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// intactFiles are the paths of a table's partitions, each compared with what was
// published.
func intactFiles(live *generation.Generation, t load.Table) ([]string, error) {
	var files []string
	partitions := live.Manifest.Tables[t.Full()].Partitions
	for _, folder := range slices.Sorted(maps.Keys(partitions)) {
		if f := partitions[folder]; live.Intact(f) {
			files = append(files, live.Path(f))
			continue
		}
		return nil, DamagedError(live, partitions[folder])
	}
	return files, nil
}

// DamagedError refuses to go on from a file.
func DamagedError(g *generation.Generation, f generation.File) error {
	return fmt.Errorf("%s of generation %d is damaged or lost: `etl verify` says what is, and `etl replay` rebuilds it from the landing zone", f.Path, g.Manifest.Generation)
}
