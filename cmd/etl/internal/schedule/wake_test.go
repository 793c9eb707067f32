package schedule_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/cmd/etl/internal/schedule"
)

func TestNothingRunsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.members[0].Since = time.Now().AddDate(0, 0, -5)
		d.loop(0)
		d.want(t)
	})
}

func TestAChangeWakesTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.changed = make(chan struct{}, 1)
		reload := func() {
			d.member(t, "calls", "2 0 * * *")
			d.changed <- struct{}{}
		}
		d.events = []event{{time.Minute, reload}}
		d.loop(time.Hour)
		d.want(t, "01T00:02:00 calls")
		d.logged(t, "no pipeline is scheduled", 1)
	})
}

func TestARunByHandWhileTheLoopWaitsIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.ends = func(time.Time) schedule.Outcome { return schedule.Failed }
		byHand := func() {
			at := time.Now()
			d.tries = append(d.tries, schedule.Try{Member: "calls", Started: at, Finished: at, Outcome: schedule.Loaded})
		}
		d.events = []event{{155 * time.Minute, byHand}}
		d.loop(12 * time.Hour)
		d.want(t, "01T02:30:00 calls")
	})
}

func TestTheLoopWaitsForARunUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.tries = []schedule.Try{{Member: "calls", Started: time.Now(), Outcome: schedule.Running}}
		d.events = []event{{4*time.Hour + 30*time.Second, func() {
			d.tries[0].Outcome, d.tries[0].Finished = schedule.Loaded, time.Now()
		}}}
		d.loop(6 * time.Hour)
		d.want(t, "01T04:01:00 calls") // it began before the night
	})
}

// A clock that is a week ahead runs a night, once; put back, the nights of the week
// are run all the same, and so is the one that the clock has been in.
func TestAClockThatWasAheadCostsNoNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.events = []event{
			{27*time.Hour + 10*time.Minute, func() { d.put = 7 * 24 * time.Hour }},
			{28 * time.Hour, func() { d.put = 0 }},
		}
		d.ends = func(at time.Time) schedule.Outcome {
			if d.put == 0 && at.Day() == 9 && at.Hour()*60+at.Minute() < 3*60+30 {
				return schedule.Failed
			}
			return schedule.Loaded
		}
		d.loop(9*24*time.Hour + 4*time.Hour)
		d.want(t, "01T02:30:00 calls", "02T02:30:00 calls", "09T03:10:00 calls",
			"03T02:30:00 calls", "04T02:30:00 calls", "05T02:30:00 calls", "06T02:30:00 calls", "07T02:30:00 calls", "08T02:30:00 calls",
			"09T02:30:00 calls", "09T02:40:00 calls", "09T03:00:00 calls", "09T03:40:00 calls", "10T02:30:00 calls")
	})
}

// One that is behind makes a night late, by no more than that.
func TestAClockThatWasBehindCostsNoNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.policy = schedule.Policy{Delay: time.Minute, For: time.Hour, CatchUp: schedule.None}
		d.put = -72 * time.Hour
		d.events = []event{{25 * time.Hour, func() { d.put = 0 }}}
		d.run = func(_ context.Context, n schedule.Night) error {
			at := d.now()
			d.tries = append(d.tries, schedule.Try{Member: "calls", Night: n.Members[0].Due, Started: at, Finished: at, Outcome: schedule.Loaded})
			return nil
		}
		d.loop(51 * time.Hour)
		d.want(t, "29T02:30:00 calls", "02T01:00:00 calls", "02T02:30:00 calls", "03T02:30:00 calls")
	})
}

// A process that came up by a clock that was ahead has been there all the same.
func TestAProcessThatCameUpInTheFutureRunsItsNights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d daemon
		d.member(t, "calls", "30 2 * * *")
		d.policy = schedule.Policy{Delay: time.Minute, For: time.Hour, CatchUp: schedule.None}
		d.put = 72 * time.Hour
		d.events = []event{{time.Hour, func() { d.put = 0 }}}
		d.loop(51 * time.Hour)
		d.want(t, "01T02:30:00 calls", "02T02:30:00 calls", "03T02:30:00 calls")
	})
}

type never struct{}

func (never) Next(time.Time) time.Time { return time.Time{} }

func TestAScheduleThatHasEndedIsNeverDue(t *testing.T) {
	now := instant(t, "2026-11-20T12:00:00Z")
	members := []schedule.Member{{Name: "calls", Schedule: never{}}}
	tries := []schedule.Try{{Member: "calls", Started: now.Add(-time.Hour), Outcome: schedule.Failed}}
	p := schedule.Policy{Delay: time.Minute, For: time.Hour}
	if n := schedule.Next(members, tries, p, now, now); len(n.Members) != 0 || !n.At.IsZero() {
		t.Errorf("next night: %+v", n)
	}
}
