package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/generation"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// Rollback makes generation n live again; zero is the one that the live one was
// built on, or the newest before it that is left. What had landed for the generations
// that it takes back is held: it is published again on someone's word alone.
// It returns the numbers of the generations that were and are live; where nobody
// can tell which one was, that is zero.
func (r *Runner) Rollback(n int) (from, to int, err error) {
	release, err := r.acquire()
	if err != nil {
		return 0, 0, err
	}
	defer release()
	from, before, err := r.before()
	if err != nil && (n == 0 || errors.Is(err, generation.ErrNone)) {
		return 0, 0, err
	}
	if n == 0 {
		n = before
	}
	numbers, err := r.store().Numbers()
	if err != nil {
		return 0, 0, err
	}
	if !slices.Contains(numbers, n) {
		return 0, 0, &UsageError{fmt.Sprintf("there is no generation %d; there are %v", n, numbers)}
	}
	if err := r.decideRollback(n); err != nil {
		return 0, 0, err
	}
	return from, n, r.mended(r.store().SetCurrent(n))
}

// decideRollback records that generation n is to be live, and holds what counts now and
// does not count there. Where the live one cannot be read, nobody knows what counts, and
// the rollback alone is recorded.
func (r *Runner) decideRollback(n int) error {
	target, err := r.store().Get(n)
	if err != nil {
		return r.mended(err)
	}
	run, err := r.look(Request{anew: true})
	if err != nil {
		return err
	}
	kept, err := settledOf(target.Manifest)
	if err != nil {
		return err
	}
	run.book.Know(target.Manifest.RunID, kept)
	d := ledger.Decision{Kind: ledger.Rollback, Parent: target.Manifest.RunID, Streams: map[ref.Stream]ledger.Change{}}
	streams, err := run.streamsKnown()
	if err != nil {
		return err
	}
	for _, s := range streams {
		key := s
		counted, err := run.counted(s)
		if err != nil {
			return err
		}
		c := ledger.Change{Reason: fmt.Sprintf("generation %d, which does not hold it, was made live again", n)}
		for _, id := range counted {
			if !kept[key].Holds(id) {
				c.Runs = append(c.Runs, ledger.Counted{ID: id})
			}
		}
		if len(c.Runs) > 0 {
			d.Streams[key] = c
		}
	}
	return run.decideAlone("rollback", n, d)
}

// decideAlone records a decision that no run is needed for.
func (r *run) decideAlone(mode string, generation int, d ledger.Decision) error {
	last, err := r.newestRun()
	if err != nil {
		return err
	}
	if r.id, err = r.zone.NewRunID(r.now, last); err != nil {
		return err
	}
	r.record = runlog.Record{
		RunID: r.id, Mode: mode, Version: r.Version, Started: r.now, Finished: r.now, Status: string(Complete), Generation: generation,
	}
	return r.decide(d)
}

// repeatRollback makes a generation live whose rollback was decided, and which died
// before the rename.
func (r *run) repeatRollback() error {
	var last *ledger.Decision
	for _, d := range decisionsOf(r.recorded) {
		if d.Kind == ledger.Publish || d.Kind == ledger.Rollback {
			last = &d
		}
	}
	if last == nil || last.Kind != ledger.Rollback || r.parent == nil || last.Parent == r.parent.Manifest.RunID {
		return nil
	}
	numbers, err := r.store.Numbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		g, err := r.store.Get(n)
		if err != nil || g.Manifest.RunID != last.Parent {
			continue
		}
		r.found("the rollback to generation %d of %s had not ended; it has now", n, last.RunID)
		if err := r.store.SetCurrent(n); err != nil {
			return err
		}
		r.parent = g
		return r.remember()
	}
	return nil
}

// before tells which generation is live, and which one it can be rolled back to.
func (r *Runner) before() (live, before int, err error) {
	live, err = r.store().Live()
	if err != nil {
		return 0, 0, r.mended(err)
	}
	if g, err := r.store().Get(live); err == nil {
		if _, err := r.store().Get(g.Manifest.Parent); err == nil {
			return live, g.Manifest.Parent, nil
		}
	}
	if before = r.newestReadable(live); before != 0 {
		return live, before, nil
	}
	if _, err := r.store().Get(live); err != nil {
		return live, 0, r.mended(err)
	}
	return live, 0, &UsageError{fmt.Sprintf("generation %d is the oldest there is: there is nothing to roll back to", live)}
}
