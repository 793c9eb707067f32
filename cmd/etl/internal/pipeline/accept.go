package pipeline

import (
	"context"
	"fmt"
	"strings"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
)

// Accept publishes what a run has landed and what is held of it, of the pipelines named
// or of all. The word is durable before anything else happens: where the generation does
// not come, the next run publishes it. It opens no socket.
func (r *Runner) Accept(ctx context.Context, runID ref.RunID, pipelines []string) (_ *summary.Summary, err error) {
	defer func() { r.LogFault(err) }()
	release, err := r.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.begin(Request{Accept: true, only: runID})
	if err != nil {
		return nil, err
	}
	defer run.close()
	if changed := run.Changed(); len(changed) > 0 {
		return nil, &warehouse.UsageError{Problem: strings.Join(changed, "; ") + ": the tables are to be made anew first, by `etl replay`"}
	}
	found, err := run.HeldNamed(runID, pipelines)
	if err != nil {
		return nil, err
	}
	var chosen []config.Pipeline
	for _, h := range found {
		if h.Status == ledger.Superseded {
			return nil, &warehouse.UsageError{Problem: fmt.Sprintf("run %s of %s is superseded: a newer held run asked for the same, and for more (etl held)", runID, h.Pipeline)}
		}
		landed, err := run.RunsNamed(h.Ref(), []ref.RunID{runID})
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, run.PipelineOf(h.Ref(), landed))
	}
	run.summary.Mode = "accept"
	if err := run.announce(chosen); err != nil {
		return nil, err
	}
	if err := run.record.Decide(warehouse.HeldDecision(ledger.Accept, found, "accepted by run "+string(run.record.ID))); err != nil {
		return nil, run.fail(err)
	}
	for _, cfg := range chosen {
		run.do(ctx, cfg, func(l *leg) error { return l.extract(ctx) })
	}
	return run.conclude(ctx), nil
}
