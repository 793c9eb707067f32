package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/generation"
	"nightjar/load/ref"
)

// Rollback makes generation n live again; zero is the one that the live one was
// built on, or the newest before it that is left. What had landed for the generations
// that it takes back is held: it is published again on someone's word alone.
// It returns the numbers of the generations that were and are live; where nobody
// can tell which one was, that is zero.
func Rollback(ctx context.Context, site *warehouse.Site, n int) (from, to int, err error) {
	release, err := site.Acquire(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer release()
	from, before, err := before(site)
	if err != nil && (n == 0 || errors.Is(err, generation.ErrNone)) {
		return 0, 0, err
	}
	if n == 0 {
		n = before
	}
	numbers, err := site.Store().Numbers()
	if err != nil {
		return 0, 0, err
	}
	if !slices.Contains(numbers, n) {
		return 0, 0, &warehouse.UsageError{Problem: fmt.Sprintf("there is no generation %d; there are %v", n, numbers)}
	}
	target, err := site.Store().Get(n)
	if err != nil {
		return 0, 0, site.Mended(err)
	}
	run, err := decideRollback(site, target)
	if err != nil {
		return 0, 0, err
	}
	if err := site.Store().SetCurrent(n); err != nil {
		return from, n, site.Mended(err)
	}
	site.LogPublished(target.Manifest, "run", run, "mode", "rollback", "was", from)
	return from, n, nil
}

// decideRollback records that a generation is to be live, and holds what counts now and
// does not count there. Where the live one cannot be read, nobody knows what counts, and
// the rollback alone is recorded.
func decideRollback(site *warehouse.Site, target *generation.Generation) (ref.RunID, error) {
	view, err := site.Look(true)
	if err != nil {
		return "", err
	}
	kept, err := warehouse.SettledOf(target.Manifest)
	if err != nil {
		return "", err
	}
	view.Know(target.Manifest.RunID, kept)
	d := ledger.Decision{Kind: ledger.Rollback, Parent: target.Manifest.RunID, Streams: map[ref.Stream]ledger.Change{}}
	known, err := view.Streams()
	if err != nil {
		return "", err
	}
	for _, s := range known {
		counted, err := view.Counted(s)
		if err != nil {
			return "", err
		}
		c := ledger.Change{Reason: fmt.Sprintf("generation %d, which does not hold it, was made live again", target.Manifest.Generation)}
		for _, id := range counted {
			if !kept[s].Holds(id) {
				c.Runs = append(c.Runs, ledger.Counted{ID: id})
			}
		}
		if len(c.Runs) > 0 {
			d.Streams[s] = c
		}
	}
	return view.DecideAlone("rollback", target.Manifest.Generation, d)
}

// before tells which generation is live, and which one it can be rolled back to.
func before(site *warehouse.Site) (live, before int, err error) {
	live, err = site.Store().Live()
	if err != nil {
		return 0, 0, site.Mended(err)
	}
	if g, err := site.Store().Get(live); err == nil {
		if _, err := site.Store().Get(g.Manifest.Parent); err == nil {
			return live, g.Manifest.Parent, nil
		}
	}
	if before = site.NewestReadable(live); before != 0 {
		return live, before, nil
	}
	if _, err := site.Store().Get(live); err != nil {
		return live, 0, site.Mended(err)
	}
	return live, 0, &warehouse.UsageError{Problem: fmt.Sprintf("generation %d is the oldest there is: there is nothing to roll back to", live)}
}
