package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/transform"
)

// run is one run under way.
type run struct {
	*Runner
	request  Request
	id       string
	now      time.Time
	zone     *landing.Zone
	store    *generation.Store
	parent   *generation.Generation // live before the run; nil for none
	build    *generation.Build
	pool     *partition.Pool
	legs     []*leg
	report   *Report
	progress Progress

	skip      map[string]bool // references of what a replay is to go on without
	replaying bool            // the rows come from the landing zone alone
	intact    *bool           // whether the parent's database is what was published; nil until asked
	remade    map[string]bool // tables that are made anew, not merged with the live ones
}

// Run runs pipelines and publishes what can be trusted. The report is complete
// whenever it is not nil; the error is of this machine or of the request, not of
// a vendor: what a vendor does is in the report.
func (r *Runner) Run(ctx context.Context, request Request) (report *Report, err error) {
	defer func() { r.logFault(err) }()
	chosen, err := r.selected(request.Pipelines)
	if err != nil {
		return nil, err
	}
	release, err := r.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.begin(request)
	if err != nil {
		return nil, err
	}
	defer run.close()
	if err := run.sameOrigin(); err != nil {
		return nil, err
	}
	if err := run.extract(ctx, chosen); err != nil {
		return nil, err
	}
	if err := run.publish(ctx); err != nil && ctx.Err() == nil {
		return nil, err
	}
	if ctx.Err() != nil && run.build != nil {
		run.abandon()
	}
	return run.finish(), nil
}

// abandon says of a run that was stopped before its generation was live that nothing
// of it is published. What has landed waits for the next run.
func (r *run) abandon() {
	for _, l := range r.legs {
		l.Published = false
		if l.Status != Failed {
			l.worsen(Interrupted, "stopped by the operator before it was published; what has landed is kept, and the next run publishes it")
		}
	}
}

// begin opens the warehouse for a run. The caller holds the lock.
func (r *Runner) begin(request Request) (*run, error) {
	if err := r.fits(); err != nil {
		return nil, err
	}
	run, err := r.look(request)
	if err != nil {
		return nil, err
	}
	if err := run.share(); err != nil {
		return nil, err
	}
	run.remade = map[string]bool{}
	if r.Progress != nil {
		run.progress = r.Progress
	}
	if run.id, err = run.zone.NewRunID(run.now); err != nil {
		return nil, err
	}
	run.sweep()
	if run.build, err = run.store.Begin(run.parent); err != nil {
		return nil, err
	}
	run.pool = partition.NewPool(r.Budget().Rows)
	run.report = &Report{RunID: run.id, Mode: request.Mode(), Started: run.now, Warehouse: r.Config.Warehouse}
	if run.parent != nil {
		run.report.Parent = run.parent.Manifest.Generation
	}
	return run, nil
}

// scratch is the folder of the run's temporary files; empty where it builds nothing.
func (r *run) scratch() string {
	if r.build == nil {
		return ""
	}
	return r.build.Scratch()
}

// close removes what the run has not committed.
func (r *run) close() {
	for _, l := range r.legs {
		l.close()
	}
	if r.build != nil {
		if err := r.build.Abandon(); err != nil {
			r.Log.Warn("the unfinished generation could not be removed; the next run will", "error", err)
		}
	}
}

// extract walks the legs one after another.
func (r *run) extract(ctx context.Context, chosen []config.Pipeline) error {
	k := newKnown(r)
	defer k.close()
	for _, cfg := range chosen {
		l, err := r.open(cfg)
		if err != nil {
			return err
		}
		r.legs = append(r.legs, l)
		r.report.Pipelines = append(r.report.Pipelines, l.Leg)
		if ctx.Err() != nil {
			l.blame(ctx.Err())
			l.Finished = l.Started
			continue
		}
		l.stream = streams[cfg.Source+"/"+cfg.Stream].open(&opener{run: r, pipeline: cfg, known: k})
		l.observe = k.observe
		r.Log.Info("pipeline starts", "pipeline", cfg.Name, "run", r.id)
		if err := l.extract(ctx); err != nil {
			return err
		}
		r.Log.Log(ctx, l.logLevel(), "pipeline walked", "pipeline", cfg.Name, "status", l.Status, "reason", l.Reason, "requests", l.Requests)
	}
	return nil
}

// logLevel is for the end of a leg: a warning, unless all is well or an earlier leg
// has said the same.
func (l *leg) logLevel() slog.Level {
	if l.Status == Complete || l.repeats {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// finish closes the report.
func (r *run) finish() *Report {
	r.report.settle()
	r.report.Finished = time.Now().UTC()
	return r.report
}

// bookmark returns the live bookmark of a stream.
func (r *run) bookmark(source, stream string) (generation.Bookmark, bool) {
	if r.parent == nil {
		return generation.Bookmark{}, false
	}
	b, ok := r.parent.Manifest.Bookmarks[streamKey(source, stream)]
	if ok {
		b.Value = json.RawMessage(compactJSON(b.Value))
	}
	return b, ok
}

// landed returns which landed runs of a stream are in the live tables.
func (r *run) landed(source, stream string) generation.Landed {
	if r.parent == nil {
		return generation.Landed{}
	}
	return r.parent.Manifest.Landed[source+"/"+stream]
}

// pending lists the landed runs of a stream that are in no generation and may
// be: those that died, failed or were stopped before they published. Held and
// incomplete runs are listed apart, unless the request accepts them.
func (r *run) pending(source, stream string) (waiting, held []*landing.Run, err error) {
	ids, err := r.zone.RunIDs(source, stream)
	if err != nil {
		return nil, nil, err
	}
	live := r.landed(source, stream)
	for _, id := range ids {
		if live.Holds(id) {
			continue
		}
		l, err := r.zone.Run(source, stream, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it died before it said anything
		}
		if err != nil {
			return nil, nil, err
		}
		if withheld(l) && !r.request.Accept {
			held = append(held, l)
		} else {
			waiting = append(waiting, l)
		}
	}
	return waiting, held, nil
}

// withheld reports whether a landed run waits for someone's word. One that has
// written waits for nobody because rows are missing: it is published as it is.
func withheld(l *landing.Run) bool {
	status := landing.StatusFailed
	if l.End != nil {
		status = l.End.Status
	}
	for _, m := range l.Marks {
		status = m.Status
	}
	return status == landing.StatusHeld || status == landing.StatusIncomplete && !writes(l.Header.Source, l.Header.Stream)
}

func (r *run) concurrency(p config.Pipeline) int {
	return max(1, wire(r.Config.Sources, p.Source).Concurrency)
}

func (r *Runner) transformOptions() transform.Options {
	o := transform.Options{Location: r.Config.Timezone, DurationUnit: time.Millisecond}
	if s := r.Config.Sources.Aircall; s != nil {
		o.DurationUnit = cmp.Or(s.DurationUnit, time.Millisecond)
	}
	return o
}

// silent is the Progress of a run that nobody watches.
type silent struct{}

func (silent) Start(string, int, int)    {}
func (silent) Window(string)             {}
func (silent) Page(string, int64, int64) {}
func (silent) Stage(string)              {}
func (silent) Done()                     {}

// streamKey names a landed stream in the manifest.
func streamKey(source, stream string) string { return source + "/" + stream }
