package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/schedule"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
)

func newSchedule(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schedule",
		Short: "Run every pipeline at its time, until stopped",
		Long: `Schedule is the daemon: it runs each enabled pipeline at its cron time, in the
business time zone, never two at once. Pipelines due at the same minute share a
run. A night that was missed is made up for at the start, once. A pipeline that
fails is tried again for six hours, and after a restart at once.

SIGTERM or Ctrl-C stops it: a run under way ends after the page at hand, keeps
what has landed, and the next one goes on from there.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.runner()
			if err != nil {
				return err
			}
			logWarnings(r)
			return a.schedule(cmd.Context(), r)
		},
	}
}

func (a *app) schedule(ctx context.Context, r *pipeline.Runner) error {
	var members []schedule.Member
	for _, p := range r.Config.Enabled() {
		members = append(members, schedule.Member{Name: p.Name, Schedule: p.Schedule})
		r.Log.Info("scheduled", "pipeline", p.Name, "schedule", p.Spec, "next", p.Schedule.Next(time.Now()))
	}
	if len(members) == 0 {
		return &warehouse.UsageError{Problem: "no pipeline is enabled in " + r.Config.Path}
	}
	policy := schedule.Policy{Delay: 10 * time.Minute, For: 6 * time.Hour}
	source := schedule.Source{
		Members: func() ([]schedule.Member, schedule.Policy) { return members, policy },
		Tries:   func() ([]schedule.Try, error) { return lastTries(ctx, r) },
	}
	schedule.Loop(ctx, source, func(ctx context.Context, night schedule.Night) error {
		var due []string
		for _, m := range night.Members {
			due = append(due, m.Name)
		}
		ended, err := r.Run(ctx, pipeline.Request{Pipelines: due})
		if err != nil {
			return err
		}
		if err := a.printSummary(ended); err != nil && !errors.As(err, new(outcome)) {
			return err
		}
		return nil
	}, r.Log)
	return nil
}

// lastTries reads when each pipeline was last published, and what became of it since.
func lastTries(ctx context.Context, r *pipeline.Runner) ([]schedule.Try, error) {
	state, err := operate.Status(ctx, r.Site)
	if err != nil {
		return nil, err
	}
	var tries []schedule.Try
	for _, p := range state.Pipelines {
		if !p.Published.IsZero() {
			tries = append(tries, schedule.Try{Member: p.Pipeline, Started: p.Published, Finished: p.Published, Outcome: schedule.Loaded})
		}
		if last := p.Last; last != nil && !last.Published {
			tries = append(tries, schedule.Try{
				Member: p.Pipeline, Started: last.Started, Finished: last.Started, Outcome: outcomeOf(last.Status), Reason: last.Reason,
			})
		}
	}
	return tries, nil
}

func outcomeOf(status string) schedule.Outcome {
	switch summary.Status(status) {
	case "running":
		return schedule.Running
	case summary.Held, summary.Incomplete:
		return schedule.Missing
	case summary.Interrupted, summary.Status(ledger.Died):
		return schedule.Interrupted
	}
	return schedule.Failed
}
