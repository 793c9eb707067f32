// Package pipeline joins extract, transform and load: it runs pipelines into a
// warehouse, and reads the warehouse for those who operate it.
//
// Glossary. A run is one call of the program for one or more pipelines; it
// commits at most one generation. A leg is one pipeline's part in a run: it
// adopts what earlier runs have landed and not published, walks the windows that
// are left, lands their pages, and stages the rows they hold. A leg whose rows
// can be trusted is published with the run's generation; one that cannot is held
// or incomplete, its pages stay in the landing zone, and its tables stay as they
// were. A leg has drifted where the vendor's schema lacks fields that columns are
// made of: its pages were not asked for them, and the columns keep what they last
// held.
package pipeline

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/budget"
	"nightjar/cmd/etl/internal/config"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/lock"
)

// Runner runs the pipelines of one configuration. Its methods may not be called
// at the same time.
type Runner struct {
	Config   *config.Config
	Version  string            // of the program, for records
	Log      *slog.Logger      // for the operator
	Progress Progress          // nil: none
	Base     http.RoundTripper // nil: the network
	Memory   int64             // bytes that the process may take; zero: what Config says
	Now      func() time.Time  // read once a run
}

// Progress is told how a run gets on. Its methods are called from one goroutine
// at a time.
type Progress interface {
	// Start announces a leg, its windows, and the requests it expects, zero if
	// unknown.
	Start(pipeline string, windows, requests int)
	// Page tells of the records of one landed page.
	Page(pipeline string, rows int64)
	// Window tells that a window of the leg is done.
	Window(pipeline string)
	// Stage names what the run does when no leg is walking: "merge", "database".
	Stage(what string)
	// Done ends the leg or the stage that was started last.
	Done()
}

// Request is what one run is asked for.
type Request struct {
	Pipelines []string  // names; empty: all that are enabled
	From, To  time.Time // a backfill of [From, To); both zero for a nightly run
	Full      bool
	Accept    bool // publish what this run brings in spite of the gates

	anew bool   // nothing of the live generation is needed, so that it need not be readable
	only string // the one landed run that is to be published; nobody is asked for more
}

// backfill is the mode of a run that names its own interval. It leaves the bookmark
// where it is.
const backfill = "backfill"

// Mode says in one word what kind of run it is.
func (q Request) Mode() string {
	switch {
	case q.Full:
		return "full"
	case !q.From.IsZero():
		return backfill
	}
	return "nightly"
}

// UsageError says that a request makes no sense with this configuration.
type UsageError struct{ Problem string }

func (e *UsageError) Error() string { return e.Problem }

func (r *Runner) zone() (*landing.Zone, error) {
	return landing.Open(filepath.Join(r.Config.Warehouse, "landing"))
}

func (r *Runner) store() *generation.Store { return generation.Open(r.Config.Warehouse) }

func (r *Runner) acquire() (func() error, error) { return lock.Acquire(r.lockPath()) }

func (r *Runner) lockPath() string { return filepath.Join(r.Config.Warehouse, "lock") }

// Budget is what the parts of the process may take.
func (r *Runner) Budget() budget.Budget {
	return budget.Divide(cmp.Or(r.Memory, r.Config.Memory), runtime.GOMAXPROCS(0))
}

// limits are those of a database that spills to a folder in temp; where that is
// empty, in the system's place.
func (r *Runner) limits(temp string) database.Limits {
	b := r.Budget()
	return database.Limits{Memory: b.DuckDB, Threads: b.Threads, Temp: temp}
}

// fits says where the container leaves too little memory for a run. What only
// looks does with less.
func (r *Runner) fits() error {
	if r.Memory == 0 || r.Memory >= budget.Floor {
		return nil
	}
	return &UsageError{fmt.Sprintf("the container leaves the program %dMB of memory, too little for a run; want a limit of %dMB or more",
		r.Memory/1e6, (budget.LeastLimit()+1e6-1)/1e6)}
}

// selected returns the pipelines that a request names, in the order in which a
// run walks them: a stream that others learn from comes first.
func (r *Runner) selected(names []string) ([]config.Pipeline, error) {
	var chosen []config.Pipeline
	if len(names) == 0 {
		chosen = r.Config.Enabled()
		if len(chosen) == 0 {
			return nil, &UsageError{"no pipeline is enabled in " + r.Config.Path}
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		i := slices.IndexFunc(r.Config.Pipelines, func(p config.Pipeline) bool { return p.Name == name })
		if i < 0 {
			return nil, &UsageError{fmt.Sprintf("there is no pipeline %q; %s has %s", name, r.Config.Path, pipelineNames(r.Config.Pipelines))}
		}
		if !r.Config.Pipelines[i].Enabled {
			return nil, &UsageError{fmt.Sprintf("pipeline %q is not enabled (%s:%d)", name, r.Config.Path, r.Config.Pipelines[i].Line)}
		}
		chosen = append(chosen, r.Config.Pipelines[i])
	}
	slices.SortStableFunc(chosen, func(a, b config.Pipeline) int {
		return streams[a.Source+"/"+a.Stream].order - streams[b.Source+"/"+b.Stream].order
	})
	return chosen, nil
}

func pipelineNames(all []config.Pipeline) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return fmt.Sprint(names)
}
