package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/load/landing"
	"nightjar/transform"
)

// Replay rebuilds the tables from the landing zone and publishes them; it opens
// no socket. With since, only the runs from that instant on are read again, and
// merged over what is there; otherwise every vendor table is made anew.
//
// A damaged page ends it, unless skip names the page, or a journal: then the rest
// is published, and the report is incomplete. That word is good for this replay.
func (r *Runner) Replay(ctx context.Context, since time.Time, skip ...string) (report *Report, err error) {
	defer func() { r.logFault(err) }()
	release, err := r.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.begin(Request{Accept: true, anew: since.IsZero()})
	if err != nil {
		return nil, err
	}
	defer run.close()
	run.report.Mode = "replay"
	run.replaying = true
	if err := run.takeSkips(skip); err != nil {
		return nil, err
	}
	if since.IsZero() {
		for _, t := range transform.Tables() {
			run.remade[t.Full()] = true
		}
		run.remade[transform.Rejects().Full()] = true
		run.remade[transform.Bookmarks().Full()] = true
	}
	run.leaveDamagedRecords()
	if err := run.replayAll(ctx, since); err != nil {
		return nil, err
	}
	if len(run.legs) == 0 {
		return nil, &UsageError{"there is nothing to replay: no page has landed in " + r.Config.Warehouse}
	}
	if err := run.publish(ctx); err != nil {
		return nil, err
	}
	return run.finish(), nil
}

// replayAll stages the pages of every landed stream.
func (r *run) replayAll(ctx context.Context, since time.Time) error {
	all, err := r.zone.Streams()
	if err != nil {
		return err
	}
	for _, s := range all {
		if _, ok := streams[streamKey(s.Source, s.Stream)]; !ok {
			return fmt.Errorf("the landing zone holds %s/%s, a stream that this version does not know", s.Source, s.Stream)
		}
		runs, withheld, err := r.replayable(s.Source, s.Stream, since)
		if err != nil {
			return err
		}
		if len(runs) == 0 {
			continue
		}
		l, err := r.open(r.pipelineOf(s.Source, s.Stream, runs))
		if err != nil {
			return err
		}
		l.withheld = withheld
		r.legs = append(r.legs, l)
		r.report.Pipelines = append(r.report.Pipelines, l.Leg)
		if err := l.replayRuns(ctx, runs); err != nil {
			return err
		}
	}
	return nil
}

// replayable lists the landed runs of a stream that are, or may be, in the
// tables, oldest first, and apart those that wait for someone's word.
func (r *run) replayable(source, stream string, since time.Time) (runs, waiting []*landing.Run, err error) {
	all, err := r.zone.Runs(source, stream)
	if err != nil {
		return nil, nil, err
	}
	live := r.landed(source, stream)
	for _, l := range all {
		switch {
		case !live.Holds(l.Header.RunID) && withheld(l):
			waiting = append(waiting, l)
		case !l.Header.Started.Before(since):
			runs = append(runs, l)
		}
	}
	return runs, waiting, nil
}

// pipelineOf is the pipeline that reads a stream; where the configuration has
// none, the one that landed it.
func (r *run) pipelineOf(source, stream string, runs []*landing.Run) config.Pipeline {
	if p, ok := r.Config.Loader(source, stream); ok {
		return p
	}
	return config.Pipeline{Name: runs[len(runs)-1].Header.Pipeline, Source: source, Stream: stream, Partition: config.ByMonth}
}

// replayRuns decodes the pages of landed runs into the leg's stages.
func (l *leg) replayRuns(ctx context.Context, runs []*landing.Run) error {
	defer func() { l.Finished = time.Now().UTC() }()
	l.run.progress.Start(l.Pipeline, len(runs), 0)
	defer l.run.progress.Done()
	return l.decoding(ctx, func(ctx context.Context, decoders *decoders) error {
		for _, r := range runs {
			first := len(l.Windows)
			if err := l.replay(ctx, r, decoders); err != nil {
				return err
			}
			l.adopted = append(l.adopted, r)
			l.Adopted++
			if err := l.rememberBookmark(r, l.Windows[first:]); err != nil {
				return err
			}
			l.run.progress.Window(l.Pipeline)
		}
		return nil
	})
}

// rememberBookmark takes the bookmark of a run that went on from the one before:
// not of a backfill, and only as far as its windows were whole, in the order in
// which they were planned.
func (l *leg) rememberBookmark(r *landing.Run, windows []*Window) error {
	if r.Header.Mode == "backfill" || r.End == nil || r.Header.Windows == nil || r.Damage != nil || l.gap {
		return nil
	}
	var planned []extract.Window
	if err := json.Unmarshal(r.Header.Windows, &planned); err != nil {
		return fmt.Errorf("read the plan of landed run %s: %w", r.Ref(), err)
	}
	byID := map[string]*Window{}
	for _, w := range windows {
		byID[w.ID] = w
	}
	for _, p := range planned {
		w := byID[p.ID]
		if w == nil || w.Status != Complete {
			return nil
		}
		if w.after != nil {
			l.replayed = w.after
		}
	}
	return nil
}
