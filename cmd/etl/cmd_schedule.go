package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/schedule"
	"nightjar/cmd/etl/internal/warehouse"
)

func newSchedule(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Run every pipeline at its time, until stopped",
		Long: `Schedule is the daemon: it runs each enabled pipeline at its cron time, in the
business time zone, never two at once. Pipelines due at the same minute share a
run. A night that was missed is made up for at the start, once. A pipeline that
fails is logged, and tried again at its next time.

SIGTERM or Ctrl-C stops it: a run under way ends after the page at hand, keeps
what has landed, and the next one goes on from there.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.runner()
			if err != nil {
				return err
			}
			logWarnings(r)
			r.Wait = wait
			return a.schedule(cmd.Context(), r)
		},
	}
	waitFlag(cmd, &wait, time.Hour)
	return cmd
}

func (a *app) schedule(ctx context.Context, r *pipeline.Runner) error {
	if err := r.Ready(ctx); err != nil {
		return err
	}
	leave, err := r.Attend(ctx)
	if err != nil {
		return err
	}
	defer leave()
	last, err := lastStarts(ctx, r)
	if err != nil {
		return err
	}
	var jobs []schedule.Job
	for _, p := range r.Config.Enabled() {
		jobs = append(jobs, schedule.Job{Name: p.Name, Schedule: p.Schedule})
		r.Log.Info("scheduled", "pipeline", p.Name, "schedule", p.Spec, "next", p.Schedule.Next(time.Now()))
	}
	if len(jobs) == 0 {
		return &warehouse.UsageError{Problem: "no pipeline is enabled in " + r.Config.Path}
	}
	return schedule.Loop(ctx, jobs, func(name string) time.Time { return last[name] }, func(ctx context.Context, due []string) error {
		ended, err := r.Run(ctx, pipeline.Request{Pipelines: due})
		if err != nil {
			return err
		}
		if err := a.printSummary(ended); err != nil && !errors.As(err, new(outcome)) {
			return err
		}
		return nil
	}, r.Log)
}

// lastStarts reads when each pipeline last ran. A pipeline that never did counts
// as one that has missed nothing: its first run is at its first time.
func lastStarts(ctx context.Context, r *pipeline.Runner) (map[string]time.Time, error) {
	state, err := operate.Status(ctx, r.Site)
	if err != nil {
		return nil, err
	}
	last := map[string]time.Time{}
	for _, p := range state.Pipelines {
		if !p.Published.IsZero() {
			last[p.Pipeline] = p.Published
		} else {
			last[p.Pipeline] = time.Now()
		}
	}
	return last, nil
}
