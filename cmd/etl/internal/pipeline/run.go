package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/extract"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/load/runlog"
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

	past
	record    runlog.Record     // of this run, as it was written last
	decisions []ledger.Decision // of this run

	skip      map[string]bool // references of what a replay is to go on without
	replaying bool            // the rows come from the landing zone alone
	intact    *bool           // whether the parent's database is what was published; nil until asked
	remade    map[string]bool // tables that are made anew, not merged with the live ones
}

// Run runs pipelines and publishes what can be trusted. The report says what became of
// the run, also where this machine failed it; the error is of a run that did not begin.
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
	defer func() { run.close() }()
	if err := run.sameOrigin(); err != nil {
		return nil, err
	}
	if changed := run.changed(); len(changed) > 0 {
		run.close()
		if report, err := r.makeFit(ctx, changed); report != nil || err != nil {
			return report, err
		}
		fit, err := r.begin(request)
		if err != nil {
			return nil, err
		}
		run = fit
	}
	if err := run.beginRecord(announced(chosen)); err != nil {
		return nil, err
	}
	run.extract(ctx, chosen)
	return run.conclude(ctx), nil
}

// announced are the parts of a run that has not begun.
func announced(chosen []config.Pipeline) []*Leg {
	var legs []*Leg
	for _, cfg := range chosen {
		legs = append(legs, &Leg{Pipeline: cfg.Name, Source: cfg.Source, Stream: cfg.Stream, Status: Interrupted,
			Reason: "the program ended before the run did", VendorTotal: extract.Unknown})
	}
	return legs
}

// conclude publishes what the legs have brought, and writes down what became of the run.
func (r *run) conclude(ctx context.Context) *Report {
	err := r.publish(ctx)
	switch {
	case ctx.Err() != nil && r.build != nil:
		r.abandon(Interrupted, "stopped by the operator before it was published; what has landed is kept, and the next run publishes it")
	case err != nil && r.build != nil:
		r.logFault(err)
		r.report.Reason = err.Error()
		r.abandon(Failed, "nothing was published: "+err.Error())
	case err != nil:
		r.found("published, and then: %v", err)
	}
	report := r.finish()
	r.endRecord()
	return report
}

// fail writes down that a run which had begun ends before anything of it is published.
func (r *run) fail(err error) error {
	r.report.Reason = err.Error()
	r.abandon(Failed, err.Error())
	r.finish()
	r.endRecord()
	return err
}

// abandon says of a run whose generation did not become live that nothing of it is
// published. What has landed waits for the next run.
func (r *run) abandon(status Status, why string) {
	for _, l := range r.legs {
		l.Published = false
		if l.Status != Failed {
			l.worsen(status, why)
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
	last, err := run.newestRun()
	if err != nil {
		return nil, err
	}
	if run.id, err = run.zone.NewRunID(run.now, last); err != nil {
		return nil, err
	}
	run.sweep()
	if err := run.repeatRollback(); err != nil {
		return nil, err
	}
	if run.build, err = run.store.Begin(run.parent); err != nil {
		return nil, err
	}
	run.pool = partition.NewPool(r.Budget().Rows)
	run.report = &Report{RunID: run.id, Mode: request.Mode(), Started: run.now, Warehouse: r.Config.Warehouse, version: r.Version}
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
		r.build = nil
	}
}

// extract walks the legs one after another. What fails a leg is that leg's alone.
func (r *run) extract(ctx context.Context, chosen []config.Pipeline) {
	k := newKnown(r)
	defer k.close()
	for _, cfg := range chosen {
		l, _ := r.do(ctx, cfg, func(l *leg) error {
			l.stream = streams[streamKey(cfg.Source, cfg.Stream)].open(&opener{run: r, pipeline: cfg, known: k})
			l.observe = k.observe
			r.Log.Info("pipeline starts", "pipeline", cfg.Name, "run", r.id)
			return l.extract(ctx)
		})
		r.Log.Log(ctx, l.logLevel(), "pipeline walked", "pipeline", cfg.Name, "status", l.Status, "reason", l.Reason, "requests", l.Requests)
	}
}

// do opens a leg and has it work, unless the run is stopped. Whatever comes of that is
// in the leg, which is part of the report also where it could not be opened.
func (r *run) do(ctx context.Context, cfg config.Pipeline, work func(*leg) error) (*leg, error) {
	l, err := r.open(cfg)
	r.legs = append(r.legs, l)
	r.report.Pipelines = append(r.report.Pipelines, l.Leg)
	if err == nil {
		if err = ctx.Err(); err == nil {
			err = work(l)
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		l.blame(err)
	case err != nil:
		l.fail(err)
	}
	l.Finished = time.Now().UTC()
	return l, err
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
	r.report.advise()
	r.report.Finished = time.Now().UTC()
	return r.report
}

// bookmark returns the live bookmark of a stream, nil for none.
func (r *run) bookmark(source, stream string) extract.Bookmark {
	standing, err := r.standing(source, stream)
	if err != nil {
		return nil
	}
	return extract.Bookmark(standing.Bookmark)
}

func (r *run) concurrency(p config.Pipeline) int {
	wire, _ := r.Config.Sources.Wire(p.Source)
	return max(1, wire.Concurrency)
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

func (silent) Start(string, int, int) {}
func (silent) Window(string)          {}
func (silent) Page(string, int64)     {}
func (silent) Stage(string)           {}
func (silent) Done()                  {}

// streamKey names a landed stream in the manifest.
func streamKey(source, stream string) string { return source + "/" + stream }
