package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/load/database"
	"nightjar/load/generation"
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
	k := newKnown(run)
	defer k.close()
	var plans []Plan
	for _, cfg := range chosen {
		stream := streams[cfg.Ref()].open(&opener{run: run, pipeline: cfg, known: k})
		windows, err := stream.Plan(ctx, run.ask(cfg))
		if err != nil {
			return nil, err
		}
		waiting, err := run.pending(cfg.Ref())
		if err != nil {
			return nil, err
		}
		p := Plan{Pipeline: cfg.Name, Source: cfg.Source, Stream: cfg.Stream, Adopts: len(waiting), Windows: windows, Rebuild: run.changed()}
		for i := range windows {
			w := &windows[i]
			if w.Calls == 0 {
				w.Calls = k.calls(ctx, cfg, *w)
			}
			p.Calls += w.Calls
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// look is a run that only looks: it holds no lock and builds nothing.
func (r *Runner) look(request Request) (*run, error) {
	zone, err := r.zone()
	if err != nil {
		return nil, err
	}
	run := &run{Runner: r, request: request, zone: zone, store: r.store(), now: r.Now().UTC().Truncate(time.Microsecond), progress: silent{}}
	run.parent, err = r.current()
	switch {
	case err == nil, errors.Is(err, generation.ErrNone):
	case request.anew && !errors.Is(err, fs.ErrPermission):
		r.Log.Warn("the live generation is not looked at: all is rebuilt from the landing zone, but for the record of earlier runs", "error", err)
	default:
		return nil, err
	}
	return run, run.remember()
}

// ask is what the run wants of a pipeline's stream.
func (r *run) ask(cfg config.Pipeline) extract.Ask {
	ask := extract.Ask{Now: r.now, From: r.request.From, To: r.request.To, Full: r.request.Full}
	if b := r.bookmark(cfg.Ref()); b != nil {
		ask.Bookmark = b
		ask.Newest = func(ctx context.Context) (time.Time, error) { return r.newest(ctx, cfg) }
	}
	return ask
}

// newest tells when the newest record of a pipeline's stream that the warehouse
// holds came to be. It is asked where the bookmark is ahead of the clock.
func (r *run) newest(ctx context.Context, cfg config.Pipeline) (newest time.Time, err error) {
	column := streams[cfg.Ref()].changed
	if column == "" {
		return newest, nil
	}
	db, err := r.openLive(ctx, r.parent)
	if err != nil {
		return newest, err
	}
	defer db.Close()
	table := transforms[cfg.Ref()].Tables[0]
	var micros int64
	err = db.Scalar(ctx, fmt.Sprintf("SELECT coalesce(epoch_us(max(%[1]s)), 0) FROM %[2]s WHERE %[1]s <= %[3]s",
		column, database.Name(loadTable(table)), instant(r.now)), &micros)
	if err != nil {
		return newest, fmt.Errorf("read the newest record of %s: %w", table.Full(), err)
	}
	if micros != 0 {
		newest = time.UnixMicro(micros).UTC()
	}
	r.Log.Warn("the bookmark is ahead of the clock, as one of a clock that was ahead; the pipeline goes on from its newest record",
		"pipeline", cfg.Name, "now", r.now, "newest", newest)
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
	k := newKnown(run)
	defer k.close()
	var all []Checked
	shut := map[string]string{} // why nothing can be asked, by source
	for _, cfg := range chosen {
		c := Checked{Pipeline: cfg.Name, Error: shut[cfg.Source]}
		if c.Error != "" {
			all = append(all, c)
			continue
		}
		stream := streams[cfg.Ref()].open(&opener{run: run, pipeline: cfg, known: k})
		if checker, ok := stream.(extract.Checker); ok {
			if c.Findings, err = checker.Check(ctx); err != nil {
				shut[cfg.Source] = r.shut(cfg.Source, err)
				c.Error = cmp.Or(shut[cfg.Source], err.Error())
			}
		}
		all = append(all, c)
	}
	return all, nil
}
