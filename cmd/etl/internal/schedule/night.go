package schedule

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// Member is a pipeline that is scheduled.
type Member struct {
	Name     string
	Schedule cron.Schedule
	After    []string // members that walk before it where they are due in the same night

	// Since is when the member was first scheduled: until it has a try, it owes no
	// fire time up to then. Zero is when the scheduler came up.
	Since time.Time
}

// Outcome is how one try at a member ended.
type Outcome string

const (
	Loaded      Outcome = "loaded"      // published, and nothing is known to be missing
	Failed      Outcome = "failed"      // tried again after a delay that grows
	Interrupted Outcome = "interrupted" // stopped on request: tried again at once
	Missing     Outcome = "missing"     // held, or rows are known to be missing: tried once more
	Hopeless    Outcome = "hopeless"    // would end the same: not tried again for this night
	Running     Outcome = "running"     // under way, in another process: waited for
)

// Try is one recorded try at one member, by the scheduler or by hand. Replays,
// backfills and accepted runs are none.
type Try struct {
	Member string

	// Night is the fire time that the try was made for (Turn.Due), zero for a run by
	// hand. That one counts for the newest fire time at or before Started, and where
	// it loaded, for all before.
	Night             time.Time
	Started, Finished time.Time // a try without Finished died, unless it loaded or is Running
	Outcome           Outcome
	Reason            string // of an outcome other than Loaded
}

// died is the outcome of a try whose process ended before it did.
const died Outcome = "died"

func (t Try) ended() Outcome {
	if t.Finished.IsZero() && t.Outcome != Loaded && t.Outcome != Running {
		return died
	}
	return t.Outcome
}

// at is the time that the try counts for.
func (t Try) at() time.Time {
	if t.Night.IsZero() {
		return t.Started
	}
	return t.Night
}

// CatchUp says what is made of fire times that passed while nothing ran.
type CatchUp string

const (
	Latest CatchUp = "latest" // the newest one is made up for; also what an empty CatchUp means
	Each   CatchUp = "each"   // every one since the last that loaded, oldest first, a night each
	None   CatchUp = "none"   // none is; a night that was begun is still ended
)

// Policy is how long and how often the scheduler tries.
type Policy struct {
	// Delay is how long after a failure a member is tried again; after each further
	// failure of that night it is twice as long, up to an hour (or Delay, if that is
	// more). It must be positive.
	Delay time.Duration

	// For is how long after its first try a night's member is tried again. It is not
	// counted from the fire time, so that a night made up for after a long downtime
	// has its reruns too.
	For     time.Duration
	CatchUp CatchUp

	// Window is how long after its first due time a night takes members in, by the
	// clock of Zone (UTC, if nil) where that is put back meanwhile.
	Window time.Duration
	Zone   *time.Location
}

// closes is when a night that opens at t takes no more members in.
func (p Policy) closes(t time.Time) time.Time {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	return later(t.Add(p.Window), instant(wallOf(t, zone).Add(p.Window), zone))
}

// Night is what one run walks and publishes once. One without members is none:
// nothing will ever be due.
type Night struct {
	At      time.Time // when it opens; at once, if that is past
	Members []Turn    // in the order in which they are walked
}

// Turn is a member's place in a night.
type Turn struct {
	Name  string
	Due   time.Time // the fire time that is served; recorded as the try's Night
	At    time.Time // the member is not walked before
	Again bool      // there has been a try for Due
}

// Debt is a fire time that has passed and is not loaded.
type Debt struct {
	Member string
	Due    time.Time // the fire time
	Since  time.Time // the first fire time after the last one that loaded
	Tries  int       // made for Due
	Why    string    // what came of the last of them; empty where there was none
	Next   time.Time // when it is tried next, at once if that is past; zero if it is given up
	Under  bool      // a try is under way in another process
}

// Next says what is to be run next, going by what is recorded alone. It has no
// clock: now is the time, and up, not after now, is when the scheduler came up.
// Of tries the order is free, and those of a member before its last that loaded make
// no difference. Those with a Started or Night after now are passed over, because a
// clock was wrong when they were written.
//
// A night opens at the first time at which a member is due, and takes the members
// due within p.Window of that, up to the time at which one that it has taken is due
// once more. Where it opens with a rerun, it takes only what is due by then.
func Next(members []Member, tries []Try, p Policy, up, now time.Time) Night {
	return next(survey(members, tries, p, up, now), p, now)
}

// Owed lists what has passed and is not loaded, in the order of members: one fire
// time each, and under Each those before it that were given up. The arguments are
// those of Next.
func Owed(members []Member, tries []Try, p Policy, up, now time.Time) []Debt {
	return owed(survey(members, tries, p, up, now))
}

func next(all []standing, p Policy, now time.Time) Night {
	var turns []turn
	for _, s := range all {
		if t, ok := s.turn(p); ok {
			turns = append(turns, t)
		}
	}
	if len(turns) == 0 {
		return Night{}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return a.At.Compare(b.At) })
	opens := turns[0].At
	return Night{At: opens, Members: order(together(turns, p, now))}
}

func owed(all []standing) []Debt {
	var debts []Debt
	for _, s := range all {
		debts = append(debts, s.debts...)
	}
	return debts
}

// turn is a member's next turn, and when it is due after that.
type turn struct {
	Turn
	then  time.Time
	after []string // of the member
}

// together cuts off turns, which are in order of time, where the night of the first
// one ends.
func together(turns []turn, p Policy, now time.Time) []turn {
	open := later(turns[0].At, now)
	end := p.closes(turns[0].At)
	for i, t := range turns {
		switch {
		case !t.At.After(open):
			if t.Again {
				end = open
			}
		case t.At.After(end):
			return turns[:i]
		}
		if !t.then.IsZero() && !t.then.After(end) {
			end = t.then.Add(-1)
		}
	}
	return turns
}

// order puts each turn behind those that its member walks after, and otherwise
// leaves them in order of time. A turn is not due before one that it waits for.
func order(left []turn) []Turn {
	ordered := make([]Turn, 0, len(left))
	for len(left) > 0 {
		free := slices.IndexFunc(left, func(t turn) bool { return !t.waits(left) })
		free = max(free, 0) // a cycle, which the configuration refuses
		first := left[free].Turn
		ordered = append(ordered, first)
		left = slices.Delete(left, free, free+1)
		for i, t := range left {
			if slices.Contains(t.after, first.Name) {
				left[i].At = later(t.At, first.At)
			}
		}
		slices.SortStableFunc(left, func(a, b turn) int { return a.At.Compare(b.At) })
	}
	return ordered
}

// waits reports whether a member that t's walks after is among turns.
func (t turn) waits(turns []turn) bool {
	return slices.ContainsFunc(turns, func(o turn) bool { return o.Name != t.Name && slices.Contains(t.after, o.Name) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
