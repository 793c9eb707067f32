package schedule

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// standing is how one member stands: what it owes, oldest first, and its first fire
// time after now. Of its debts only the last can have a Next.
type standing struct {
	member Member
	debts  []Debt
	fires  time.Time
}

// turn is the member's next one: what it owes, or its next fire time where that
// comes first and nothing has to be made up for before.
func (s standing) turn(p Policy) (turn, bool) {
	t := turn{Turn: Turn{Name: s.member.Name, Due: s.fires, At: s.fires}, after: s.member.After}
	if len(s.debts) > 0 {
		d := s.debts[len(s.debts)-1]
		if d.Under {
			return turn{}, false
		}
		first := s.fires.IsZero() || d.Next.Before(s.fires) || p.CatchUp == Each
		if !d.Next.IsZero() && first {
			t.Due, t.At, t.Again, t.then = d.Due, d.Next, d.Tries > 0, s.fires
		}
	}
	if t.At.IsZero() {
		return turn{}, false
	}
	if t.then.IsZero() {
		t.then = s.member.Schedule.Next(t.At)
	}
	return t, true
}

// survey finds how each member stands.
func survey(members []Member, tries []Try, p Policy, up, now time.Time) []standing {
	made := map[string][]Try{}
	under := map[string]bool{}
	for _, t := range tries {
		switch {
		case t.Outcome == Running:
			under[t.Member] = true
		case !t.Started.After(now) && !t.at().After(now):
			made[t.Member] = append(made[t.Member], t)
		}
	}
	all := make([]standing, len(members))
	for i, m := range members {
		of := made[m.Name]
		slices.SortStableFunc(of, func(a, b Try) int { return a.Started.Compare(b.Started) })
		if m.Since.IsZero() || m.Since.After(up) {
			m.Since = up
		}
		s := &all[i]
		s.member = m
		if _, ok := m.Schedule.(cron.ConstantDelaySchedule); ok {
			s.elapsed(of, p, up, now)
		} else {
			s.calendar(of, p, up, now)
		}
		if under[m.Name] && len(s.debts) > 0 {
			s.debts[len(s.debts)-1].Under = true
		}
	}
	return all
}

// calendar is for schedules whose fire times stand in the calendar.
func (s *standing) calendar(tries []Try, p Policy, up, now time.Time) {
	fires := s.member.Schedule
	s.fires = fires.Next(now)
	first := fires.Next(begin(s.member.Since, tries))
	if first.IsZero() || first.After(now) {
		return
	}
	due := first
	if p.CatchUp != Each {
		due = newest(fires, first, now)
	}
	for !due.IsZero() && !due.After(now) {
		next := fires.Next(due)
		made := between(tries, due, next)
		if len(made) == 0 && p.CatchUp == None && due.Before(up) {
			return
		}
		if s.owe(due, first, made, p, up, now) {
			return
		}
		due = next
	}
}

// begin is the time after which the first fire time is owed: the last one that
// loaded, or just before the first try, or when the member was first scheduled.
func begin(since time.Time, tries []Try) time.Time {
	var loaded time.Time
	for _, t := range tries {
		if t.Outcome == Loaded {
			loaded = later(loaded, t.at())
		} else if before := t.at().Add(-1); before.Before(since) {
			since = before
		}
	}
	if loaded.IsZero() {
		return since
	}
	return loaded
}

// newest is the last fire time up to now; first is one of them. It halves the time
// in between, because a schedule can only be asked forwards.
func newest(s cron.Schedule, first, now time.Time) time.Time {
	for end := now; ; {
		next := s.Next(first)
		if next.IsZero() || next.After(now) {
			return first
		}
		half := first.Add(end.Sub(first) / 2)
		if late := s.Next(half); late.IsZero() || late.After(now) {
			first, end = next, half
		} else {
			first = late
		}
	}
}

// between are the tries for a fire time, which end where those for the next begin.
func between(tries []Try, due, next time.Time) []Try {
	var found []Try
	for _, t := range tries {
		if at := t.at(); !at.Before(due) && (next.IsZero() || at.Before(next)) {
			found = append(found, t)
		}
	}
	return found
}

// elapsed is for "@every 6h": six hours after the first try of a night, or after the
// one that loaded, the next one is due. However long nothing ran, that is one night.
func (s *standing) elapsed(tries []Try, p Policy, up, now time.Time) {
	from, loaded := s.member.Since, s.member.Since // of the last try that counts, and the last that loaded
	var due time.Time
	var made []Try
	paid := true
	for _, t := range tries {
		night := t.Night
		if night.IsZero() {
			night = due
			if f := s.member.Schedule.Next(from); !f.After(t.Started) {
				night = f
			}
		}
		if night.After(due) {
			due, made, paid = night, nil, false
			from = later(t.Started, t.Night)
		}
		made = append(made, t)
		if t.Outcome == Loaded {
			paid = true
			from = later(t.Started, t.Night)
			loaded = from
		}
	}
	since := s.member.Schedule.Next(loaded)
	s.fires = s.member.Schedule.Next(from)
	if p.CatchUp == None && s.fires.Before(up) {
		s.fires = s.member.Schedule.Next(up)
	}
	switch {
	case !s.fires.After(now):
		s.owe(s.fires, since, nil, p, up, now)
		s.fires = s.member.Schedule.Next(now)
	case !paid:
		s.owe(due, since, made, p, up, now)
	}
}

// owe adds a fire time to what is owed, and reports whether it is still to be paid.
func (s *standing) owe(due, since time.Time, made []Try, p Policy, up, now time.Time) bool {
	d := Debt{Member: s.member.Name, Due: due, Since: since, Tries: len(made), Next: due}
	if since.After(due) {
		d.Since = due
	}
	if len(made) > 0 {
		d.Why = made[len(made)-1].Reason
		d.Next = p.again(made, up, now)
	}
	s.debts = append(s.debts, d)
	return !d.Next.IsZero()
}

// again is when a member is tried once more after these tries for one fire time, of
// which none loaded; zero if it is given up. What failed before the scheduler came up is
// tried at once: what was wrong may have been mended.
func (p Policy) again(made []Try, up, now time.Time) time.Time {
	count := func(o Outcome) (n int) {
		for _, t := range made {
			if t.ended() == o {
				n++
			}
		}
		return n
	}
	last := made[len(made)-1]
	at := last.Finished
	if at.IsZero() || at.After(now) { // the clock was put back
		at = last.Started
	}
	switch n := count(last.ended()); last.ended() {
	case died:
		if n > 1 { // what kills the program may do so each time
			at = at.Add(p.backoff(n - 1))
		}
	case Interrupted:
	case Missing:
		if n > 1 {
			return time.Time{}
		}
		at = at.Add(p.Delay)
	case Hopeless:
		return time.Time{}
	default:
		if !at.Before(up) {
			at = at.Add(p.backoff(n))
		}
	}
	if !at.Before(made[0].Started.Add(p.For)) {
		return time.Time{}
	}
	return at
}

// backoff is how long to wait after the nth failure in a row.
func (p Policy) backoff(n int) time.Duration {
	d := p.Delay
	for ; n > 1 && d < time.Hour; n-- {
		d *= 2
	}
	return max(p.Delay, min(d, time.Hour))
}
