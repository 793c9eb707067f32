// Package schedule says when a pipeline runs: what a cron line means in a time
// zone whose clocks change, which nights are owed, and the loop that waits.
//
// A night is owed until it is loaded. What is owed follows from what is recorded
// alone (Next, Owed), so that a process that was killed, or a machine that was off,
// forgets nothing.
//
// Cron lines are parsed by robfig/cron. What it computes is corrected for the
// two nights a year on which a clock is moved:
//
//   - A line that names its hours ("15 2 * * *") fires once for each wall-clock
//     time it names. Where the clock skips that time, it fires at the first
//     minute after the gap (03:00 for 02:15 on 2026-03-29 in Europe/Paris), so
//     that the night is not lost. Where the clock shows it twice, it fires the
//     first time only.
//   - A line that fires in all 24 hours ("*/15 * * * *", "@hourly") follows the
//     clock as it runs: the skipped hour has no fire times, the repeated hour
//     has them twice.
//   - "@every 6h" counts elapsed time and knows no clock.
package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// want ends every error of Parse.
const want = `want five fields such as "15 2 * * *"`

// Parse reads a cron line of five fields (minute, hour, day of month, month, day
// of week) or a descriptor (@daily, @every 6h) in loc, or in the zone that the
// line's own CRON_TZ= or TZ= names. The error quotes the line, says which field
// is wrong, and what would be right.
//
// The schedule's Next returns times in the location of its argument, and the
// zero time where a line has no fire time within five years.
func Parse(spec string, loc *time.Location) (cron.Schedule, error) {
	line, loc, err := zone(spec, loc)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", spec, err)
	}
	if err := check(line); err != nil {
		return nil, fmt.Errorf("%q: %w; %s", spec, err, want)
	}
	parsed, err := cron.ParseStandard(line)
	if err != nil {
		return nil, fmt.Errorf("%q: %w; %s", spec, err, want)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return parsed, nil
	}
	fields.Location = time.UTC // the walls below stand on UTC, which has no gaps
	var s cron.Schedule = wall{fields, loc}
	if fields.Hour&everyHour == everyHour {
		s = clock{fields, loc}
	}
	if s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q: no calendar has such a day; %s", spec, want)
	}
	return s, nil
}

// everyHour has the bits of the hours 0 to 23.
const everyHour = 1<<24 - 1

// zone takes a leading CRON_TZ= or TZ= off the line. robfig/cron would panic on
// one that nothing follows.
func zone(spec string, loc *time.Location) (string, *time.Location, error) {
	line := strings.TrimSpace(spec)
	rest, ok := strings.CutPrefix(line, "CRON_TZ=")
	if !ok {
		rest, ok = strings.CutPrefix(line, "TZ=")
	}
	if !ok {
		return line, loc, nil
	}
	name, line, _ := strings.Cut(rest, " ")
	loc, err := Zone(name)
	return strings.TrimSpace(line), loc, err
}

// Zone loads an IANA time zone. It refuses "" and "Local", which would mean
// another zone on another machine.
func Zone(name string) (*time.Location, error) {
	const want = "want an IANA name such as Europe/Paris or UTC"
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q is not the same everywhere; %s", name, want)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q; %s", name, want)
	}
	return loc, nil
}
