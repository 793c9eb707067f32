package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/load"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/transform"
)

// Generation is one generation as `etl generations` lists it.
type Generation struct {
	Number  int       `json:"generation"`
	Live    bool      `json:"live"`
	Parent  int       `json:"parent,omitempty"`
	RunID   string    `json:"run_id"`
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

// Rollback makes generation n live again; zero is the one that the live one was
// built on, or the newest before it that is left.
// It returns the numbers of the generations that were and are live; where nobody
// can tell which one was, that is zero.
func (r *Runner) Rollback(n int) (from, to int, err error) {
	release, err := r.acquire()
	if err != nil {
		return 0, 0, err
	}
	defer release()
	from, before, err := r.before()
	if err != nil && (n == 0 || errors.Is(err, generation.ErrNone)) {
		return 0, 0, err
	}
	if n == 0 {
		n = before
	}
	numbers, err := r.store().Numbers()
	if err != nil {
		return 0, 0, err
	}
	if !slices.Contains(numbers, n) {
		return 0, 0, &UsageError{fmt.Sprintf("there is no generation %d; there are %v", n, numbers)}
	}
	return from, n, r.mended(r.store().SetCurrent(n))
}

// before tells which generation is live, and which one it can be rolled back to.
func (r *Runner) before() (live, before int, err error) {
	live, err = r.store().Live()
	if err != nil {
		return 0, 0, r.mended(err)
	}
	if g, err := r.store().Get(live); err == nil {
		if _, err := r.store().Get(g.Manifest.Parent); err == nil {
			return live, g.Manifest.Parent, nil
		}
	}
	if before = r.newestReadable(live); before != 0 {
		return live, before, nil
	}
	if _, err := r.store().Get(live); err != nil {
		return live, 0, r.mended(err)
	}
	return live, 0, &UsageError{fmt.Sprintf("generation %d is the oldest there is: there is nothing to roll back to", live)}
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

// State is what `etl status` shows.
type State struct {
	Warehouse  string          `json:"warehouse"`
	Generation int             `json:"generation"` // live; zero for none
	Created    time.Time       `json:"created,omitzero"`
	Pipelines  []PipelineState `json:"pipelines"`
}

// PipelineState is how one pipeline stands.
type PipelineState struct {
	Pipeline  string    `json:"pipeline"`
	Enabled   bool      `json:"enabled"`
	Last      *LastRun  `json:"last_run,omitempty"` // the last one that was published
	Bookmark  string    `json:"bookmark,omitempty"`
	FreshAsOf time.Time `json:"fresh_as_of,omitzero"` // when its newest published page was whole
	Next      time.Time `json:"next_run,omitzero"`
	Waiting   []Waiting `json:"waiting,omitempty"` // landed runs that are not published
	// Unknown are the writes of which nobody knows whether they were done.
	Unknown []UnknownRequest `json:"unknown,omitempty"`
}

// LastRun is a row of etl.runs in short.
type LastRun struct {
	RunID   string    `json:"run_id"`
	Started time.Time `json:"started"`
	Status  string    `json:"status"`
	Reason  string    `json:"reason,omitempty"` // of a status other than complete
	Fetched int64     `json:"fetched"`
	New     int64     `json:"rows_new"`
	Changed int64     `json:"rows_changed"`
}

// Waiting is a landed run that is not in the tables.
type Waiting struct {
	RunID  string `json:"run_id"`
	Status string `json:"status"` // held, incomplete, failed, or died
	Reason string `json:"reason,omitempty"`
}

// Status reads how the warehouse and its pipelines stand.
func (r *Runner) Status(ctx context.Context) (*State, error) {
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	state := &State{Warehouse: r.Config.Warehouse}
	last := map[string]*LastRun{}
	if run.parent != nil {
		state.Generation, state.Created = run.parent.Manifest.Generation, run.parent.Manifest.Created
		if last, err = r.lastRuns(ctx, run.parent); err != nil {
			r.Log.Warn("the last runs cannot be told", "error", err)
		}
	}
	k := newKnown(run)
	defer k.close()
	for _, p := range r.Config.Pipelines {
		s := PipelineState{Pipeline: p.Name, Enabled: p.Enabled, Last: last[p.Name]}
		if p.Enabled {
			s.Next = p.Schedule.Next(run.now)
		}
		if loader, _ := r.Config.Loader(p.Source, p.Stream); loader.Name == p.Name {
			if err := run.describe(&s, p); err != nil {
				return nil, err
			}
		}
		if writes(p.Source, p.Stream) {
			if s.Unknown, err = k.unknown(ctx, p.RetryUnknown); err != nil {
				return nil, err
			}
		}
		state.Pipelines = append(state.Pipelines, s)
	}
	return state, nil
}

// describe says how the stream of a pipeline stands. Of several entries for a
// stream, only the one that loads it has anything to say of that.
func (r *run) describe(s *PipelineState, p config.Pipeline) error {
	s.FreshAsOf = r.landed(p.Source, p.Stream).At
	if b, ok := r.bookmark(p.Source, p.Stream); ok {
		s.Bookmark = string(b.Value)
	}
	var err error
	s.Waiting, err = r.waiting(p)
	return err
}

func (r *run) waiting(p config.Pipeline) ([]Waiting, error) {
	runs, held, err := r.pending(p.Source, p.Stream)
	if err != nil {
		return nil, err
	}
	var all []Waiting
	for _, l := range append(runs, held...) {
		all = append(all, waitingOf(l))
	}
	slices.SortFunc(all, func(a, b Waiting) int { return strings.Compare(a.RunID, b.RunID) })
	return all, nil
}

func waitingOf(l *landing.Run) Waiting {
	w := Waiting{RunID: l.Header.RunID, Status: "died", Reason: "the next run takes over what it landed"}
	if l.End != nil {
		w.Status, w.Reason = string(l.End.Status), l.End.Reason
	}
	for _, m := range l.Marks {
		w.Status, w.Reason = string(m.Status), m.Reason
	}
	if l.Damage != nil {
		w.Reason = strings.TrimPrefix(w.Reason+"; "+l.Damage.Error()+", and what stands behind is asked for again", "; ")
	}
	return w
}

// lastRuns reads the last published run of each pipeline from the Parquet, which
// is little to read and cannot have been changed unseen.
func (r *Runner) lastRuns(ctx context.Context, g *generation.Generation) (map[string]*LastRun, error) {
	db, err := r.openParquet(ctx, g, []load.Table{loadTable(transform.Runs())})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query(ctx, `SELECT pipeline, run_id, started_at, status, coalesce(reason, ''), fetched, rows_new, rows_changed FROM etl.runs
		QUALIFY row_number() OVER (PARTITION BY pipeline ORDER BY run_id DESC) = 1`)
	if err != nil {
		return nil, fmt.Errorf("read etl.runs: %w", err)
	}
	defer rows.Close()
	last := map[string]*LastRun{}
	for rows.Next() {
		var name string
		l := new(LastRun)
		if err := rows.Scan(&name, &l.RunID, &l.Started, &l.Status, &l.Reason, &l.Fetched, &l.New, &l.Changed); err != nil {
			return nil, fmt.Errorf("read etl.runs: %w", err)
		}
		last[name] = l
	}
	return last, rows.Err()
}
