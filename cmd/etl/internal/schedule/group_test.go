package schedule_test

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"nightjar/cmd/etl/internal/schedule"
)

func TestOneNightTakesWhatIsDueWithinItsWindow(t *testing.T) {
	const three = "calls 15 2 * * *; waves 45 2 * * *; sessions 0 4 * * *"
	checkAll(t, []decision{
		{name: "each at its own time", members: three, now: "19 13:00",
			night: "20 02:15: calls 02:15, waves 02:45"},
		{name: "the end of the window is in it", members: "calls 15 2 * * *; waves 15 3 * * *; sessions 16 3 * * *", now: "19 13:00",
			night: "20 02:15: calls 02:15, waves 03:15"},
		{name: "in order of time, and of the file where that is the same", members: "waves 45 2 * * *; notes 15 2 * * *; calls 15 2 * * *",
			now: "19 13:00", night: "20 02:15: notes 02:15, calls 02:15, waves 02:45"},
		{name: "opened late", members: three, now: "20 02:20",
			night: "20 02:15: calls 02:15, waves 02:45", owed: "calls 20 02:15 next 20 02:15"},
		{name: "the window counts from the fire time", members: three, now: "20 03:55",
			night: "20 02:15: calls 02:15, waves 02:45", owed: "calls 20 02:15 next 20 02:15; waves 20 02:45 next 20 02:45"},
		{name: "what is late comes together", members: three, now: "20 04:00",
			night: "20 02:15: calls 02:15, waves 02:45, sessions 04:00",
			owed:  "calls 20 02:15 next 20 02:15; waves 20 02:45 next 20 02:45; sessions 20 04:00 next 20 04:00"},
		{name: "no longer than until a member is due once more", members: "calls */10 * * * *; waves 45 2 * * *; notes 5 2 * * *", now: "20 01:59",
			tries: []string{"calls 20 01:50 > 20 01:50 20 01:51 loaded"},
			night: "20 02:00: calls 02:00, notes 02:05"},
	})
}

func TestARerunDoesNotWaitForWhatIsDueLater(t *testing.T) {
	const two = "calls 15 2 * * *; waves 45 2 * * *"
	failed := []string{"calls 20 02:15 > 20 02:15 20 02:20 failed"}
	checkAll(t, []decision{
		{name: "alone", members: two, now: "20 02:21", tries: failed,
			night: "20 02:30: calls 02:30 for 20 02:15 again", owed: "calls 20 02:15 next 20 02:30 because failed"},
		{name: "with what is due by then", members: two, now: "20 02:50", tries: failed,
			night: "20 02:30: calls 02:30 for 20 02:15 again, waves 02:45",
			owed:  "calls 20 02:15 next 20 02:30 because failed; waves 20 02:45 next 20 02:45"},
		{name: "in a night that opens before", members: "calls 15 2 * * *; waves 25 2 * * *", now: "20 02:21", tries: failed,
			night: "20 02:25: waves 02:25, calls 02:30 for 20 02:15 again", owed: "calls 20 02:15 next 20 02:30 because failed"},
	})
}

func TestMembersWalkAfterThoseTheyDependOn(t *testing.T) {
	checkAll(t, []decision{
		{name: "at the same time", members: "messages 15 2 * * * after waves; waves 15 2 * * *", now: "19 13:00",
			night: "20 02:15: waves 02:15, messages 02:15"},
		{name: "not before it", members: "messages 15 2 * * * after waves; waves 45 2 * * *; calls 30 2 * * *", now: "19 13:00",
			night: "20 02:15: calls 02:30, waves 02:45, messages 02:45 for 20 02:15"},
		{name: "a chain", members: "c 15 2 * * * after b; b 15 2 * * * after a; a 15 2 * * *", now: "19 13:00",
			night: "20 02:15: a 02:15, b 02:15, c 02:15"},
		{name: "not where the other is not due", members: "messages 15 2 * * * after waves; waves 45 4 * * *", now: "19 13:00",
			night: "20 02:15: messages 02:15"},
		{name: "a circle ends", members: "a 15 2 * * * after b; b 15 2 * * * after a", now: "19 13:00",
			night: "20 02:15: a 02:15, b 02:15"},
	})
}

// A line fires once in the night when the clock shows its time twice, and after the
// gap in the one when it never does.
func TestNightsWhenClocksChange(t *testing.T) {
	for _, row := range []struct{ zone, line, loaded, now, want string }{
		{"Europe/Paris", "15 2 * * *", "2026-03-28T01:15:00Z", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"Europe/Paris", "15 2 * * *", "2026-10-25T00:15:00Z", "2026-10-25T01:15:00Z", "2026-10-26T01:15:00Z"},
		{"Europe/Paris", "15 2 * * *", "2026-10-24T00:15:00Z", "2026-10-25T01:30:00Z", "2026-10-25T00:15:00Z"},
		{"America/New_York", "30 2 * * *", "2026-03-07T07:30:00Z", "2026-03-08T12:00:00Z", "2026-03-08T07:00:00Z"},
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-02T15:45:00Z", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
	} {
		s, err := schedule.Parse(row.line, zone(t, row.zone))
		if err != nil {
			t.Fatal(err)
		}
		loaded := instant(t, row.loaded)
		tries := []schedule.Try{{Member: "calls", Night: loaded, Started: loaded, Finished: loaded, Outcome: schedule.Loaded}}
		p := schedule.Policy{Delay: time.Minute, For: time.Hour}
		n := schedule.Next([]schedule.Member{{Name: "calls", Schedule: s}}, tries, p, loaded, instant(t, row.now))
		if !n.At.Equal(instant(t, row.want)) {
			t.Errorf("%s in %s at %s: next is %s, want %s", row.line, row.zone, row.now, n.At.UTC(), row.want)
		}
	}
}

// counted counts how often a schedule is asked.
type counted struct {
	cron.Schedule
	n int
}

func (c *counted) Next(t time.Time) time.Time { c.n++; return c.Schedule.Next(t) }
