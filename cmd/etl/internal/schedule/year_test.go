package schedule_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/schedule"
)

// spell is a stretch of time in which something is wrong.
type spell struct {
	from, to time.Time
	crash    bool // the process ends without a word; for spells of downtime
}

func (s spell) meets(from, to time.Time) bool { return s.from.Before(to) && from.Before(s.to) }

// year is a simulated year of a daemon, its vendors and the machine. It is made, and
// lived, in a bubble of fake time.
type year struct {
	t       *testing.T
	rng     *rand.Rand
	loc     *time.Location
	members []schedule.Member
	policy  schedule.Policy
	begin   time.Time
	end     time.Time

	down []spell            // the process is not there
	away map[string][]spell // the vendor of a member is
	slow map[string][]spell // a walk that begins within takes thirty hours

	ahead     []schedule.Try // written by a clock that was ahead
	tries     []schedule.Try
	published [][]schedule.Try // what came with each generation
	overruns  []spell          // walks of thirty hours, as far as they came
}

// live runs the daemon as often as it comes up.
func (y *year) live() {
	time.Sleep(time.Until(y.begin))
	for _, d := range append(y.down, spell{from: y.end, to: y.end}) {
		ctx, cancel := context.WithDeadline(context.Background(), d.from)
		schedule.Loop(ctx, schedule.Source{
			Members: func() ([]schedule.Member, schedule.Policy) { return y.members, y.policy },
			Tries:   func() ([]schedule.Try, error) { return y.recent(), nil },
		}, func(ctx context.Context, n schedule.Night) error { return y.night(ctx, n, d.crash) }, nil)
		cancel()
		time.Sleep(time.Until(d.to))
	}
}

// recent is what is read of the records: the last weeks.
func (y *year) recent() []schedule.Try {
	return slices.Concat(y.ahead, y.tries[max(0, len(y.tries)-200):])
}

// night walks the members and publishes what was not refused. A try is recorded when
// it begins, and has no end until it is said that it has.
func (y *year) night(ctx context.Context, n schedule.Night, crash bool) error {
	first := len(y.tries)
	for _, m := range n.Members {
		if !until(ctx, m.At) {
			break
		}
		y.walk(ctx, m)
	}
	var loaded []schedule.Try
	for i := first; i < len(y.tries); i++ {
		made := &y.tries[i]
		switch {
		case !made.Finished.IsZero(): // failed
		case ctx.Err() == nil:
			made.Outcome, made.Finished = schedule.Loaded, time.Now()
			loaded = append(loaded, *made)
		case !crash:
			made.Outcome, made.Finished = schedule.Interrupted, time.Now()
		}
	}
	if len(loaded) > 0 {
		y.published = append(y.published, loaded)
	}
	return ctx.Err()
}

// walk asks a vendor for 1 to 15 minutes, and fails soon after it has gone away.
func (y *year) walk(ctx context.Context, m schedule.Turn) {
	began := time.Now()
	y.tries = append(y.tries, schedule.Try{Member: m.Name, Night: m.Due, Started: began, Outcome: schedule.Failed})
	ends := began.Add(time.Duration(1+y.rng.IntN(15)) * time.Minute)
	slow := slices.ContainsFunc(y.slow[m.Name], func(s spell) bool { return s.meets(began, ends) })
	if slow {
		ends = began.Add(30 * time.Hour)
	}
	failed := false
	for _, s := range y.away[m.Name] {
		if s.meets(began, ends) {
			failed, ends = true, latest(began, s.from).Add(20*time.Second)
		}
	}
	if until(ctx, ends) && failed {
		made := &y.tries[len(y.tries)-1]
		made.Finished, made.Reason = time.Now(), "the vendor is away"
	}
	if slow {
		y.overruns = append(y.overruns, spell{from: began, to: time.Now()})
	}
}

// until sleeps, and reports whether ctx lasted as long.
func until(ctx context.Context, t time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(t)):
		return ctx.Err() == nil
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lines are scheduled in the zone of the year: over the hour that clocks skip and
// repeat, one of them with a predecessor.
var lines = []struct{ name, spec, after string }{
	{"messages", "15 2 * * *", "waves"},
	{"conversations", "15 2 * * *", ""},
	{"calls", "30 2 * * *", ""},
	{"waves", "0 3 * * *", ""},
}

func newYear(t *testing.T, seed uint64) *year {
	zones := []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe"}
	y := &year{
		t: t, rng: rand.New(rand.NewPCG(seed, 11)), loc: zone(t, zones[seed%3]),
		away: map[string][]spell{}, slow: map[string][]spell{},
	}
	y.policy = schedule.Policy{Delay: 10 * time.Minute, For: 6 * time.Hour, Window: time.Hour, Zone: y.loc}
	y.begin = time.Date(2026, 1, 1, 12, 0, 0, 0, y.loc)
	y.end = y.begin.AddDate(1, 0, 0)
	for _, l := range lines {
		s, err := schedule.Parse(l.spec, y.loc)
		if err != nil {
			t.Fatal(err)
		}
		m := schedule.Member{Name: l.name, Schedule: s, Since: y.begin}
		if l.after != "" {
			m.After = []string{l.after}
		}
		y.members = append(y.members, m)
	}
	return y
}

// trouble spreads what goes wrong over the year, half of it about the hours of the
// night. The last week is a quiet one.
func (y *year) trouble() {
	for range 24 {
		s := y.spell(time.Minute, 10*time.Minute, time.Hour, 10*time.Hour)
		s.crash = y.rng.IntN(2) == 0
		y.down = append(y.down, s)
	}
	y.down = append(y.down, y.spell(7*24*time.Hour))
	slices.SortFunc(y.down, func(a, b spell) int { return a.from.Compare(b.from) })
	for i := range y.down[1:] {
		y.down[i+1].from = latest(y.down[i+1].from, y.down[i].to.Add(time.Minute))
		y.down[i+1].to = latest(y.down[i+1].to, y.down[i+1].from.Add(time.Minute))
	}
	for _, m := range y.members {
		for range 12 {
			y.away[m.Name] = append(y.away[m.Name], y.spell(time.Minute, 20*time.Minute, 3*time.Hour, 30*time.Hour, 80*time.Hour))
		}
		y.slow[m.Name] = append(y.slow[m.Name], y.spell(24*time.Hour))
		at := m.Schedule.Next(y.end.AddDate(0, 0, -3))
		y.ahead = append(y.ahead, schedule.Try{Member: m.Name, Night: at, Started: at.Add(time.Second), Finished: at.Add(time.Hour), Outcome: schedule.Loaded})
	}
}

func (y *year) spell(lengths ...time.Duration) spell {
	from := y.begin.AddDate(0, 0, y.rng.IntN(340))
	if y.rng.IntN(2) == 0 {
		from = from.Add(time.Duration(y.rng.IntN(24*60)) * time.Minute)
	} else {
		from = from.Add(14*time.Hour + time.Duration(y.rng.IntN(100*60))*time.Second) // from 02:00
	}
	length := lengths[y.rng.IntN(len(lengths))]
	return spell{from: from, to: from.Add(length/2 + time.Duration(y.rng.Int64N(int64(length))))}
}
