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

// daemon is a loop in a bubble of fake time, which begins at 2000-01-01 00:00 UTC.
type daemon struct {
	members []schedule.Member
	policy  schedule.Policy
	tries   []schedule.Try
	unread  error                               // of reading them
	ends    func(at time.Time) schedule.Outcome // how a try ends that begins then; loaded, if nil
	takes   time.Duration
	run     func(ctx context.Context, n schedule.Night) error // instead of what records tries
	changed chan struct{}
	put     time.Duration // by how much the clock was put forward
	events  []event       // in order of time; they happen when the loop looks at the clock
	began   time.Time
	beats   int
	log     bytes.Buffer
	nights  []string // "01T02:15:00 calls,waves" in UTC, as they began
}

func (d *daemon) member(t *testing.T, name, spec string) {
	t.Helper()
	s, err := schedule.Parse(spec, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	d.members = append(d.members, schedule.Member{Name: name, Schedule: s})
}

type event struct {
	after   time.Duration
	happens func()
}

func (d *daemon) now() time.Time {
	for len(d.events) > 0 && time.Since(d.began) >= d.events[0].after {
		d.events[0].happens()
		d.events = d.events[1:]
	}
	return time.Now().Add(d.put)
}

// loop runs for so long.
func (d *daemon) loop(long time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	d.began = time.Now()
	if d.policy.Delay == 0 {
		d.policy = schedule.Policy{Delay: 10 * time.Minute, For: 6 * time.Hour}
	}
	schedule.Loop(ctx, schedule.Source{
		Members: func() ([]schedule.Member, schedule.Policy) { return d.members, d.policy },
		Tries:   func() ([]schedule.Try, error) { return d.tries, d.unread },
		Changed: d.changed,
		Beat:    func() { d.beats++ },
		Now:     d.now,
	}, d.walk, slog.New(slog.NewTextHandler(&d.log, nil)))
}

func (d *daemon) walk(ctx context.Context, n schedule.Night) error {
	var names []string
	for _, m := range n.Members {
		names = append(names, m.Name)
	}
	d.nights = append(d.nights, d.now().UTC().Format("02T15:04:05")+" "+strings.Join(names, ","))
	if d.run != nil {
		return d.run(ctx, n)
	}
	began := d.now()
	time.Sleep(d.takes)
	for _, m := range n.Members {
		o := schedule.Loaded
		if d.ends != nil {
			o = d.ends(began)
		}
		d.tries = append(d.tries, schedule.Try{Member: m.Name, Night: m.Due, Started: began.Truncate(time.Millisecond), Finished: d.now(), Outcome: o, Reason: "vendor is down"})
	}
	return nil
}

func (d *daemon) want(t *testing.T, nights ...string) {
	t.Helper()
	if got, want := strings.Join(d.nights, "\n"), strings.Join(nights, "\n"); got != want {
		t.Errorf("nights:\n%s\nwant:\n%s\nlog:\n%s", got, want, d.log.String())
	}
}

func (d *daemon) logged(t *testing.T, text string, times int) {
	t.Helper()
	if got := strings.Count(d.log.String(), text); got != times {
		t.Errorf("%q is logged %d times, want %d:\n%s", text, got, times, d.log.String())
	}
}

func TestEachMemberRunsAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "waves", "45 2 * * *")
		d.member(t, "conversations", "15 2 * * *")
		d.loop(36 * time.Hour)
		d.want(t, "01T02:15:00 conversations", "01T02:45:00 waves", "02T02:15:00 conversations", "02T02:45:00 waves")
		d.logged(t, "msg=waiting", 5)
		if want := 36 * 60; d.beats < want || d.beats > want+20 {
			t.Errorf("%d beats in 36 hours", d.beats)
		}
	})
}

func TestALongRunMakesOthersLateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "0 * * * *")
		d.takes = 150 * time.Minute
		d.loop(7 * time.Hour)
		d.want(t, "01T01:00:00 calls", "01T03:30:00 calls", "01T06:00:00 calls")
	})
}

func TestAFailedNightComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.takes = 300 * time.Microsecond // records keep milliseconds
		d.member(t, "calls", "30 2 * * *")
		d.ends = func(at time.Time) schedule.Outcome {
			if at.Hour() == 2 {
				return schedule.Failed
			}
			return schedule.Loaded
		}
		d.loop(12 * time.Hour)
		d.want(t, "01T02:30:00 calls", "01T02:40:00 calls", "01T03:00:00 calls")
		d.logged(t, "given up", 0)
		d.logged(t, "not run", 0)
	})
}

func TestANightIsGivenUpOnceAndAloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.member(t, "waves", "30 * * * *")
		d.ends = func(time.Time) schedule.Outcome { return schedule.Hopeless }
		d.loop(12 * time.Hour)
		d.logged(t, "night given up", 13)
		d.logged(t, `pipeline=calls due=2000-01-01T02:30:00.000Z tries=1 reason="vendor is down"`, 1)
	})
}

func TestARunThatRecordsNothingComesAgainLaterAndLater(t *testing.T) {
	for _, err := range []error{errors.New("locked by run 1"), nil} {
		synctest.Test(t, func(t *testing.T) {
			var d daemon
			d.member(t, "calls", "30 2 * * *")
			d.run = func(context.Context, schedule.Night) error { return err }
			d.loop(7 * time.Hour)
			d.want(t, "01T02:30:00 calls", "01T02:40:00 calls", "01T03:00:00 calls", "01T03:40:00 calls",
				"01T04:40:00 calls", "01T05:40:00 calls", "01T06:40:00 calls")
			if err != nil {
				d.logged(t, err.Error(), 7)
			}
		})
	}
}

func TestDelaysGrowAnewAfterARunThatRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.run = func(_ context.Context, n schedule.Night) error {
			if at := d.now(); at.Hour() == 3 {
				d.tries = append(d.tries, schedule.Try{Member: "calls", Night: n.Members[0].Due, Started: at, Outcome: schedule.Loaded})
			}
			return nil
		}
		d.loop(30 * time.Hour)
		d.want(t, "01T02:30:00 calls", "01T02:40:00 calls", "01T03:00:00 calls", "02T02:30:00 calls", "02T02:40:00 calls", "02T03:00:00 calls")
	})
}

func TestRecordsThatCannotBeReadAreReadAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.unread = errors.New("input/output error")
		d.loop(3 * time.Hour) // reads at 00:00, 00:10, 00:30, 01:10, 02:10
		d.logged(t, "input/output error", 5)
		d.want(t)
	})
}

func TestTheLoopReturnsAfterTheRunUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		ended := false
		d.run = func(ctx context.Context, _ schedule.Night) error {
			<-ctx.Done()
			time.Sleep(5 * time.Second) // tidying up
			ended = true
			return context.Canceled
		}
		d.loop(3 * time.Hour)
		if !ended {
			t.Error("returned while the run was under way")
		}
		d.logged(t, "ERROR", 0)
		if d.beats < 175 {
			t.Errorf("%d beats in three hours, of which one was a run", d.beats)
		}
	})
}
