package schedule_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/cmd/etl/internal/schedule"
)

// Twenty years of bad luck, by seed, in three zones.
func TestNoNightIsLost(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 3
	}
	var sum tally
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			y := newYear(t, seed)
			y.trouble()
			y.live()
			y.check(&sum)
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
	t.Logf("%d years: %+v", seeds, sum)
}

// A year in which nothing goes wrong is a generation a night.
func TestAYearWithoutTroubleIsAGenerationANight(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			y := newYear(t, seed)
			y.live()
			var sum tally
			y.check(&sum)
			if len(y.published) != 365 || len(y.tries) != 4*365 {
				t.Errorf("%s: %d generations of %d tries, want 365 of 1460", y.loc, len(y.published), len(y.tries))
			}
		})
	}
}

// tally counts what the years had in them, so that a test without trouble shows.
type tally struct {
	Loaded, Skipped, Quiet           int // fire times, and nights in which nothing was wrong
	Tries, Failed, Interrupted, Died int
}

// check goes through every fire time of the year.
func (y *year) check(sum *tally) {
	for _, m := range y.members {
		for due := m.Schedule.Next(y.begin); due.Before(y.end); due = m.Schedule.Next(due) {
			made := y.made(m.Name, due)
			loaded := 0
			for _, t := range made {
				if t.Outcome == schedule.Loaded {
					loaded++
				}
			}
			switch {
			case loaded == 1:
				sum.Loaded++
			case loaded > 1:
				y.t.Errorf("%s of %s was loaded %d times", m.Name, due, loaded)
			case y.hadItsChance(m, due, made):
				y.t.Errorf("%s of %s was not loaded: %+v", m.Name, due, made)
			default:
				sum.Skipped++
			}
			y.count(made, sum)
		}
	}
	y.checkQuietNights(sum)
	if debts := schedule.Owed(y.members, y.tries, y.policy, y.end, y.end); len(debts) > 0 {
		y.t.Errorf("owed at the end: %+v", debts)
	}
}

func (y *year) count(made []schedule.Try, sum *tally) {
	sum.Tries += len(made)
	for _, t := range made {
		switch {
		case t.Finished.IsZero():
			sum.Died++
		case t.Outcome == schedule.Failed:
			sum.Failed++
		case t.Outcome == schedule.Interrupted:
			sum.Interrupted++
		}
	}
}

func (y *year) made(name string, due time.Time) []schedule.Try {
	var made []schedule.Try
	for _, t := range y.tries {
		if t.Member == name && t.Night.Equal(due) {
			made = append(made, t)
		}
	}
	return made
}

// hadItsChance reports whether four hours passed in which nothing was wrong, while a
// fire time was the newest, and its reruns not over: enough for the longest delay, the
// longest wait for the others, and the walk.
func (y *year) hadItsChance(m schedule.Member, due time.Time, made []schedule.Try) bool {
	const enough = 4 * time.Hour
	over := m.Schedule.Next(due)
	if len(made) > 0 && made[0].Started.Add(y.policy.For).Before(over) {
		over = made[0].Started.Add(y.policy.For)
	}
	from := due
	for _, s := range y.wrong(m.Name) {
		if s.from.Sub(from) >= enough && over.Sub(from) >= enough {
			return true
		}
		from = latest(from, s.to)
	}
	return over.Sub(from) >= enough
}

// wrong lists, in order of time, what kept a member from being loaded.
func (y *year) wrong(name string) []spell {
	all := slices.Concat(y.down, y.overruns, y.away[name])
	slices.SortFunc(all, func(a, b spell) int { return a.from.Compare(b.from) })
	return all
}

// checkQuietNights expects one generation, of all members at their first try, where
// nothing was wrong from an hour before the night until it was over.
func (y *year) checkQuietNights(sum *tally) {
	all := slices.Concat(y.down, y.overruns)
	for _, s := range y.away {
		all = append(all, s...)
	}
	first, last := y.members[0].Schedule, y.members[len(y.members)-1].Schedule
	for due := first.Next(y.begin); due.Before(y.end); due = first.Next(due) {
		from, to := due.Add(-time.Hour), last.Next(due.Add(-1)).Add(time.Hour)
		if slices.ContainsFunc(all, func(s spell) bool { return s.meets(from, to) }) {
			continue
		}
		sum.Quiet++
		generations := 0
		for _, with := range y.published {
			if at := with[0].Night; !at.Before(due) && at.Before(to) {
				generations++
				if len(with) != len(y.members) {
					y.t.Errorf("the generation of %s came with %d members", due, len(with))
				}
			}
		}
		if generations != 1 {
			y.t.Errorf("the night of %s has %d generations", due, generations)
		}
	}
}
