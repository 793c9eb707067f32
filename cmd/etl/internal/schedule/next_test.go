package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/schedule"
)

// Tests of decisions write times as "20 02:15": a day of November 2026 and a time,
// in UTC.
func on(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01 02 15:04", "2026-11 "+text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// try reads "calls 20 02:15 > 20 02:15 20 02:16 failed": member, night (or "by
// hand"), start, end (or "-") and outcome.
func try(t *testing.T, line string) schedule.Try {
	t.Helper()
	head, tail, ok := strings.Cut(line, " > ")
	if !ok {
		t.Fatalf("try %q has no >", line)
	}
	member, night, _ := strings.Cut(head, " ")
	tail, outcome := tail[:strings.LastIndex(tail, " ")], tail[strings.LastIndex(tail, " ")+1:]
	made := schedule.Try{Member: member, Started: on(t, tail[:8]), Outcome: schedule.Outcome(outcome), Reason: "because " + outcome}
	if night != "by hand" {
		made.Night = on(t, night)
	}
	if end := strings.TrimSpace(tail[8:]); end != "-" {
		made.Finished = on(t, end)
	}
	return made
}

// decision is a table's row: what is asked, of which records.
type decision struct {
	name    string
	members string // "calls 15 2 * * *; waves 45 2 * * * after calls"
	catchUp schedule.CatchUp
	since   string // of all members; when the scheduler came up, if empty
	up      string // 19 12:00, if empty
	now     string
	tries   []string
	night   string // "20 02:15: calls 02:15, waves 02:45 again": what Next is to say
	owed    string // "calls 20 02:15 since 19 02:15 next 20 02:25 because failed": what Owed is to say
}

func (d decision) check(t *testing.T) {
	var members []schedule.Member
	for part := range strings.SplitSeq(d.members, "; ") {
		line, first, _ := strings.Cut(part, " after ")
		name, spec, _ := strings.Cut(line, " ")
		s, err := schedule.Parse(spec, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		m := schedule.Member{Name: name, Schedule: s, After: strings.Fields(first)}
		if d.since != "" {
			m.Since = on(t, d.since)
		}
		members = append(members, m)
	}
	var tries []schedule.Try
	for _, line := range d.tries {
		tries = append(tries, try(t, line))
	}
	p := schedule.Policy{Delay: 10 * time.Minute, For: 6 * time.Hour, CatchUp: d.catchUp, Window: time.Hour}
	up := on(t, "19 12:00")
	if d.up != "" {
		up = on(t, d.up)
	}
	now := on(t, d.now)
	if got := told(schedule.Next(members, tries, p, up, now)); got != d.night {
		t.Errorf("next night:\n got %s\nwant %s", got, d.night)
	}
	if got := listed(schedule.Owed(members, tries, p, up, now)); got != d.owed {
		t.Errorf("owed:\n got %s\nwant %s", got, d.owed)
	}
}

// told writes a night down. Of a turn it says the fire time where that is not when
// it is walked.
func told(n schedule.Night) string {
	var turns []string
	for _, m := range n.Members {
		text := m.Name + " " + m.At.Format("15:04")
		if !m.Due.Equal(m.At) {
			text += " for " + m.Due.Format("02 15:04")
		}
		if m.Again {
			text += " again"
		}
		turns = append(turns, text)
	}
	if len(turns) == 0 {
		return ""
	}
	return n.At.Format("02 15:04") + ": " + strings.Join(turns, ", ")
}

func listed(debts []schedule.Debt) string {
	var lines []string
	for _, d := range debts {
		text := fmt.Sprintf("%s %s", d.Member, d.Due.Format("02 15:04"))
		if !d.Since.Equal(d.Due) {
			text += " since " + d.Since.Format("02 15:04")
		}
		switch {
		case d.Under:
			text += " under way"
		case d.Next.IsZero():
			text += " given up"
		default:
			text += " next " + d.Next.Format("02 15:04")
		}
		if d.Why != "" {
			text += " " + d.Why
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "; ")
}

func checkAll(t *testing.T, rows []decision) {
	for _, d := range rows {
		t.Run(d.name, d.check)
	}
}

// add appends tries for the night of the 20th at calls, parted by commas.
func (d *decision) add(tries string) {
	for line := range strings.SplitSeq(tries, ", ") {
		d.tries = append(d.tries, "calls 20 02:15 > "+line)
	}
}

func lastWord(line string) string { return line[strings.LastIndex(line, " ")+1:] }
