package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/publish"
	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract"
	"nightjar/load/ref"
	"nightjar/transform"
)

// leg is one pipeline's part in a run, under way: what it hands over, and how it comes
// by that.
type leg struct {
	publish.Part
	run    *run
	cfg    config.Pipeline
	now    time.Time // the leg's one reading of the clock, UTC, microseconds
	about  *streams.Stream
	stream extract.Stream // nil where nobody is asked

	again   []extract.Window // of earlier runs, whose landed pages are damaged
	gap     bool             // a replay goes on without pages that were published
	left    []ref.Page       // those
	lost    int64            // records in those
	aside   int              // pages that this run has set aside
	closed  string           // why nothing can be asked of the source; empty where that is not known
	repeats bool             // an earlier leg has found the source closed
}

// open prepares the stages of the leg's tables.
func (r *run) open(cfg config.Pipeline) (l *leg, err error) {
	l = &leg{run: r, cfg: cfg, now: r.At, Part: publish.Part{
		Leg: &summary.Leg{Pipeline: cfg.Name, Source: cfg.Source, Stream: cfg.Stream, Status: summary.Complete, Started: time.Now().UTC(), VendorTotal: extract.Unknown},
		Own: map[string]*staging.Window{},
	}}
	l.Reread = l.reread
	if l.about, err = streams.Of(cfg.Ref()); err != nil {
		return l, err
	}
	var learn func(transform.Table, arrow.Record)
	if l.about.Learn != nil {
		learn = func(t transform.Table, rec arrow.Record) { l.about.Learn(r.holdings, t, rec) }
	}
	l.Rows, err = staging.New(r.Site, l.about, cfg, filepath.Join(r.build.Scratch(), cfg.Name), r.pool, learn)
	if err != nil {
		return l, fmt.Errorf("open pipeline %s: %w", cfg.Name, err)
	}
	return l, nil
}

// window adds a window to the leg, with what is known of it beside its reconciliation.
func (l *leg) window(w staging.Window) *staging.Window {
	l.Leg.Windows = append(l.Leg.Windows, w.Window)
	l.Walks = append(l.Walks, &w)
	return &w
}

// fail records an error of this machine. It ends the leg, and no other.
func (l *leg) fail(err error) {
	l.run.LogFault(err)
	l.Worsen(summary.Failed, err.Error())
}

// blame records what ended the walk.
func (l *leg) blame(err error) {
	var incomplete *extract.IncompleteError
	switch {
	case errors.Is(err, context.Canceled):
		l.Worsen(summary.Interrupted, "stopped by the operator; what has landed is kept")
	case errors.As(err, &incomplete):
		l.Worsen(summary.Incomplete, incomplete.Reason)
		if incomplete.Final {
			l.Retry = summary.RetryNever
		}
	default:
		l.run.LogFault(err)
		if len(l.Own) == 0 { // later, it may be one question that is refused
			l.closed = l.shut(err)
		}
		l.Worsen(summary.Failed, l.reasonOf(err))
		if kind := extract.KindOf(err); kind == extract.Denied || kind == extract.Misdirected {
			l.Retry = summary.RetryNever
		}
	}
}

// shut says why nothing can be asked of the leg's source; empty where err is not about the
// source as a whole.
func (l *leg) shut(err error) string { return l.about.Shut(l.run.Config.Path, err) }

// reasonOf is what the leg and its windows say of an error.
func (l *leg) reasonOf(err error) string {
	if why := l.shut(err); why != "" {
		return why
	}
	return err.Error()
}
