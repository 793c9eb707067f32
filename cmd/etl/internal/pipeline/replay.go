package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/transform"
)

// Rebuild is what a replay is asked for.
type Rebuild struct {
	// Since, if set, has only the runs from that instant on read again, and merged over
	// what is there; otherwise every vendor table is made anew.
	Since time.Time
	// Skip names damaged pages and journals that the replay goes on without: the rest is
	// published, and the run is incomplete. That word is good for this replay.
	Skip []string
	// Accept publishes what is left where landed runs are lost, or rows with them.
	Accept bool
}

// Replay rebuilds the tables from the landing zone and publishes them; it opens
// no socket. The rows are those of the landed runs that count, by all that was decided
// of them; a stream of which one is lost is held.
func (r *Runner) Replay(ctx context.Context, rebuild Rebuild) (_ *summary.Summary, err error) {
	defer func() { r.LogFault(err) }()
	release, err := r.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return r.replay(ctx, rebuild)
}

// replay is Replay for a caller who holds the lock.
func (r *Runner) replay(ctx context.Context, rebuild Rebuild) (*summary.Summary, error) {
	run, err := r.begin(Request{Accept: rebuild.Accept, anew: rebuild.Since.IsZero()})
	if err != nil {
		return nil, err
	}
	defer run.close()
	run.summary.Mode = "replay"
	run.replaying = true
	if changed := run.Changed(); len(changed) > 0 && !rebuild.Since.IsZero() {
		return nil, &warehouse.UsageError{Problem: strings.Join(changed, "; ") + ": every table is to be made anew, by `etl replay` without --since"}
	}
	if err := run.takeSkips(rebuild.Skip); err != nil {
		return nil, err
	}
	if rebuild.Since.IsZero() {
		for _, t := range warehouse.VendorTables() {
			run.remade[t.Full()] = true
		}
		run.remade[transform.Rejects().Full()] = true
		run.remade[transform.Bookmarks().Full()] = true
	}
	run.publisher().RemakeDamagedRecords()
	chosen, err := run.replayable(rebuild.Since)
	if err != nil {
		return nil, err
	}
	var announce []config.Pipeline
	for _, c := range chosen {
		announce = append(announce, c.pipeline)
	}
	if err := run.announce(announce); err != nil {
		return nil, err
	}
	for _, c := range chosen {
		_, err := run.do(ctx, c.pipeline, func(l *leg) error {
			l.Missing, l.Gone = c.missing, c.gone
			return l.replayRuns(ctx, c.runs)
		})
		if damaged(err) {
			return nil, run.fail(err)
		}
	}
	return run.conclude(ctx), nil
}

// damaged reports whether the landing zone cannot be read as it was written. A replay
// then ends before it changes anything: its operator decides what it goes on without.
func damaged(err error) bool {
	var corrupt *landing.CorruptError
	return errors.As(err, &corrupt)
}

// replayed is a stream that is to be made anew.
type replayed struct {
	pipeline config.Pipeline
	runs     []*landing.Run // that count, oldest first
	missing  []string       // what counted and is lost, in words
	gone     []ref.RunID    // runs of that which are not there at all
}

// replayable lists the streams with the landed runs that count, from an instant on.
func (r *run) replayable(since time.Time) ([]replayed, error) {
	known, err := r.Streams()
	if err != nil {
		return nil, err
	}
	var all []replayed
	waiting := 0
	for _, s := range known {
		if _, err := streams.Of(s); err != nil {
			return nil, fmt.Errorf("the landing zone holds %w", err)
		}
		standing, err := r.Standing(s)
		if err != nil {
			return nil, err
		}
		waiting += len(standing.Waiting) + len(standing.Held)
		next := replayed{}
		if since.IsZero() {
			next.missing, next.gone = standing.Missing, standing.Lost
		}
		runs, err := r.RunsNamed(s, standing.Counted)
		if err != nil {
			return nil, err
		}
		if since.IsZero() && r.Unrecorded {
			lost, err := warehouse.Unreached(runs)
			if err != nil {
				return nil, err
			}
			next.missing = append(next.missing, lost...)
		}
		for _, run := range runs {
			if !run.Header.Started.Before(since) {
				next.runs = append(next.runs, run)
			}
		}
		if len(next.runs) == 0 && len(next.missing) == 0 {
			continue
		}
		next.pipeline = r.PipelineOf(s, next.runs)
		all = append(all, next)
	}
	if len(all) == 0 {
		left := ""
		if waiting > 0 {
			left = fmt.Sprintf("; %d landed runs wait for the next `etl run`, or for someone's word (etl held)", waiting)
		}
		return nil, &warehouse.UsageError{Problem: "there is nothing to replay: no published page has landed in " + r.Config.Warehouse + left}
	}
	return all, nil
}

// replayRuns decodes the pages of landed runs into the leg's stages.
func (l *leg) replayRuns(ctx context.Context, runs []*landing.Run) error {
	l.run.progress.Start(l.Pipeline, len(runs), 0)
	defer l.run.progress.Done()
	return l.Rows.Decode(ctx, func(ctx context.Context, decoders *staging.Decoders) error {
		for _, r := range runs {
			first := len(l.Walks)
			if err := l.replay(ctx, r, decoders); err != nil {
				return err
			}
			l.Took = append(l.Took, r)
			l.Adopted++
			if err := l.rememberBookmark(r, l.Walks[first:]); err != nil {
				return err
			}
			l.run.progress.Window(l.Pipeline)
		}
		return nil
	})
}

// rememberBookmark takes, where pages carry it, the bookmark of a run that went on
// from the one before: not of a backfill, and only as far as its windows were whole,
// in the order in which they were planned.
func (l *leg) rememberBookmark(r *landing.Run, windows []*staging.Window) error {
	if l.about.Extend != nil || r.Header.Mode == ledger.Backfill || r.End == nil || r.Header.Windows == nil || r.Damage != nil || l.gap {
		return nil
	}
	var planned []extract.Window
	if err := json.Unmarshal(r.Header.Windows, &planned); err != nil {
		return fmt.Errorf("read the plan of landed run %s: %w", r.Ref(), err)
	}
	byID := map[string]*staging.Window{}
	for _, w := range windows {
		byID[w.ID] = w
	}
	for _, p := range planned {
		w := byID[p.ID]
		if w == nil || w.Status != summary.Complete {
			return nil
		}
		if w.After != nil {
			l.Stood = w.After
		}
	}
	return nil
}
