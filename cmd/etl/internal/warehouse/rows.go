package warehouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
)

// A generation takes from its parent only what was published. The Parquet that a run
// merges or loads is compared by its hash; what it hands on unread is compared by size
// and time, and by its hash where those differ. The database is compared by size and
// time alone: DuckDB checks each block that it reads against the block's checksum, and
// where one does not fit, the Parquet stands in for the file.

// DatabaseIntact reports whether the live database is what was published, as far as
// anyone can tell without reading it. It is looked at once.
func (v *View) DatabaseIntact() bool {
	if v.intact == nil {
		intact := v.Live.DatabaseUntouched()
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
// asked for today, the Parquet stands in for it, and the marts are computed when they
// are asked for.
func (v *View) OpenLive(ctx context.Context, temp string) (*database.DB, error) {
	if v.DatabaseIntact() {
		db, err := v.openToday(ctx, temp)
		if err == nil && db != nil {
			return db, nil
		}
		if err != nil && !v.distrusts(err) {
			v.Log.Warn("the live database cannot be opened; its Parquet is", "error", err)
		}
	}
	db, err := v.OpenParquet(ctx, Tables())
	if err != nil {
		return nil, err
	}
	for _, mart := range Marts() {
		if err := db.ViewMart(ctx, mart); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// AskLive asks something of the live generation, twice where its database turns out to
// be damaged. Temp is as in Limits.
func (v *View) AskLive(ctx context.Context, temp string, ask func(*database.DB) error) error {
	for {
		db, err := v.OpenLive(ctx, temp)
		if err != nil {
			return err
		}
		if err = errors.Join(ask(db), db.Close()); !v.distrusts(err) {
			return err
		}
	}
}

// distrusts reports whether an error says that the live database is damaged and was not
// known to be. Its Parquet stands in for it from then on.
func (v *View) distrusts(err error) bool {
	if !database.Damaged(err) || !v.DatabaseIntact() {
		return false
	}
	*v.intact = false
	v.Found("analytics.duckdb of generation %d is damaged, and the next generation's is built from the Parquet: %v", v.Live.Manifest.Generation, err)
	return true
}

// openToday opens the live database, or returns nil where it lacks a column of today's
// tables.
func (v *View) openToday(ctx context.Context, temp string) (*database.DB, error) {
	db, err := database.OpenReadOnly(ctx, v.Live.Database(), v.Limits(temp))
	if err != nil {
		return nil, err
	}
	asked := Tables()
	for _, mart := range Marts() {
		asked = append(asked, mart.Table)
	}
	answers, err := db.Answers(ctx, asked...)
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
