package pipeline

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"nightjar/extract"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/load/ref"
	"nightjar/transform"
)

// churnLimit is the share of a database's rows that may have been replaced before
// the file is built afresh: DuckDB does not give all their space back.
const churnLimit = 0.5

// buildDatabase makes the DuckDB file of the generation and the marts, as files
// of the manifest.
func (r *run) buildDatabase(ctx context.Context, m *generation.Manifest, changes []merged) error {
	debug.FreeOSMemory() // what the merge held makes room for DuckDB
	path := r.build.Database()
	update, err := r.takeDatabase(ctx, m, changes)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, path, r.limits(r.build.Scratch()))
	if err != nil {
		return err
	}
	rows, err := r.project(ctx, db, m, changes, update)
	if err != nil {
		db.Close()
		return err
	}
	if err := db.Finish(ctx); err != nil {
		return err
	}
	if m.Database, err = r.build.Sum(filepath.Base(path), 0); err != nil {
		return err
	}
	return r.sumMarts(m, rows)
}

// takeDatabase copies the last database where it can be updated.
func (r *run) takeDatabase(ctx context.Context, m *generation.Manifest, changes []merged) (bool, error) {
	if !r.canUpdate(m, changes) {
		return false, nil
	}
	intact, err := r.build.CopyDatabase()
	if err != nil {
		return false, err
	}
	if !intact {
		r.foundDatabase()
		return r.afresh(m), nil
	}
	if r.copyFits(ctx) {
		return true, nil
	}
	return r.afresh(m), r.build.DropDatabase()
}

// canUpdate decides whether a copy of the last database is brought up to date or
// the file is built afresh from the Parquet, and keeps count of what was replaced.
func (r *run) canUpdate(m *generation.Manifest, changes []merged) bool {
	if r.parent == nil || len(r.remade) > 0 {
		return r.afresh(m)
	}
	var rows, replaced int64
	for _, t := range m.Tables {
		rows += t.Rows
	}
	for _, c := range changes {
		replaced += c.outcome.DeltaRows + c.outcome.LeftRows
		if len(c.outcome.Partitions) > 0 && c.outcome.DeltaRows+c.outcome.LeftRows == 0 && c.gone() {
			return r.afresh(m)
		}
	}
	m.Churn += replaced
	if float64(m.Churn) > churnLimit*float64(rows) {
		return r.afresh(m)
	}
	return true
}

func (r *run) afresh(m *generation.Manifest) bool {
	m.Churn = 0
	return false
}

// gone reports whether rows left a partition without a file to say so.
func (c merged) gone() bool {
	return slices.ContainsFunc(c.outcome.Partitions, func(p partition.Result) bool { return p.Changed })
}

// copyFits reports whether the copy of the last database has every table with
// today's columns.
func (r *run) copyFits(ctx context.Context) bool {
	db, err := database.OpenReadOnly(ctx, r.build.Database(), r.limits(r.scratch()))
	if err != nil {
		r.Log.Warn("the last database cannot be opened and is built afresh from the Parquet", "error", err)
		return false
	}
	defer db.Close()
	fits, err := db.Has(ctx, allTables()...)
	return err == nil && fits
}

