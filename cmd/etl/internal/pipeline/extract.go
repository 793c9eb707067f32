package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
)

// Run runs pipelines and publishes what can be trusted. The summary says what became of
// the run, also where this machine failed it; the error is of a run that did not begin.
func (r *Runner) Run(ctx context.Context, request Request) (_ *summary.Summary, err error) {
	defer func() { r.LogFault(err) }()
	chosen, err := r.chosen(request)
	if err != nil {
		return nil, err
	}
	release, err := r.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.begin(request)
	if err != nil {
		return nil, err
	}
	defer func() { run.close() }()
	if err := run.SameOrigin(); err != nil {
		return nil, err
	}
	if changed := run.Changed(); len(changed) > 0 {
		run.close()
		if unfit, err := r.makeFit(ctx, changed); unfit != nil || err != nil {
			r.recordUnfit(request, chosen, unfit, err)
			return unfit, err
		}
		fit, err := r.begin(request)
		if err != nil {
			return nil, err
		}
		run = fit
	}
	if err := run.announce(chosen); err != nil {
		return nil, err
	}
	run.extract(ctx, chosen)
	return run.conclude(ctx), nil
}

// makeFit makes the tables anew of what has landed, because settings have changed that
// their rows depend on: a generation of its own, before anything is asked of a vendor.
// The summary is that of a rebuild that failed or was held; nil where the run may go on.
func (r *Runner) makeFit(ctx context.Context, changed []string) (*summary.Summary, error) {
	r.Log.Warn("the rows depend on a setting that has changed: they are made anew of what has landed, and then the run goes on", "changed", changed)
	rebuilt, err := r.replay(ctx, Rebuild{})
	if err != nil {
		return nil, fmt.Errorf("%s, and the tables cannot be made anew: %w; nothing was asked of a vendor", strings.Join(changed, "; "), err)
	}
	if rebuilt.Generation != 0 && (rebuilt.Status == summary.Complete || rebuilt.Status == summary.Drifted) {
		return nil, nil
	}
	rebuilt.Reason = strings.Join(changed, "; ") + ", and the tables could not be made anew: nothing was asked of a vendor"
	return rebuilt, nil
}

// recordUnfit writes down the run that asked nobody because its tables could not be made
// anew. The record of the rebuild tells of a replay alone, and status would show the run
// before as the last.
func (r *Runner) recordUnfit(request Request, chosen []config.Pipeline, rebuilt *summary.Summary, why error) {
	run, err := r.begin(request)
	if err == nil {
		defer run.close()
		err = run.announce(chosen)
	}
	if err != nil {
		r.Log.Warn("what became of the run could not be recorded", "error", err)
		return
	}
	status, reason := summary.Failed, ""
	switch {
	case why != nil:
		reason = why.Error()
	case rebuilt.Status == summary.Interrupted:
		status, reason = summary.Interrupted, rebuilt.Reason
	default:
		reason = rebuilt.Reason
	}
	for i, cfg := range chosen {
		l := warehouse.Announced(cfg)
		l.Status, l.Reason, l.Due = status, reason, run.due(i)
		if rebuilt != nil && (rebuilt.Status == summary.Held || rebuilt.Status == summary.Incomplete) {
			l.Retry = summary.RetryNever
		}
		run.summary.Pipelines = append(run.summary.Pipelines, l)
	}
	run.finish()
}

// extract walks the legs one after another, each at its time. What fails a leg is that
// leg's alone.
func (r *run) extract(ctx context.Context, chosen []config.Pipeline) {
	defer r.holdings.Close()
	for i, cfg := range chosen {
		waited := r.waitFor(ctx, i)
		l, _ := r.do(ctx, cfg, func(l *leg) error {
			if waited {
				l.now = r.Now().UTC().Truncate(time.Microsecond)
			}
			l.stream = l.about.Open(r.opener(cfg, l.now))
			r.Log.Info("pipeline starts", "pipeline", cfg.Name, "run", r.record.ID)
			return l.extract(ctx)
		})
		r.Log.Log(ctx, l.logLevel(), "pipeline walked", "pipeline", cfg.Name, "status", l.Status, "reason", l.Reason, "requests", l.Requests)
	}
}

// waitFor waits until the turn of a leg, unless the run is stopped. It reports whether
// there was any need to.
func (r *run) waitFor(ctx context.Context, i int) bool {
	if i >= len(r.request.Turns) || r.until == nil || !r.request.Turns[i].At.After(r.Now()) {
		return false
	}
	turn := r.request.Turns[i]
	r.Log.Info("waiting for the turn of a pipeline of this night", "pipeline", turn.Pipeline, "until", turn.At)
	r.progress.Stage("wait for " + turn.Pipeline)
	defer r.progress.Done()
	r.until(ctx, turn.At)
	return true
}

// logLevel is for the end of a leg: a warning, unless all is well or an earlier leg
// has said the same.
func (l *leg) logLevel() slog.Level {
	if l.Status == summary.Complete || l.repeats {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// extract adopts, plans and walks. Whatever the vendor does is recorded in the
// leg; the error is of this machine.
func (l *leg) extract(ctx context.Context) error {
	if err := l.Rows.Decode(ctx, l.adopt); err != nil || l.Status != summary.Complete || l.run.request.only != "" {
		return err
	}
	return l.Rows.Decode(ctx, l.ask)
}

// ask plans, and walks the windows that no adopted run has landed whole.
func (l *leg) ask(ctx context.Context, decoders *staging.Decoders) error {
	if l.spared() || !l.schemaFits(ctx) {
		return nil
	}
	windows, err := l.stream.Plan(ctx, l.run.ask(l.about, l.cfg, l.now))
	if err != nil {
		l.blame(err)
		return nil
	}
	l.Planned = windows
	todo := append(l.skipLanded(windows), l.notPlanned(windows)...)
	calls := 0
	for _, w := range todo {
		calls += w.Calls
	}
	l.run.progress.Start(l.Pipeline, len(todo), calls)
	defer l.run.progress.Done()
	return l.walk(ctx, todo, decoders)
}

// spared reports whether an earlier leg has found that nothing can be asked of the
// source, and ends this one for the same reason: a wrong password is not tried
// again for every pipeline.
func (l *leg) spared() bool {
	for _, other := range l.run.legs {
		if other != l && other.Source == l.Source && other.closed != "" {
			l.closed, l.repeats = other.closed, true
			l.Worsen(summary.Failed, other.closed)
			l.Retry = other.Retry
			return true
		}
	}
	return false
}
