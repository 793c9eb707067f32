package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"nightjar/cmd/etl/internal/config"
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
business time zone, never two at once. What is due within publish.window of a night's
first pipeline is published with it, as one generation.

A night is owed until it is complete. A pipeline that failed is run again after
rerun.delay, then after twice as long, and so on, for as long as rerun.for says, and at
once by a daemon that came up since; one that was interrupted, at once; one that is
held, or lacks rows, once more. Where asking again would end the same (a cap, refused
credentials, a write), it is not. What is owed is read from the run records, so that a
restart forgets nothing; catch_up says what is made of the nights in which nothing ran.

SIGTERM or Ctrl-C stops it: a run under way ends after the page at hand, keeps what
has landed, and the next one goes on from there. SIGHUP reads the configuration again,
and keeps the old one where the new one is wrong. systemd is told when it is ready
(Type=notify), reloading, stopping and alive (WatchdogSec).`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.runner(config.Load)
			if err != nil {
				return err
			}
			logWarnings(r)
			r.Wait = wait
			return a.schedule(cmd.Context(), r)
		},
	}
	cmd.Args = cobra.NoArgs
	waitFlag(cmd, &wait, time.Hour)
	return cmd
}

func (a *app) schedule(ctx context.Context, r *pipeline.Runner) error {
	signals, stop := hangups()
	defer stop()
	if len(r.Config.Enabled()) == 0 {
		return &warehouse.UsageError{Problem: "no pipeline is enabled in " + r.Config.Path}
	}
	if err := r.Ready(ctx); err != nil {
		return err
	}
	leave, err := r.Attend(ctx)
	if err != nil {
		return err
	}
	defer leave()
	r.WaitUntil = schedule.SleepUntil
	k := &keeper{app: a, runner: r, changed: make(chan struct{}, 1)}
	go k.listen(ctx, signals)
	logMembers(r)
	notify(daemon.SdNotifyReady)
	defer notify(daemon.SdNotifyStopping)
	schedule.Loop(ctx, k.source(), k.run, r.Log)
	return nil
}

// logMembers says what runs when.
func logMembers(r *pipeline.Runner) {
	for _, p := range r.Config.Enabled() {
		r.Log.Info("scheduled", "pipeline", p.Name, "schedule", p.Spec, "next", p.Schedule.Next(time.Now()))
	}
}
