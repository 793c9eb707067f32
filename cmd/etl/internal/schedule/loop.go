package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// Job is a named schedule.
type Job struct {
	Name     string
	Schedule cron.Schedule
}

// wait is the longest sleep without a look at the clock: a machine that slept,
// or whose clock was set, is late by no more than this.
const wait = time.Minute

// Loop calls run with the names of the jobs that are due, in the order of jobs,
// until ctx ends. Jobs due at the same instant come together, so that one commit
// can serve them. Run is called on Loop's own goroutine, so never twice at once;
// a job whose time passed while another ran comes next, once, however many of
// its times passed.
//
// A job that missed a fire time while nothing was running, going by last (its
// last run; zero if it never ran), is due at once. Last is asked once per job,
// before the first wait.
//
// An error of run is logged, and does not end the loop: the next night may be
// better. The end of ctx does, with nil; a run under way gets that same ctx, and
// Loop returns after it has.
func Loop(ctx context.Context, jobs []Job, last func(name string) time.Time, run func(ctx context.Context, due []string) error, log *slog.Logger) error {
	if len(jobs) == 0 {
		return errors.New("schedule pipelines: none is enabled")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	next, err := firstTimes(jobs, last, now())
	if err != nil {
		return err
	}
	for {
		at := slices.MinFunc(next, time.Time.Compare)
		log.Info("waiting", "until", at, "pipelines", names(jobs, next, at))
		if !sleepUntil(ctx, at) {
			return nil
		}
		woke := now()
		due := names(jobs, next, woke)
		if err := advance(jobs, next, woke); err != nil {
			return err
		}
		if err := run(ctx, due); err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
			log.Error("scheduled run", "pipelines", due, "error", err)
		}
	}
}

// firstTimes gives each job its first time: now where it missed one.
func firstTimes(jobs []Job, last func(name string) time.Time, now time.Time) ([]time.Time, error) {
	next := make([]time.Time, len(jobs))
	for i, j := range jobs {
		ran := last(j.Name).Round(0)
		switch {
		case Missed(j.Schedule, ran, now):
			next[i] = now
		case ran.Before(now):
			next[i] = j.Schedule.Next(ran) // "@every 6h" counts from the last run
		default:
			next[i] = j.Schedule.Next(now) // a last run in the future: the clock was wrong once
		}
		if next[i].IsZero() {
			return nil, noNext(j)
		}
	}
	return next, nil
}

// advance gives the jobs whose time has come by t their next one.
func advance(jobs []Job, next []time.Time, t time.Time) error {
	for i, j := range jobs {
		if next[i].After(t) {
			continue
		}
		if next[i] = j.Schedule.Next(t); next[i].IsZero() {
			return noNext(j)
		}
	}
	return nil
}

func noNext(j Job) error { return fmt.Errorf("schedule pipeline %s: it has no next time", j.Name) }

// names lists the jobs whose time has come by t, in the order of jobs.
func names(jobs []Job, next []time.Time, t time.Time) []string {
	var due []string
	for i, j := range jobs {
		if !next[i].After(t) {
			due = append(due, j.Name)
		}
	}
	return due
}

// sleepUntil waits until the wall clock has reached t and reports whether it
// did; false says that ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool {
	for ctx.Err() == nil {
		left := t.Sub(now())
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(min(left, wait))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
	return false
}

// now reads the wall clock alone: the monotonic one stands still while a machine
// sleeps, and does not hear of corrections.
func now() time.Time { return time.Now().Round(0) }