// project fills tables and marts, and checks that the database and the Parquet
// hold the same number of rows. The marts come in a transaction of their own:
// DuckDB plans a join by statistics, and has none of rows that are not committed.
func (r *run) project(ctx context.Context, db *database.DB, m *generation.Manifest, changes []merged, update bool) (map[string]int64, error) {
	fill := func() error { return r.loadTables(ctx, db, m) }
	if update {
		fill = func() error {
			return db.Together(ctx, func() error { return updateTables(ctx, db, changes) })
		}
	}
	if err := fill(); err != nil {
		return nil, err
	}
	for _, t := range allTables() {
		n, err := db.Rows(ctx, t)
		if err != nil {
			return nil, err
		}
		if want := m.Tables[t.Full()].Rows; n != want {
			return nil, fmt.Errorf("table %s has %d rows in the database and %d in its Parquet: nothing is published", t.Full(), n, want)
		}
	}
	return db.Compute(ctx, loadMarts(), r.variables(m), func(mart load.Mart) string {
		return r.build.Path(generation.MartPath(mart.Schema, mart.Name))
	})
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
func (r *run) loadTables(ctx context.Context, db *database.DB, m *generation.Manifest) error {
	var all []database.Contents
	for _, t := range allTables() {
		c := database.Contents{Table: t}
		partitions := m.Tables[t.Full()].Partitions
		for _, folder := range slices.Sorted(maps.Keys(partitions)) {
			f := partitions[folder]
			if r.kept(t, folder, f) && !r.parent.Intact(f) {
				return damagedError(r.parent, f)
			}
			if f.Rows > 0 {
				c.Files = append(c.Files, r.build.Path(f.Path))
			}
		}
		all = append(all, c)
	}
	return db.Fill(ctx, all)
}

// kept reports whether a partition is the parent's file.
func (r *run) kept(t load.Table, folder string, f generation.File) bool {
	return r.parent != nil && r.parent.Manifest.Tables[t.Full()].Partitions[folder] == f
}

// sumMarts describes the marts' files. One that came out as it was is the
// parent's file again.
func (r *run) sumMarts(m *generation.Manifest, rows map[string]int64) error {
	for _, mart := range loadMarts() {
		f, err := r.build.Sum(generation.MartPath(mart.Schema, mart.Name), rows[mart.Name])
		if err != nil {
			return err
		}
		if r.parent != nil {
			old, ok := r.parent.Manifest.Marts[mart.Full()]
			if ok && !r.parent.Untouched(old) {
				r.found("%s of generation %d is not what was published; it is made anew", old.Path, r.parent.Manifest.Generation)
			}
			if err := r.shareSame(f, old); err != nil {
				return err
			}
		}
		m.Marts[mart.Full()] = f
		r.report.Marts = append(r.report.Marts, Mart{Name: mart.Name, Rows: f.Rows})
	}
	return nil
}

// loadMarts is every mart as the load knows it.
func loadMarts() []load.Mart {
	var all []load.Mart
	for _, m := range transform.Marts() {
		t := transform.Table{Schema: transform.MartSchema, Name: m.Name, Comment: m.Comment, Key: m.Grain, Columns: m.Columns}
		all = append(all, load.Mart{Table: loadTable(t), Query: m.Query})
	}
	return all
}

// variables are what the queries of the marts read: the configuration, and how
// fresh each stream is. Nothing in them is the clock's.
func (r *run) variables(m *generation.Manifest) database.Variables {
	v := database.Variables{
		"timezone":      database.Text(r.Config.Timezone.String()),
		"csat_channels": textList(r.Config.Marts.CSATChannels),
		"nps_channels":  textList(r.Config.Marts.NPSChannels),
	}
	for name, key := range map[string]ref.Stream{
		"conversations": ref.Stream{Source: "iadvize", Name: "closed_conversations"},
		"calls":         ref.Stream{Source: "aircall", Name: "calls"},
		"waves":         ref.Stream{Source: "volt", Name: "waves"},
		"messages":      ref.Stream{Source: "volt", Name: "messages"},
	} {
		v[name+"_as_of"] = instant(r.asOf(m, key))
		settle := "settle"
		if name == "conversations" {
			settle = "lookback"
			v["revenue_settle"] = interval(max(r.settleOf(key), attribution))
		}
		v[name+"_"+settle] = interval(r.settleOf(key))
	}
	return v
}

// attribution is how long after its close a conversation may still be given a purchase.
const attribution = 48 * time.Hour

// asOf is up to when it is proven that the rows of a stream are what the vendor has.
func (r *run) asOf(m *generation.Manifest, s ref.Stream) time.Time {
	if p, ok := r.Config.Loader(s); ok && streams[s].asOf != nil {
		return streams[s].asOf(r.Config, p, extract.Bookmark(m.Bookmarks[s].Value))
	}
	settled, err := settledOf(m)
	if err != nil {
		return time.Time{}
	}
	return settled[s].AsOf
}

// settleOf is how long a record of the stream may still change.
func (r *run) settleOf(s ref.Stream) time.Duration {
	if p, ok := r.Config.Loader(s); ok && streams[s].settle != nil {
		return streams[s].settle(p)
	}
	return 0
}

func textList(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = database.Text(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]::VARCHAR[]"
}

func instant(t time.Time) string {
	if t.IsZero() {
		return "NULL::TIMESTAMPTZ"
	}
	return "TIMESTAMPTZ " + database.Text(t.UTC().Format("2006-01-02 15:04:05.999999")+"+00")
}

func interval(d time.Duration) string {
	return fmt.Sprintf("to_seconds(%d)", int64(d/time.Second))
}
