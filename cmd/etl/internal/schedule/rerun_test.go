package schedule_test

import "testing"

func TestANightIsOwedUntilItIsLoaded(t *testing.T) {
	checkAll(t, []decision{
		{name: "nothing before the first fire time", members: "calls 15 2 * * *", now: "19 13:00",
			night: "20 02:15: calls 02:15"},
		{name: "due, and never tried", members: "calls 15 2 * * *", now: "20 02:15",
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 next 20 02:15"},
		{name: "loaded", members: "calls 15 2 * * *", now: "20 03:00",
			tries: []string{"calls 20 02:15 > 20 02:15 20 02:20 loaded"},
			night: "21 02:15: calls 02:15"},
		{name: "scheduled before the process came up", members: "calls 15 2 * * *", since: "18 12:00", now: "19 13:00",
			night: "19 02:15: calls 02:15", owed: "calls 19 02:15 next 19 02:15"},
		{name: "tried before, and down since", members: "calls 15 2 * * *", now: "19 13:00",
			tries: []string{"calls 16 02:15 > 16 02:15 16 02:20 loaded"},
			night: "19 02:15: calls 02:15", owed: "calls 19 02:15 since 17 02:15 next 19 02:15"},
		{name: "another's try does not count", members: "calls 15 2 * * *", now: "20 03:00",
			tries: []string{"waves 20 02:15 > 20 02:15 20 02:20 loaded"},
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 next 20 02:15"},
		{name: "failed before it ever loaded", members: "calls 15 2 * * *", since: "17 12:00", now: "20 02:20",
			tries: []string{"calls 18 02:15 > 18 02:15 18 02:20 failed", "calls 19 02:15 > 19 02:15 19 02:20 hopeless"},
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 since 18 02:15 next 20 02:15"},
		{name: "the line was moved to earlier", members: "calls 15 1 * * *", now: "20 12:00",
			tries: []string{"calls 20 02:15 > 20 02:15 20 02:20 loaded"},
			night: "21 01:15: calls 01:15"},
	})
}

func TestFailuresAreTriedAgainWithAGrowingDelay(t *testing.T) {
	failed := []string{
		"calls 20 02:15 > 20 02:15 20 02:16 failed",
		"calls 20 02:15 > 20 02:26 20 02:30 failed",
		"calls 20 02:15 > 20 02:50 20 02:51 failed",
		"calls 20 02:15 > 20 03:31 20 03:32 failed",
		"calls 20 02:15 > 20 04:32 20 04:33 failed",
		"calls 20 02:15 > 20 07:13 20 07:14 failed",
		"calls 20 02:15 > 20 07:14 20 07:15 failed",
	}
	var rows []decision
	for n, next := range []string{"02:26", "02:50", "03:31", "04:32", "05:33", "08:14"} {
		rows = append(rows, decision{
			name: "after failure at " + next, members: "calls 15 2 * * *", now: "20 12:00", tries: failed[:n+1],
			night: "20 " + next + ": calls " + next + " for 20 02:15 again", owed: "calls 20 02:15 next 20 " + next + " because failed",
		})
	}
	checkAll(t, append(rows,
		decision{name: "given up when the time is over", members: "calls 15 2 * * *", now: "20 07:16", tries: failed,
			night: "21 02:15: calls 02:15", owed: "calls 20 02:15 given up because failed"},
		decision{name: "afresh at the next fire time", members: "calls 15 2 * * *", now: "21 02:15", tries: failed,
			night: "21 02:15: calls 02:15", owed: "calls 21 02:15 since 20 02:15 next 21 02:15"},
		decision{name: "the next fire time comes before the rerun", members: "calls 0 * * * *", up: "20 01:30", now: "20 02:51",
			tries: []string{"calls 20 02:00 > 20 02:00 20 02:51 failed"},
			night: "20 03:00: calls 03:00", owed: "calls 20 02:00 next 20 03:01 because failed"},
		decision{name: "at once by a scheduler that came up since", members: "calls 15 2 * * *", up: "20 02:40", now: "20 02:40", tries: failed[:2],
			night: "20 02:30: calls 02:30 for 20 02:15 again", owed: "calls 20 02:15 next 20 02:30 because failed"},
		decision{name: "after a delay again, once it has tried", members: "calls 15 2 * * *", up: "20 02:40", now: "20 03:00", tries: failed[:3],
			night: "20 03:31: calls 03:31 for 20 02:15 again", owed: "calls 20 02:15 next 20 03:31 because failed"},
		decision{name: "a night made up for late has its reruns too", members: "calls 15 2 * * *", up: "20 12:00", now: "20 12:02",
			tries: []string{"calls 20 02:15 > 20 12:00 20 12:01 failed"},
			night: "20 12:11: calls 12:11 for 20 02:15 again", owed: "calls 20 02:15 next 20 12:11 because failed"},
	))
}

func TestWhatDoesNotFailIsTriedAgainAsItDeserves(t *testing.T) {
	for _, row := range []struct {
		name, tries, next string
	}{
		{"interrupted", "20 02:15 20 02:20 interrupted", "02:20"},
		{"interrupted twice", "20 02:15 20 02:20 interrupted, 20 02:21 20 02:22 interrupted", "02:22"},
		{"died", "20 02:15 - failed", "02:15"},
		{"died twice", "20 02:15 - failed, 20 02:20 - failed", "02:30"},
		{"died thrice", "20 02:15 - failed, 20 02:20 - failed, 20 02:31 - failed", "02:51"},
		{"held", "20 02:15 20 02:20 missing", "02:30"},
		{"held twice", "20 02:15 20 02:20 missing, 20 02:30 20 02:31 missing", ""},
		{"held after failures", "20 02:15 20 02:20 failed, 20 02:30 20 02:31 missing", "02:41"},
		{"refused", "20 02:15 20 02:20 hopeless", ""},
		{"refused once it was held", "20 02:15 20 02:20 missing, 20 02:30 20 02:31 hopeless", ""},
		{"an outcome of no known name", "20 02:15 20 02:20 lost", "02:30"},
	} {
		d := decision{name: row.name, members: "calls 15 2 * * *", now: "20 03:00"}
		d.add(row.tries)
		last := d.tries[len(d.tries)-1]
		why := " because " + lastWord(last)
		d.night, d.owed = "21 02:15: calls 02:15", "calls 20 02:15 given up"+why
		if row.next != "" {
			d.night = "20 " + row.next + ": calls " + row.next + " for 20 02:15 again"
			d.owed = "calls 20 02:15 next 20 " + row.next + why
			if row.next == "02:15" {
				d.night = "20 02:15: calls 02:15 again"
			}
		}
		t.Run(row.name, d.check)
	}
}

func TestRunsByHand(t *testing.T) {
	checkAll(t, []decision{
		{name: "loaded after the fire time", members: "calls 15 2 * * *", now: "20 12:00",
			tries: []string{"calls 20 02:15 > 20 02:15 20 02:16 hopeless", "calls by hand > 20 09:00 20 09:30 loaded"},
			night: "21 02:15: calls 02:15"},
		{name: "loaded before the fire time", members: "calls 15 2 * * *", now: "20 02:15",
			tries: []string{"calls by hand > 20 02:14 20 02:15 loaded"},
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 next 20 02:15"},
		{name: "failed, where the night has loaded", members: "calls 15 2 * * *", now: "20 12:00",
			tries: []string{"calls 20 02:15 > 20 02:15 20 02:16 loaded", "calls by hand > 20 11:00 20 11:30 failed"},
			night: "21 02:15: calls 02:15"},
		{name: "failed, where the night is owed", members: "calls 15 2 * * *", now: "20 04:00",
			tries: []string{"calls 20 02:15 > 20 02:15 20 02:16 failed", "calls by hand > 20 03:00 20 03:30 failed"},
			night: "20 03:50: calls 03:50 for 20 02:15 again", owed: "calls 20 02:15 next 20 03:50 because failed"},
		{name: "under way", members: "calls 15 2 * * *; waves 45 2 * * *", now: "20 02:20",
			tries: []string{"calls by hand > 20 02:10 - running"},
			night: "20 02:45: waves 02:45", owed: "calls 20 02:15 under way"},
		{name: "under way, and nothing is owed", members: "calls 15 2 * * *", now: "20 02:14",
			tries: []string{"calls by hand > 20 02:10 - running"},
			night: "20 02:15: calls 02:15"},
	})
}

func TestRecordsOfAClockThatWasAheadPayForNothing(t *testing.T) {
	checkAll(t, []decision{
		{name: "loaded in the future", members: "calls 15 2 * * *", now: "20 03:00",
			tries: []string{"calls 19 02:15 > 19 02:15 19 02:16 loaded", "calls 27 02:15 > 27 09:00 27 09:10 loaded"},
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 next 20 02:15"},
		{name: "failed in the future", members: "calls 15 2 * * *", now: "20 03:00",
			tries: []string{"calls 20 02:15 > 20 02:15 20 02:16 loaded", "calls 27 02:15 > 27 09:00 27 09:10 failed"},
			night: "21 02:15: calls 02:15"},
		{name: "ended in the future", members: "calls 15 2 * * *", now: "20 03:00",
			tries: []string{"calls 20 02:15 > 20 02:15 27 02:16 failed"},
			night: "20 02:25: calls 02:25 for 20 02:15 again", owed: "calls 20 02:15 next 20 02:25 because failed"},
		{name: "scheduled in the future", members: "calls 15 2 * * *", since: "27 12:00", now: "20 02:15",
			night: "20 02:15: calls 02:15", owed: "calls 20 02:15 next 20 02:15"},
		{name: "every six hours", members: "calls @every 6h", now: "20 03:00",
			tries: []string{"calls 20 02:00 > 20 02:00 20 02:16 loaded", "calls 27 02:15 > 27 09:00 27 09:10 loaded"},
			night: "20 08:00: calls 08:00"},
	})
}
