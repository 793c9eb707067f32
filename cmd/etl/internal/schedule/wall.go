package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// wall is a schedule of wall-clock times: each one fires once, also on the
// nights when the clock skips or repeats it.
type wall struct {
	fields *cron.SpecSchedule // in UTC: computes on walls
	loc    *time.Location
}

// Next walks the wall-clock times after t's own and returns the first whose
// instant is after t. In a repeated hour some lie behind: their first showing is
// the one that counts.
func (s wall) Next(t time.Time) time.Time {
	for w := s.fields.Next(wallOf(t, s.loc)); !w.IsZero(); w = s.fields.Next(w) {
		if at := instant(w, s.loc); at.After(t) {
			return at.In(t.Location())
		}
	}
	return time.Time{}
}

// clock is a schedule that follows the clock as it runs, hour by hour.
type clock struct {
	fields *cron.SpecSchedule
	loc    *time.Location
}

// Next looks for a match under the offset in force at t, then under the offset
// after the next change of the clock, and so on. Most zones change twice a year
// and robfig/cron looks five years ahead, so a handful of steps decides.
func (s clock) Next(t time.Time) time.Time {
	for from := t; ; {
		here := from.In(s.loc)
		_, offset := here.Zone()
		w := s.fields.Next(wallOf(from, s.loc))
		if w.IsZero() {
			return time.Time{}
		}
		at := w.Add(-time.Duration(offset) * time.Second)
		_, end := here.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			return at.In(t.Location())
		}
		if s.fires(end) {
			return end.In(t.Location())
		}
		from = end
	}
}

// fires reports whether t itself is a fire time. Next is strictly after its
// argument, so it is asked from just before.
func (s clock) fires(t time.Time) bool {
	w := wallOf(t, s.loc)
	return s.fields.Next(w.Add(-time.Nanosecond)).Equal(w)
}

// wallOf returns what a clock in loc shows at t, written down as if it were UTC.
func wallOf(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant returns when a clock in loc first shows the wall w, and where it never
// does, the first moment after the gap.
func instant(w time.Time, loc *time.Location) time.Time {
	// Offsets lie between -12 h and +14 h: a change that bears on w is within a day.
	for from := w.Add(-24 * time.Hour).In(loc); ; {
		_, offset := from.Zone()
		at := w.Add(-time.Duration(offset) * time.Second)
		_, end := from.ZoneBounds()
		switch {
		case end.IsZero() || at.Before(end):
			// The wall may lie in the gap that began this stretch.
			if at.Before(from) {
				return from
			}
			return at
		default:
			from = end.In(loc)
		}
	}
}
