package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/database"
)

// Plan is what a run would ask of one pipeline's vendor.
type Plan struct {
	Pipeline string           `json:"pipeline"`
	Source   string           `json:"source"`
	Stream   string           `json:"stream"`
	Calls    int              `json:"calls"`  // requests expected; zero if unknown
	Adopts   int              `json:"adopts"` // landed runs that would be taken over
	Windows  []extract.Window `json:"windows"`
	// Rebuild says which settings have changed that rows depend on: the tables are made
	// anew first.
	Rebuild []string `json:"rebuild,omitempty"`
}

// Plan says what Run would do, and does nothing of it: no socket is opened and
// no file is written.
func (r *Runner) Plan(ctx context.Context, request Request) ([]Plan, error) {
	chosen, err := r.selected(request.Pipelines)
	if err != nil {
		return nil, err
	}
	run, err := r.look(request)
	if err != nil {
		return nil, err
	}
	defer run.holdings.Close()
	var plans []Plan
	for _, cfg := range chosen {
		about, err := streams.Of(cfg.Ref())
		if err != nil {
			return nil, err
		}
		windows, err := about.Open(run.opener(cfg, run.At)).Plan(ctx, run.ask(about, cfg, run.At))
		if err != nil {
			return nil, err
		}
		waiting, err := run.Pending(cfg.Ref())
		if err != nil {
			return nil, err
		}
		p := Plan{Pipeline: cfg.Name, Source: cfg.Source, Stream: cfg.Stream, Adopts: len(waiting), Windows: windows, Rebuild: run.Changed()}
		for i := range windows {
			w := &windows[i]
			if w.Calls == 0 {
				w.Calls = run.holdings.Calls(ctx, about, *w)
			}
			p.Calls += w.Calls
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// look is a run that only looks: it holds no lock and builds nothing.
func (r *Runner) look(request Request) (*run, error) {
	view, err := r.Look(false)
	if err != nil {
		return nil, err
	}
	return &run{View: view, base: r.Base, request: request, holdings: view.Holdings("")}, nil
}

// ask is what the run wants of a pipeline's stream.
func (r *run) ask(about *streams.Stream, cfg config.Pipeline, now time.Time) extract.Ask {
	ask := extract.Ask{Now: now, From: r.request.From, To: r.request.To, Full: r.request.Full}
	if b := r.Bookmark(cfg.Ref()); b != nil {
		ask.Bookmark = b
		ask.Newest = func(ctx context.Context) (time.Time, error) { return r.newest(ctx, about, cfg) }
	}
	return ask
}

// newest tells when the newest record of a pipeline's stream that the warehouse
// holds came to be. It is asked where the bookmark is ahead of the clock.
func (r *run) newest(ctx context.Context, about *streams.Stream, cfg config.Pipeline) (newest time.Time, err error) {
	column := about.Changed
	if column == "" {
		return newest, nil
	}
	table := warehouse.Table(about.Tables[0])
	var micros int64
	err = r.AskLive(ctx, r.scratch(), func(db *database.DB) error {
		return db.Scalar(ctx, fmt.Sprintf("SELECT coalesce(epoch_us(max(%[1]s)), 0) FROM %[2]s WHERE %[1]s <= %[3]s",
			column, database.Name(table), database.Instant(r.At)), &micros)
	})
	if err != nil {
		return newest, fmt.Errorf("read the newest record of %s: %w", table.Full(), err)
	}
	if micros != 0 {
		newest = time.UnixMicro(micros).UTC()
	}
	r.Log.Warn("the bookmark is ahead of the clock, as one of a clock that was ahead; the pipeline goes on from its newest record",
		"pipeline", cfg.Name, "now", r.At, "newest", newest)
	return newest, nil
}

// Checked is what the online check found of one pipeline.
type Checked struct {
	Pipeline string            `json:"pipeline"`
	Findings []extract.Finding `json:"findings,omitempty"`
	Error    string            `json:"error,omitempty"` // why the vendor could not be asked
}

// CheckOnline signs in to the source of every chosen pipeline and compares the
// vendor's schema with what the pipeline asks.
func (r *Runner) CheckOnline(ctx context.Context, names []string) ([]Checked, error) {
	chosen, err := r.selected(names)
	if err != nil {
		return nil, err
	}
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	defer run.holdings.Close()
	var all []Checked
	shut := map[string]string{} // why nothing can be asked, by source
	for _, cfg := range chosen {
		c := Checked{Pipeline: cfg.Name, Error: shut[cfg.Source]}
		if c.Error != "" {
			all = append(all, c)
			continue
		}
		about, err := streams.Of(cfg.Ref())
		if err != nil {
			return nil, err
		}
		if checker, ok := about.Open(run.opener(cfg, run.At)).(extract.Checker); ok {
			if c.Findings, err = checker.Check(ctx); err != nil {
				shut[cfg.Source] = about.Shut(r.Config.Path, err)
				c.Error = cmp.Or(shut[cfg.Source], err.Error())
			}
		}
		all = append(all, c)
	}
	return all, nil
}
