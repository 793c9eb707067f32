package schedule

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// wait is the longest sleep without a look at the clock: a machine that slept,
// or whose clock was set, is late by no more than this.
const wait = time.Minute

// Source is what Loop goes by.
type Source struct {
	// Members gives those that are scheduled, and how; it is asked before every
	// decision.
	Members func() ([]Member, Policy)

	// Tries reads what is recorded; it is asked before every decision, and every
	// minute while a try is Running.
	Tries func() ([]Try, error)

	Changed <-chan struct{}  // wakes the loop to ask again; may be nil
	Beat    func()           // called at least every minute, also during a run, by any goroutine; may be nil
	Now     func() time.Time // the wall clock; the machine's, if nil
}

// Loop runs nights until ctx ends, and returns after the run under way has. Run is
// called on Loop's own goroutine, so never twice at once, and gets that same ctx. It
// records a try at each member that it walks, which is how the loop knows of them.
//
// A run that leaves no try behind, because it had no lock, say, is logged and
// comes again after the delay of the policy, which grows as after a failure; so it
// is where the tries cannot be read. Any other error of run is logged.
//
// A fire time that is given up is logged once.
func Loop(ctx context.Context, source Source, run func(context.Context, Night) error, log *slog.Logger) {
	if source.Now == nil {
		source.Now = now
	}
	if source.Beat == nil {
		source.Beat = func() {}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := loop{Source: source, log: log, up: source.Now(), ahead: map[stamp]bool{}, said: map[stamp]bool{}}
	for ctx.Err() == nil {
		night, until := l.decide()
		if until.After(l.Now()) {
			l.sleep(ctx, until)
			continue
		}
		l.walk(ctx, night, run)
	}
}

// loop is Loop's own state. What was run, and what is owed, are not of it.
type loop struct {
	Source
	log     *slog.Logger
	up      time.Time
	last    Night          // that was run, until its tries have been looked for
	began   time.Time      // when it was
	failed  int            // looks and runs in a row that came to nothing
	waiting string         // what was last said of it
	said    map[stamp]bool // debts of which it was said that they are given up
	ahead   map[stamp]bool // tries that were once seen to have started in the future
}

// stamp names a try, or a fire time, of a member.
type stamp struct {
	member string
	at     int64 // in nanoseconds since 1970
}

// decide says what is to be run, and when to ask again: where that is not in the
// future, the night is to be run.
func (l *loop) decide() (Night, time.Time) {
	members, p := l.Members()
	now := l.Now()
	if now.Before(l.up) {
		l.up = now // the clock was put back
	}
	tries, err := l.Tries()
	if err != nil {
		l.log.Error("read what has been run", "error", err)
		return Night{}, now.Add(l.failure(p))
	}
	tries = l.believed(tries, now)
	last := l.last
	l.last = Night{}
	switch {
	case len(last.Members) == 0:
	case l.recorded(last, tries):
		l.failed = 0
	default:
		delay := l.failure(p)
		l.log.Warn("the night was not run", "pipelines", names(last), "again", now.Add(delay))
		return Night{}, now.Add(delay)
	}
	all := survey(members, tries, p, l.up, now)
	l.sayGivenUp(owed(all))
	night := next(all, p, now)
	until := night.At
	if len(night.Members) == 0 {
		until = now.Add(time.Hour)
	}
	if until.After(now) {
		l.sayWaiting(night)
		if slices.ContainsFunc(tries, func(t Try) bool { return t.Outcome == Running }) && until.Sub(now) > wait {
			until = now.Add(wait)
		}
	}
	return night, until
}

func (l *loop) failure(p Policy) time.Duration {
	l.failed++
	return p.backoff(l.failed)
}

// believed leaves out the tries that started in the future, now or at an earlier
// look: they were written by a clock that was ahead, and would pay for a night that
// nobody ran when the clock gets there.
func (l *loop) believed(tries []Try, now time.Time) []Try {
	return slices.DeleteFunc(slices.Clone(tries), func(t Try) bool {
		s := stamp{t.Member, t.Started.UnixNano()}
		if t.Started.After(now) {
			l.ahead[s] = true
		}
		return l.ahead[s] && t.Outcome != Running
	})
}

// recorded reports whether a try was made at a member of the night since it began.
func (l *loop) recorded(n Night, tries []Try) bool {
	return slices.ContainsFunc(tries, func(t Try) bool {
		return !t.Started.Before(l.began) &&
			slices.ContainsFunc(n.Members, func(m Turn) bool { return m.Name == t.Member })
	})
}

func (l *loop) sayGivenUp(debts []Debt) {
	for _, d := range debts {
		s := stamp{d.Member, d.Due.UnixNano()}
		if d.Next.IsZero() && !d.Under && !l.said[s] {
			l.said[s] = true
			l.log.Error("night given up", "pipeline", d.Member, "due", d.Due, "tries", d.Tries, "reason", d.Why)
		}
	}
}

func (l *loop) sayWaiting(n Night) {
	text := strings.Join(names(n), ",") + n.At.String()
	if text == l.waiting {
		return
	}
	l.waiting = text
	if len(n.Members) == 0 {
		l.log.Warn("no pipeline is scheduled")
		return
	}
	l.log.Info("waiting", "until", n.At, "pipelines", names(n))
}

// walk runs a night. The beat goes on meanwhile: a run may take hours.
func (l *loop) walk(ctx context.Context, n Night, run func(context.Context, Night) error) {
	l.last, l.began, l.waiting = n, l.Now().Truncate(time.Second), "" // records may keep milliseconds
	done := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() {
		ticker := time.NewTicker(wait)
		defer ticker.Stop()
		for {
			l.Beat()
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	})
	err := run(ctx, n)
	close(done)
	beats.Wait()
	if err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		l.log.Error("scheduled run", "pipelines", names(n), "error", err)
	}
}

// sleep waits until the wall clock has reached t, ctx ends, the configuration has
// changed, or the clock was put back: then t may be long after what is due.
func (l *loop) sleep(ctx context.Context, t time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for seen := l.Now(); seen.Before(t); {
		l.Beat()
		timer.Reset(min(t.Sub(seen), wait))
		select {
		case <-ctx.Done():
			return
		case <-l.Changed:
			return
		case <-timer.C:
		}
		woke := l.Now()
		if woke.Before(seen) {
			return
		}
		seen = woke
	}
}

func names(n Night) []string {
	list := make([]string, len(n.Members))
	for i, m := range n.Members {
		list[i] = m.Name
	}
	return list
}

// now reads the wall clock alone: the monotonic one stands still while a machine
// sleeps, and does not hear of corrections.
func now() time.Time { return time.Now().Round(0) }
