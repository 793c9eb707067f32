// Package pipeline runs pipelines: it walks the vendors' streams, lands their pages, has
// the rows staged, and hands them over to be published. A replay does the same with what
// has landed before.
//
// Glossary. A run is one call of the program for one or more pipelines; it
// commits at most one generation, and its outcome is its summary. A leg is one
// pipeline's part in a run: it adopts what earlier runs have landed and not published,
// walks the windows that are left, lands their pages, and stages the rows they hold. A
// leg whose rows can be trusted is published with the run's generation; one that cannot
// is held or incomplete, its pages stay in the landing zone, and its tables stay as they
// were. A leg has drifted where the vendor's schema lacks fields that columns are
// made of: its pages were not asked for them, and the columns keep what they last
// held.
package pipeline

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
)

// Runner runs the pipelines of one configuration. Its methods may not be called
// at the same time.
type Runner struct {
	*warehouse.Site
	Progress Progress          // nil: none
	Base     http.RoundTripper // nil: the network
	// WaitUntil returns at a time, or when ctx ends; nil: no run waits for the turns of its
	// pipelines.
	WaitUntil func(ctx context.Context, at time.Time)
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
	Turns     []Turn    // in place of Pipelines, for the scheduler: in the order in which they are walked
	Full      bool
	Accept    bool // publish what this run brings in spite of the gates

	anew bool      // nothing of the live generation is needed, so that it need not be readable
	only ref.RunID // the one landed run that is to be published; nobody is asked for more
}

// Turn is a pipeline's part in a run of the scheduler.
type Turn struct {
	Pipeline string
	Due      time.Time // by its schedule; the summary names it
	At       time.Time // the pipeline is not walked before
}

// Mode says in one word what kind of run it is.
func (q Request) Mode() string {
	switch {
	case q.Full:
		return ledger.Full
	case !q.From.IsZero():
		return ledger.Backfill
	}
	return ledger.Nightly
}

// chosen returns the pipelines of a request, in the order in which a run walks them.
func (r *Runner) chosen(q Request) ([]config.Pipeline, error) {
	if len(q.Turns) == 0 {
		return r.selected(q.Pipelines)
	}
	var all []config.Pipeline
	for _, turn := range q.Turns {
		one, err := r.selected([]string{turn.Pipeline})
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// selected returns the pipelines that a request names, in the order in which a run walks
// them: a stream that others learn from comes first, and what others depend on before
// them.
func (r *Runner) selected(names []string) ([]config.Pipeline, error) {
	var chosen []config.Pipeline
	if len(names) == 0 {
		chosen = r.Config.Enabled()
		if len(chosen) == 0 {
			return nil, &warehouse.UsageError{Problem: "no pipeline is enabled in " + r.Config.Path}
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		i := slices.IndexFunc(r.Config.Pipelines, func(p config.Pipeline) bool { return p.Name == name })
		if i < 0 {
			return nil, &warehouse.UsageError{Problem: fmt.Sprintf("there is no pipeline %q; %s has %s", name, r.Config.Path, pipelineNames(r.Config.Pipelines))}
		}
		if !r.Config.Pipelines[i].Enabled {
			return nil, &warehouse.UsageError{Problem: fmt.Sprintf("pipeline %q is not enabled (%s:%d)", name, r.Config.Path, r.Config.Pipelines[i].Line)}
		}
		chosen = append(chosen, r.Config.Pipelines[i])
	}
	slices.SortStableFunc(chosen, func(a, b config.Pipeline) int { return streams.Order(a) - streams.Order(b) })
	return dependent(chosen), nil
}

// dependent puts pipelines behind those that they depend on, and else leaves their order.
func dependent(all []config.Pipeline) []config.Pipeline {
	var sorted []config.Pipeline
	seen := map[string]bool{}
	var visit func(config.Pipeline)
	visit = func(p config.Pipeline) {
		if seen[p.Name] {
			return
		}
		seen[p.Name] = true
		for _, first := range all {
			if streams.Before(first, p) {
				visit(first)
			}
		}
		sorted = append(sorted, p)
	}
	for _, p := range all {
		visit(p)
	}
	return sorted
}

func pipelineNames(all []config.Pipeline) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return fmt.Sprint(names)
}

// silent is the Progress of a run that nobody watches.
type silent struct{}

func (silent) Start(string, int, int) {}
func (silent) Window(string)          {}
func (silent) Page(string, int64)     {}
func (silent) Stage(string)           {}
func (silent) Done()                  {}
