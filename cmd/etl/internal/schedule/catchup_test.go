package schedule_test

import (
	"testing"
	"time"

	"nightjar/cmd/etl/internal/schedule"
)

func TestCatchUp(t *testing.T) {
	loaded := "calls 16 02:15 > 16 02:15 16 02:20 loaded"
	checkAll(t, []decision{
		{name: "latest", members: "calls 15 2 * * *", now: "19 12:00", tries: []string{loaded},
			night: "19 02:15: calls 02:15", owed: "calls 19 02:15 since 17 02:15 next 19 02:15"},
		{name: "each: the oldest first", members: "calls 15 2 * * *", catchUp: schedule.Each, now: "19 12:00", tries: []string{loaded},
			night: "17 02:15: calls 02:15", owed: "calls 17 02:15 next 17 02:15"},
		{name: "each: then the next", members: "calls 15 2 * * *", catchUp: schedule.Each, now: "19 12:10",
			tries: []string{loaded, "calls 17 02:15 > 19 12:00 19 12:10 loaded"},
			night: "18 02:15: calls 02:15", owed: "calls 18 02:15 next 18 02:15"},
		{name: "each: the one that failed before those after it", members: "calls 15 2 * * *", catchUp: schedule.Each, now: "19 12:10",
			tries: []string{loaded, "calls 17 02:15 > 19 12:00 19 12:10 failed"},
			night: "19 12:20: calls 12:20 for 17 02:15 again", owed: "calls 17 02:15 next 19 12:20 because failed"},
		{name: "each: also where the next is due before", members: "calls 0 * * * *", catchUp: schedule.Each, up: "20 01:30", now: "20 02:51",
			tries: []string{"calls 20 01:00 > 20 01:00 20 01:10 loaded", "calls 20 02:00 > 20 02:00 20 02:51 failed"},
			night: "20 03:01: calls 03:01 for 20 02:00 again", owed: "calls 20 02:00 next 20 03:01 because failed"},
		{name: "each: past one that is given up", members: "calls 15 2 * * *", catchUp: schedule.Each, now: "19 12:10",
			tries: []string{loaded, "calls 17 02:15 > 19 12:00 19 12:10 hopeless"},
			night: "18 02:15: calls 02:15",
			owed:  "calls 17 02:15 given up because hopeless; calls 18 02:15 since 17 02:15 next 18 02:15"},
		{name: "each: by hand for all", members: "calls 15 2 * * *", catchUp: schedule.Each, now: "19 12:10",
			tries: []string{loaded, "calls by hand > 19 12:00 19 12:10 loaded"},
			night: "20 02:15: calls 02:15"},
		{name: "none: what passed while nothing ran", members: "calls 15 2 * * *", catchUp: schedule.None, now: "19 12:00", tries: []string{loaded},
			night: "20 02:15: calls 02:15"},
		{name: "none: what was begun", members: "calls 15 2 * * *", catchUp: schedule.None, now: "19 12:00",
			tries: []string{loaded, "calls 19 02:15 > 19 02:15 - failed"},
			night: "19 02:15: calls 02:15 again", owed: "calls 19 02:15 since 17 02:15 next 19 02:15 because failed"},
		{name: "none: what passed while it was up", members: "calls 15 2 * * *", catchUp: schedule.None, now: "20 12:00", tries: []string{loaded},
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 since 17 02:15 next 20 02:15"},
	})
}

func TestEverySixHoursCountsFromTheLastRun(t *testing.T) {
	checkAll(t, []decision{
		{name: "from when it was scheduled", members: "calls @every 6h", now: "19 13:00",
			night: "19 18:00: calls 18:00"},
		{name: "from a run that began late", members: "calls @every 6h", now: "20 03:00",
			tries: []string{"calls 20 01:00 > 20 02:30 20 02:45 loaded"},
			night: "20 08:30: calls 08:30"},
		{name: "a gap is one night", members: "calls @every 6h", now: "20 23:00",
			tries: []string{"calls 19 12:00 > 19 12:00 19 12:15 loaded"},
			night: "19 18:00: calls 18:00", owed: "calls 19 18:00 next 19 18:00"},
		{name: "a gap is one night for each, too", members: "calls @every 6h", catchUp: schedule.Each, now: "20 23:30",
			tries: []string{"calls 19 12:00 > 19 12:00 19 12:15 loaded", "calls 19 18:00 > 20 23:00 20 23:15 loaded"},
			night: "21 05:00: calls 05:00"},
		{name: "a gap is none for none", members: "calls @every 6h", catchUp: schedule.None, up: "20 20:00", now: "20 23:30",
			tries: []string{"calls 19 12:00 > 19 12:00 19 12:15 loaded"},
			night: "21 02:00: calls 02:00"},
		{name: "again after a failure", members: "calls @every 6h", now: "20 02:00",
			tries: []string{"calls 20 01:00 > 20 01:00 20 01:05 failed"},
			night: "20 01:15: calls 01:15 for 20 01:00 again", owed: "calls 20 01:00 since 19 18:00 next 20 01:15 because failed"},
		{name: "from the first try of those that fail", members: "calls @every 6h", now: "20 07:00",
			tries: []string{"calls 20 01:00 > 20 01:00 20 01:05 failed", "calls 20 01:00 > 20 06:00 20 06:05 failed"},
			night: "20 07:00: calls 07:00", owed: "calls 20 07:00 since 19 18:00 next 20 07:00"},
		{name: "from the rerun that loaded", members: "calls @every 6h", now: "20 07:00",
			tries: []string{"calls 20 01:00 > 20 01:00 20 01:05 failed", "calls 20 01:00 > 20 06:00 20 06:05 loaded"},
			night: "20 12:00: calls 12:00"},
		{name: "from a run by hand that loaded", members: "calls @every 6h", now: "20 07:00",
			tries: []string{"calls 20 01:00 > 20 01:00 20 01:05 failed", "calls by hand > 20 04:00 20 04:05 loaded"},
			night: "20 10:00: calls 10:00"},
		{name: "not from one by hand that failed", members: "calls @every 6h", now: "20 05:00",
			tries: []string{"calls 20 01:00 > 20 01:00 20 01:05 loaded", "calls by hand > 20 04:00 20 04:05 failed"},
			night: "20 07:00: calls 07:00"},
	})
}

// Years between two decisions take no longer than a night.
func TestYearsOfDowntimeAreOneLook(t *testing.T) {
	for _, spec := range []string{"* * * * *", "15 2 * * *", "* * * 1 *", "0 2 29 2 *"} {
		s, err := schedule.Parse(spec, zone(t, "Europe/Paris"))
		if err != nil {
			t.Fatal(err)
		}
		asked := &counted{Schedule: s}
		now := instant(t, "2026-11-20T12:00:30Z")
		tries := []schedule.Try{{Member: "calls", Started: now.AddDate(-10, 0, 0), Outcome: schedule.Loaded}}
		p := schedule.Policy{Delay: time.Minute, For: time.Hour}
		debts := schedule.Owed([]schedule.Member{{Name: "calls", Schedule: asked}}, tries, p, now, now)
		if len(debts) != 1 || debts[0].Due.After(now) || !s.Next(debts[0].Due).After(now) {
			t.Errorf("%s: owed %+v, want the newest fire time", spec, debts)
		}
		if asked.n > 100 {
			t.Errorf("%s: asked for %d fire times", spec, asked.n)
		}
	}
}
