package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/load/ref"
)

// A generation takes from its parent only what was published. What a run reads is
// compared by its hash: the database that is copied, the Parquet that is merged or
// loaded. What it hands on unread is compared by size and time, and by its hash
// where those differ.

// found tells the operator of damage: in the log, and in the report. What is
// found twice is told once.
func (r *run) found(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if r.report != nil {
		if slices.Contains(r.report.Damage, what) {
			return
		}
		r.report.Damage = append(r.report.Damage, what)
	}
	r.Log.Warn(what)
}

// databaseIntact reports whether the live database is what was published. It is
// read once a run.
func (r *run) databaseIntact() bool {
	if r.intact == nil {
		intact := r.parent.Intact(r.parent.Manifest.Database)
		r.intact = &intact
		if !intact {
			r.foundDatabase()
		}
	}
	return *r.intact
}

func (r *run) foundDatabase() {
	r.found("analytics.duckdb of generation %d is not what was published; the next generation's is built from the Parquet", r.parent.Manifest.Generation)
}

// openLive opens the database of the live generation for reading. Where it is not
// what was published, or an earlier version's, without a column that is asked for
// today, the Parquet stands in for it.
func (r *run) openLive(ctx context.Context, live *generation.Generation) (*database.DB, error) {
	if r.databaseIntact() {
		db, err := r.openToday(ctx, live)
		if err == nil && db != nil {
			return db, nil
		}
		if err != nil {
			r.Log.Warn("the live database cannot be opened; its Parquet is", "error", err)
		}
	}
	return r.openParquet(ctx, live, allTables())
}

// openToday opens the database of a generation, or returns nil where it lacks a
// column of today's tables.
func (r *run) openToday(ctx context.Context, live *generation.Generation) (*database.DB, error) {
	db, err := database.OpenReadOnly(ctx, live.Database(), r.limits(r.scratch()))
	if err != nil {
		return nil, err
	}
	answers, err := db.Answers(ctx, allTables()...)
	if err != nil || !answers {
		db.Close()
		return nil, err
	}
	return db, nil
}

// openParquet shows the Parquet of some tables as a database.
func (r *Runner) openParquet(ctx context.Context, live *generation.Generation, tables []load.Table) (*database.DB, error) {
	limits := r.limits("")
	limits.Folder = live.Dir
	db, err := database.Open(ctx, "", limits)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		files, err := intactFiles(live, t)
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
		return nil, damagedError(live, partitions[folder])
	}
	return files, nil
}

// damagedError refuses to go on from a file.
func damagedError(g *generation.Generation, f generation.File) error {
	return fmt.Errorf("%s of generation %d is damaged or lost: `etl verify` says what is, and `etl replay` rebuilds it from the landing zone", f.Path, g.Manifest.Generation)
}

// remakeDamagedRecords has the tables about earlier runs made anew where a file of
// theirs is damaged.
func (r *run) remakeDamagedRecords() {
	if r.parent == nil {
		return
	}
	for _, t := range recordTables() {
		partitions := r.parent.Manifest.Tables[t.Full()].Partitions
		for _, folder := range slices.Sorted(maps.Keys(partitions)) {
			if f := partitions[folder]; !r.remade[t.Full()] && !r.parent.Intact(f) {
				r.found("%s of generation %d is damaged; the table is made anew of the run records", f.Path, r.parent.Manifest.Generation)
				r.remade[t.Full()] = true
			}
		}
	}
}

// heal makes the leg's tables anew of what has landed, where a file of theirs is
// not what was published. Old pages are read beside those that the leg has staged;
// what the leg says of itself stays as it is.
func (l *leg) heal(ctx context.Context) error {
	damaged, err := l.damagedFiles()
	if err != nil || len(damaged) == 0 {
		return err
	}
	l.run.found("%s: %s of generation %d is not what was published; its tables are made anew of the landed pages", l.Pipeline, strings.Join(damaged, ", "), l.run.parent.Manifest.Generation)
	runs, err := l.published()
	if err != nil {
		return err
	}
	windows, rejects, rejected := l.Windows, l.Rejects, l.Rejected
	err = l.decoding(ctx, func(ctx context.Context, decoders *decoders) error {
		for _, r := range runs {
			if err := l.replay(ctx, r, decoders); err != nil {
				return fmt.Errorf("%s of generation %d is damaged, and what it would be made of too: %w", damaged[0], l.run.parent.Manifest.Generation, err)
			}
		}
		return nil
	})
	l.Windows, l.Rejects, l.Rejected = windows, rejects, rejected
	if err != nil {
		return err
	}
	for _, t := range l.tables {
		l.run.remade[t.Full()] = true
	}
	return nil
}

// damagedFiles lists the live files of the leg's tables that are not what was
// published. Those that the merge reads are read, the others looked at; all are
// read where the database has to be built from them.
func (l *leg) damagedFiles() ([]string, error) {
	var damaged []string
	if l.run.parent == nil {
		return nil, nil
	}
	for _, t := range l.tables {
		if l.run.remade[t.Full()] {
			continue
		}
		touched := map[partition.Partition]bool{}
		for _, p := range l.stages[t.Full()].Touched() {
			touched[p] = true
		}
		partitions := l.run.parent.Manifest.Tables[t.Full()].Partitions
		for _, folder := range slices.Sorted(maps.Keys(partitions)) {
			_, p, err := partition.ParseFolder(folder)
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", t.Full(), err)
			}
			whole := l.run.parent.Untouched
			if touched[p] || !l.run.databaseIntact() {
				whole = l.run.parent.Intact
			}
			if !whole(partitions[folder]) {
				damaged = append(damaged, partitions[folder].Path)
			}
		}
	}
	return damaged, nil
}

// published lists the landed runs that are in the live tables and that the leg has
// not read yet.
func (l *leg) published() ([]*landing.Run, error) {
	counted, err := l.run.counted(l.Ref())
	if err != nil {
		return nil, err
	}
	return l.run.runsNamed(l.Ref(), slices.DeleteFunc(slices.Clone(counted), func(id ref.RunID) bool {
		return slices.ContainsFunc(l.adopted, func(a *landing.Run) bool { return a.Header.RunID == id })
	}))
}

// remadeWhole compares the tables that were made anew with what was published. A night
// fails where they have fewer rows: the landing zone then lacks pages that they came
// from. A replay may give fewer, after a fix, up to a bound.
func (l *leg) remadeWhole(tables []merged) {
	if l.run.parent == nil {
		return
	}
	for _, m := range tables {
		if !l.run.remade[m.table.Full()] {
			continue
		}
		var rows int64
		for _, p := range m.outcome.Partitions {
			rows += p.Rows
		}
		rows += m.outcome.Counts.Gone
		had := l.run.parent.Manifest.Tables[m.table.Full()].Rows
		most := l.run.Config.Publish.MaxDrop
		switch {
		case l.run.replaying && float64(rows) < (1-most)*float64(had):
			l.lossy = true
			l.worsen(Held, fmt.Sprintf("table %s made anew of the landed pages has %d rows, and %d were published, a drop of more than max_drop %g%%; `etl replay --accept` publishes it all the same",
				m.table.Full(), rows, had, 100*most))
		case !l.run.replaying && rows < had:
			l.worsen(Failed, fmt.Sprintf("table %s made anew of the landed pages has %d rows, and %d were published: the landing zone lacks pages; restore them, or publish what there is with `etl replay`",
				m.table.Full(), rows, had))
		}
	}
}
