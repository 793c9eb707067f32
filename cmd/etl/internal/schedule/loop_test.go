package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/cmd/etl/internal/schedule"
)

// night is a loop in a bubble of fake time, which begins at 2000-01-01 00:00 UTC.
type night struct {
	jobs []schedule.Job
	last map[string]time.Time                        // last runs; a job without one ran at the start
	work func(ctx context.Context, due string) error // what a run does
	log  bytes.Buffer
	runs []string // "01T02:15:00 calls,waves" in UTC, as they began
}

func (n *night) job(t *testing.T, name, spec string) {
	t.Helper()
	s, err := schedule.Parse(spec, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	n.jobs = append(n.jobs, schedule.Job{Name: name, Schedule: s})
}

// loop runs for d and returns what Loop returned.
func (n *night) loop(d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	started := time.Now()
	last := func(name string) time.Time {
		if at, ok := n.last[name]; ok {
			return at
		}
		return started
	}
	run := func(ctx context.Context, names []string) error {
		due := strings.Join(names, ",")
		n.runs = append(n.runs, time.Now().UTC().Format("02T15:04:05")+" "+due)
		if n.work == nil {
			return nil
		}
		return n.work(ctx, due)
	}
	return schedule.Loop(ctx, n.jobs, last, run, slog.New(slog.NewTextHandler(&n.log, nil)))
}

func (n *night) want(t *testing.T, runs ...string) {
	t.Helper()
	if got, want := strings.Join(n.runs, "\n"), strings.Join(runs, "\n"); got != want {
		t.Errorf("runs:\n%s\nwant:\n%s", got, want)
	}
}

func TestEachJobRunsAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "waves", "45 2 * * *")
		n.job(t, "conversations", "15 2 * * *")
		if err := n.loop(36 * time.Hour); err != nil {
			t.Error(err)
		}
		n.want(t, "01T02:15:00 conversations", "01T02:45:00 waves", "02T02:15:00 conversations", "02T02:45:00 waves")
	})
}

func TestJobsOfOneInstantComeTogetherInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "waves", "15 2 * * *")
		n.job(t, "calls", "0 3 * * *")
		n.job(t, "conversations", "15 2 * * *")
		if err := n.loop(12 * time.Hour); err != nil {
			t.Error(err)
		}
		n.want(t, "01T02:15:00 waves,conversations", "01T03:00:00 calls")
	})
}

func TestALongRunMakesOthersLateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "conversations", "15 2 * * *")
		n.job(t, "calls", "*/10 * * * *")
		n.job(t, "waves", "0 3 * * *")
		n.last = map[string]time.Time{}
		n.work = func(_ context.Context, due string) error {
			if due == "conversations" {
				time.Sleep(time.Hour)
			}
			return nil
		}
		if err := n.loop(3*time.Hour + 35*time.Minute); err != nil {
			t.Error(err)
		}
		n.want(t,
			"01T00:10:00 calls", "01T00:20:00 calls", "01T00:30:00 calls", "01T00:40:00 calls", "01T00:50:00 calls", "01T01:00:00 calls",
			"01T01:10:00 calls", "01T01:20:00 calls", "01T01:30:00 calls", "01T01:40:00 calls", "01T01:50:00 calls", "01T02:00:00 calls", "01T02:10:00 calls",
			"01T02:15:00 conversations",
			"01T03:15:00 calls,waves", // late, once, in the order of the file
			"01T03:20:00 calls", "01T03:30:00 calls")
	})
}

func TestARunLongerThanItsIntervalIsNotDoubled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "calls", "0 * * * *")
		n.work = func(context.Context, string) error { time.Sleep(150 * time.Minute); return nil }
		if err := n.loop(4 * time.Hour); err != nil {
			t.Error(err)
		}
		n.want(t, "01T01:00:00 calls", "01T03:30:00 calls")
	})
}

func TestAMissedNightIsMadeUpAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "conversations", "15 2 * * *")
		n.job(t, "calls", "30 2 * * *")
		n.job(t, "waves", "45 2 * * *")
		n.job(t, "sweep", "@every 6h")
		n.last = map[string]time.Time{
			"conversations": time.Now().AddDate(0, 0, -5),                        // missed five nights
			"calls":         time.Now().Add(-21 * time.Hour),                     // ran last night
			"waves":         {},                                                  // never ran
			"sweep":         time.Now().Add(-2 * time.Hour).Add(time.Nanosecond), // four hours to go
		}
		if err := n.loop(5 * time.Hour); err != nil {
			t.Error(err)
		}
		n.want(t, "01T00:00:00 conversations,waves",
			"01T02:15:00 conversations", "01T02:30:00 calls", "01T02:45:00 waves", "01T04:00:00 sweep")
	})
}

func TestAFailedRunIsLoggedAndTheLoopGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "calls", "30 2 * * *")
		n.work = func(context.Context, string) error { return errors.New("vendor is down") }
		if err := n.loop(36 * time.Hour); err != nil {
			t.Error(err)
		}
		n.want(t, "01T02:30:00 calls", "02T02:30:00 calls")
		if got := strings.Count(n.log.String(), "vendor is down"); got != 2 {
			t.Errorf("logged %d times, want 2:\n%s", got, n.log.String())
		}
	})
}

func TestTheLoopReturnsAfterTheRunUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "calls", "30 2 * * *")
		ended := false
		n.work = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			time.Sleep(5 * time.Second) // tidying up
			ended = true
			return context.Canceled
		}
		if err := n.loop(3 * time.Hour); err != nil {
			t.Error(err)
		}
		if !ended {
			t.Error("returned while the run was under way")
		}
		if strings.Contains(n.log.String(), "ERROR") {
			t.Errorf("a clean stop is no error:\n%s", n.log.String())
		}
	})
}

func TestNothingRunsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n night
		n.job(t, "calls", "30 2 * * *")
		n.last = map[string]time.Time{"calls": {}}
		if err := n.loop(0); err != nil {
			t.Error(err)
		}
		n.want(t)
	})
}

func TestALoopWithoutJobsIsAnError(t *testing.T) {
	var n night
	if err := n.loop(time.Hour); err == nil || !strings.Contains(err.Error(), "none is enabled") {
		t.Errorf("error = %v", err)
	}
}

type never struct{}

func (never) Next(time.Time) time.Time { return time.Time{} }

func TestAScheduleThatHasEndedIsAnErrorNotASpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := night{jobs: []schedule.Job{{Name: "calls", Schedule: never{}}}}
		if err := n.loop(time.Hour); err == nil || !strings.Contains(err.Error(), "calls") {
			t.Errorf("error = %v", err)
		}
		n.want(t)
	})
}
