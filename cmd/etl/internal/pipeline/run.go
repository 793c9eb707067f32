package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/publish"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/load/ref"
)

// run is one run under way: its legs, one after another, and then the generation that is
// made of them.
type run struct {
	*warehouse.View
	base     http.RoundTripper                // nil: the network
	until    func(context.Context, time.Time) // waits for a turn; nil: nobody does
	request  Request
	record   *warehouse.Record
	build    *generation.Build
	pool     *partition.Pool
	holdings *streams.Holdings
	legs     []*leg
	summary  *summary.Summary
	progress Progress

	skip      map[ref.Page]bool // what a replay is to go on without
	replaying bool              // the rows come from the landing zone alone
	remade    map[string]bool   // tables that are made anew, not merged with the live ones
}

// begin opens the warehouse for a run. The caller holds the lock.
func (r *Runner) begin(request Request) (*run, error) {
	if err := r.Fits(); err != nil {
		return nil, err
	}
	view, err := r.Look(request.anew)
	if err != nil {
		return nil, err
	}
	run := &run{View: view, base: r.Base, until: r.WaitUntil, request: request, progress: silent{}, remade: map[string]bool{}}
	if r.Progress != nil {
		run.progress = r.Progress
	}
	if err := run.Share(); err != nil {
		return nil, err
	}
	if run.record, err = run.NewRecord(); err != nil {
		return nil, err
	}
	run.Sweep()
	if err := run.RepeatRollback(); err != nil {
		return nil, err
	}
	if run.build, err = run.Store.Begin(run.Live); err != nil {
		return nil, err
	}
	run.pool = partition.NewPool(r.Budget().Rows)
	run.holdings = run.Holdings(run.build.Scratch())
	run.summary = &summary.Summary{RunID: run.record.ID, Mode: request.Mode(), Started: run.At, Warehouse: r.Config.Warehouse, Version: r.Version}
	if run.Live != nil {
		run.summary.Parent = run.Live.Manifest.Generation
	}
	return run, nil
}

// announce writes down what the run is about to do.
func (r *run) announce(chosen []config.Pipeline) error {
	var legs []*summary.Leg
	for i, cfg := range chosen {
		l := warehouse.Announced(cfg)
		l.Due = r.due(i)
		legs = append(legs, l)
	}
	return r.record.Begin(*r.summary, legs)
}

// due is the time of the schedule that leg i is run for; zero for a run by hand.
func (r *run) due(i int) time.Time {
	if i < len(r.request.Turns) {
		return r.request.Turns[i].Due
	}
	return time.Time{}
}

// opener is what the stream of a pipeline is opened with.
func (r *run) opener(cfg config.Pipeline, now time.Time) *streams.Opener {
	o := r.Opener(cfg, r.holdings)
	o.Now = now
	o.Base = r.base
	return o
}

// do opens a leg and has it work, unless the run is stopped. Whatever comes of that is
// in the leg, which is part of the summary also where it could not be opened.
func (r *run) do(ctx context.Context, cfg config.Pipeline, work func(*leg) error) (*leg, error) {
	l, err := r.open(cfg)
	l.Due = r.due(len(r.legs))
	r.legs = append(r.legs, l)
	r.summary.Pipelines = append(r.summary.Pipelines, l.Leg)
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

// conclude publishes what the legs have brought, and writes down what became of the run.
func (r *run) conclude(ctx context.Context) *summary.Summary {
	err := r.publish(ctx)
	live := r.summary.Generation != 0
	switch {
	case ctx.Err() != nil && !live:
		r.abandon(summary.Interrupted, "stopped by the operator before it was published; what has landed is kept, and the next run publishes it")
	case err != nil && !live:
		r.LogFault(err)
		r.summary.Reason = err.Error()
		r.abandon(summary.Failed, "nothing was published: "+err.Error())
	case err != nil:
		r.Found("published, and then: %v", err)
	}
	return r.finish()
}

// publish hands the legs over.
func (r *run) publish(ctx context.Context) error {
	publisher := r.publisher()
	parts := make([]*publish.Part, len(r.legs))
	for i, l := range r.legs {
		parts[i] = &l.Part
	}
	return publisher.Publish(ctx, parts)
}

func (r *run) publisher() *publish.Publisher {
	return &publish.Publisher{
		View: r.View, Record: r.record, Build: r.build, Pool: r.pool, Summary: r.summary, Progress: r.progress, Remade: r.remade,
		Accept: r.request.Accept, Backfill: !r.request.From.IsZero(), Replay: r.replaying, Anew: r.request.anew,
	}
}

// fail writes down that a run which had begun ends before anything of it is published.
func (r *run) fail(err error) error {
	r.summary.Reason = err.Error()
	r.abandon(summary.Failed, err.Error())
	r.finish()
	return err
}

// abandon says of a run whose generation did not become live that nothing of it is
// published. What has landed waits for the next run.
func (r *run) abandon(status summary.Status, why string) {
	for _, l := range r.legs {
		l.Published = false
		if l.Status != summary.Failed {
			l.Worsen(status, why)
		}
	}
}

// finish closes the summary and writes it down.
func (r *run) finish() *summary.Summary {
	r.summary.Damage = r.Damage
	for _, l := range r.legs {
		if l.about != nil && l.about.Writes {
			l.Retry = summary.RetryNever // a request whose outcome is unknown is not sent twice
		}
	}
	r.summary.Settle()
	r.summary.Finished = time.Now().UTC()
	r.record.End(r.summary)
	r.tell()
	return r.summary
}

// tell says in one line of the log which generation the run has made live, or why none.
func (r *run) tell() {
	of := r.summary
	attrs := []any{"run", of.RunID, "mode", of.Mode, "status", of.Status, "duration", of.Finished.Sub(of.Started).Round(time.Millisecond)}
	if of.Generation == 0 {
		level := slog.LevelWarn
		if of.Status == summary.Failed {
			level = slog.LevelError
		}
		r.Log.Log(context.Background(), level, "nothing published", append(attrs, "reason", of.Why())...)
		return
	}
	var fresh, changed int64
	var pipelines []string
	for _, l := range of.Pipelines {
		if l.Published {
			pipelines = append(pipelines, l.Pipeline)
			fresh, changed = fresh+l.New, changed+l.Changed
		}
	}
	made, err := r.Store.Get(of.Generation)
	if err != nil {
		r.Log.Error("the generation that was published cannot be read", "generation", of.Generation, "error", err)
		return
	}
	r.LogPublished(made.Manifest, append(attrs, "rows_new", fresh, "rows_changed", changed, "pipelines", pipelines)...)
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
		l.Rows.Close()
	}
	if r.build != nil && r.summary.Generation == 0 {
		if err := r.build.Abandon(); err != nil {
			r.Log.Warn("the unfinished generation could not be removed; the next run will", "error", err)
		}
	}
	r.build = nil
}
