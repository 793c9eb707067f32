package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/ref"
)

// Generation is one generation as `etl generations` lists it.
type Generation struct {
	Number  int       `json:"generation"`
	Live    bool      `json:"live"`
	Parent  int       `json:"parent,omitempty"`
	RunID   ref.RunID `json:"run_id"`
	Created time.Time `json:"created"`
	Rows    int64     `json:"rows"`              // of all tables
	Bytes   int64     `json:"bytes"`             // of all files, shared ones included
	Problem string    `json:"problem,omitempty"` // why it cannot be read
}

// Generations lists what is on disk, newest first, also where an error says that
// the live one cannot be read.
func (r *Runner) Generations() ([]Generation, error) {
	store := r.store()
	_, unreadable := r.current()
	if errors.Is(unreadable, generation.ErrNone) {
		unreadable = nil
	}
	live, _ := store.Live() // an error is in unreadable too
	numbers, err := store.Numbers()
	if err != nil {
		return nil, err
	}
	var all []Generation
	for _, n := range slices.Backward(numbers) {
		g, err := store.Get(n)
		if err != nil {
			all = append(all, Generation{Number: n, Live: n == live, Problem: err.Error()})
			continue
		}
		entry := Generation{Number: n, Live: n == live, Parent: g.Manifest.Parent, RunID: g.Manifest.RunID, Created: g.Manifest.Created}
		for _, t := range g.Manifest.Tables {
			entry.Rows += t.Rows
		}
		for _, f := range g.Manifest.Files() {
			entry.Bytes += f.Bytes
		}
		all = append(all, entry)
	}
	return all, unreadable
}

// Verified is what Verify looked at.
type Verified struct {
	Generation int      `json:"generation"`
	Files      int      `json:"files"`
	Tables     int      `json:"tables"`
	Rows       int64    `json:"rows"`
	Problems   []string `json:"problems,omitempty"`
}

// Verify recomputes every hash and count of the live generation, and compares
// the rows of Parquet, database and manifest.
func (r *Runner) Verify(ctx context.Context) (*Verified, error) {
	g, err := r.current()
	if err != nil {
		return nil, err
	}
	v := &Verified{Generation: g.Manifest.Generation}
	problems, files, err := g.CheckFiles()
	if err != nil {
		return nil, err
	}
	v.Files, v.Problems = files, problems
	db, err := database.OpenReadOnly(ctx, g.Database(), r.limits(""))
	if err != nil {
		v.Problems = append(v.Problems, err.Error())
		return v, nil
	}
	defer db.Close()
	for _, t := range append(allTables(), martTables()...) {
		n, problem := r.verifyTable(ctx, db, g, t)
		v.Tables++
		v.Rows += n
		if problem != nil {
			v.Problems = append(v.Problems, problem.Error())
		}
	}
	return v, nil
}

func martTables() []load.Table {
	var all []load.Table
	for _, m := range loadMarts() {
		all = append(all, m.Table)
	}
	return all
}

// verifyTable compares a table's rows in the database with those in its Parquet.
func (r *Runner) verifyTable(ctx context.Context, db *database.DB, g *generation.Generation, t load.Table) (int64, error) {
	entry := g.Manifest.Tables[t.Full()]
	var paths []string
	for _, folder := range slices.Sorted(maps.Keys(entry.Partitions)) {
		paths = append(paths, g.Path(entry.Partitions[folder]))
	}
	want := entry.Rows
	if f, ok := g.Manifest.Marts[t.Full()]; ok {
		paths, want = []string{g.Path(f)}, f.Rows
	}
	n, err := db.Compare(ctx, t, paths)
	if err != nil {
		return n, err
	}
	if n != want {
		return n, fmt.Errorf("table %s has %d rows, and the manifest says %d", t.Full(), n, want)
	}
	return n, nil
}
