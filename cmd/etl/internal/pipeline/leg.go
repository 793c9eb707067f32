package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/load"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/transform"
)

// leg is one pipeline's part in a run, under way.
type leg struct {
	*Leg
	run      *run
	cfg      config.Pipeline
	stream   extract.Stream
	windows  map[string]*Window // this run's, by id
	landed   bool               // this run has landed pages of the stream
	replayed extract.Bookmark   // where a replay has found the stream to stand
	planned  []extract.Window
	adopted  []*landing.Run
	through  string           // the newest landed run that the leg's rows come from
	again    []extract.Window // of earlier runs, whose landed pages are damaged
	gap      bool             // a replay goes on without pages that were published
	left     []string         // references of those
	lost     int64            // records in those
	lossy    bool             // the replay gives less than was published
	gone     []string         // landed runs of those that are not there at all
	missing  []string         // what a replay knows to be lost of the landed runs that count
	closed   string           // why nothing can be asked of the source; empty where that is not known
	repeats  bool             // an earlier leg has found the source closed

	tables  []load.Table
	stages  map[string]*partition.Stage // by full name, rejects included
	pages   map[string][]*Window        // by run ref, index seq-1
	gaps    map[gapKey]gapSeen          // what pages were not asked for
	mu      sync.Mutex                  // guards windows and their after, pages, gaps, the counts of rejects, and what observe collects
	observe func(table string, rec arrow.Record)
}

// mainTable is the table whose rows are the records of the stream.
func (l *leg) mainTable() load.Table { return l.tables[0] }

// open prepares the stages of the leg's tables.
func (r *run) open(cfg config.Pipeline) (l *leg, err error) {
	l = &leg{
		Leg: &Leg{Pipeline: cfg.Name, Source: cfg.Source, Stream: cfg.Stream, Status: Complete, Started: time.Now().UTC(), VendorTotal: extract.Unknown},
		run: r, cfg: cfg,
		windows: map[string]*Window{},
		stages:  map[string]*partition.Stage{}, pages: map[string][]*Window{}, gaps: map[gapKey]gapSeen{},
	}
	dir := filepath.Join(r.build.Scratch(), cfg.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return l, fmt.Errorf("open pipeline %s: %w", cfg.Name, err)
	}
	for _, t := range transform.TablesOf(cfg.Source, cfg.Stream) {
		l.tables = append(l.tables, loadTable(t))
	}
	for _, t := range l.tables {
		if err := l.addStage(t, partition.Width(cfg.Partition), dir); err != nil {
			return l, err
		}
	}
	rejects := loadTable(transform.Rejects())
	return l, l.addStage(rejects, recordWidth(rejects), dir)
}

func (l *leg) addStage(t load.Table, width partition.Width, dir string) error {
	s, err := partition.NewStage(t, width, dir, l.run.pool, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	l.stages[t.Full()] = s
	return nil
}

func (l *leg) close() {
	for _, s := range l.stages {
		s.Close()
	}
}

// fail records an error of this machine. It ends the leg, and no other.
func (l *leg) fail(err error) {
	l.run.logFault(err)
	l.worsen(Failed, err.Error())
}

// extract adopts, plans and walks. Whatever the vendor does is recorded in the
// leg; the error is of this machine.
func (l *leg) extract(ctx context.Context) error {
	if err := l.decoding(ctx, l.adopt); err != nil || l.Status != Complete || l.run.request.only != "" {
		return err
	}
	return l.decoding(ctx, l.ask)
}

// decoding runs feed with decoders that stage what it sends them, and returns
// when all of it is staged.
func (l *leg) decoding(ctx context.Context, feed func(context.Context, *decoders) error) error {
	decoders, err := l.startDecoders()
	if err != nil {
		return err
	}
	feedErr := feed(ctx, decoders)
	if l.Status == Interrupted {
		decoders.stop() // nobody publishes what still waits; it has landed
	}
	if err := decoders.wait(); err != nil {
		return fmt.Errorf("stage rows of %s: %w", l.Pipeline, err)
	}
	return feedErr
}

// ask plans, and walks the windows that no adopted run has landed whole.
func (l *leg) ask(ctx context.Context, decoders *decoders) error {
	if l.spared() || !l.schemaFits(ctx) {
		return nil
	}
	windows, err := l.stream.Plan(ctx, l.run.ask(l.cfg))
	if err != nil {
		l.blame(err)
		return nil
	}
	l.planned = windows
	todo := append(l.skipLanded(windows), l.notPlanned(windows)...)
	calls := 0
	for _, w := range todo {
		calls += w.Calls
	}
	l.run.progress.Start(l.Pipeline, len(todo), calls)
	defer l.run.progress.Done()
	return l.walk(ctx, todo, decoders)
}

// blame records what ended the walk.
func (l *leg) blame(err error) {
	var incomplete *extract.IncompleteError
	switch {
	case errors.Is(err, context.Canceled):
		l.worsen(Interrupted, "stopped by the operator; what has landed is kept")
	case errors.As(err, &incomplete):
		l.worsen(Incomplete, incomplete.Reason)
	default:
		l.run.logFault(err)
		if len(l.windows) == 0 { // later, it may be one question that is refused
			l.closed = l.run.shut(l.Source, err)
		}
		l.worsen(Failed, l.reasonOf(err))
	}
}

// walk asks for the windows and lands their pages. It ends at the first window
// that fails: what has landed stays, and the next run goes on from there.
func (l *leg) walk(ctx context.Context, windows []extract.Window, decoders *decoders) error {
	if len(windows) == 0 {
		return nil
	}
	plan, err := json.Marshal(windows)
	if err != nil {
		return fmt.Errorf("record the plan of %s: %w", l.Pipeline, err)
	}
	follows, err := l.run.lastLanded(l.Source, l.Stream)
	if err != nil {
		return fmt.Errorf("land pages of %s: %w", l.Pipeline, err)
	}
	l.through = l.run.id
	writer, err := l.run.zone.Begin(landing.Header{
		Source: l.Source, Stream: l.Stream, RunID: l.run.id, Pipeline: l.Pipeline, Mode: l.run.request.Mode(),
		Version: l.run.Version, Started: l.run.now, Windows: plan,
		Follows: follows, Bookmark: json.RawMessage(l.run.bookmark(l.Source, l.Stream)),
	}, func(page landing.Landed, body []byte) error {
		l.book(l.window(page.Window), page)
		return decoders.send(page, body)
	})
	if err != nil {
		return fmt.Errorf("land pages of %s: %w", l.Pipeline, err)
	}
	defer writer.Close()
	l.landed = true
	for _, w := range windows {
		l.windows[w.ID] = &Window{RunID: l.run.id, ID: w.ID, From: w.From, To: w.To, Status: Interrupted, Reason: "the walk ended before the window did", VendorTotal: extract.Unknown, scope: w.Scope, covers: w.Covers, settled: w.Settled}
		l.Windows = append(l.Windows, l.windows[w.ID])
	}
	walkErr := l.walkAll(ctx, windows, writer)
	if err := l.endLanding(writer, walkErr); err != nil {
		return fmt.Errorf("land pages of %s: %w", l.Pipeline, err)
	}
	return nil
}

func (l *leg) window(id string) *Window {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.windows[id]
}

// diskError marks an error of the landing zone, which is no vendor's fault.
type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

// walkAll walks windows side by side, as many as the source allows, and lands
// their pages as they come.
func (l *leg) walkAll(ctx context.Context, windows []extract.Window, writer *landing.Writer) error {
	tallies := make([]extract.Tally, len(windows))
	defer l.addUp(windows, tallies)
	var incomplete error
	for t := range extract.AsTheyCome(ctx, l.run.concurrency(l.cfg), l.tasks(windows, tallies)) {
		w, tally := windows[t.Task], &tallies[t.Task]
		if !t.End {
			if err := l.land(w, t.Page, writer); err != nil {
				return err
			}
			l.run.progress.Page(l.Pipeline, t.Page.Rows)
			continue
		}
		if faultOf(t.Err) != nil {
			t.Err = fmt.Errorf("walk window %s of %s: %w", w.ID, l.Pipeline, t.Err)
		}
		l.endWindow(w, tally, t.Err)
		if t.Err != nil {
			l.blame(t.Err)
			if !isIncomplete(t.Err) {
				return t.Err
			}
			incomplete = t.Err
		}
		if err := writer.FinishWindow(l.windowEnd(w)); err != nil {
			return diskError{err}
		}
		l.run.progress.Window(l.Pipeline)
	}
	if err := ctx.Err(); err != nil { // also where the last page came in spite of it
		l.blame(err)
		return err
	}
	return incomplete
}

// tasks are the walks of the windows, each with a tally of its own.
func (l *leg) tasks(windows []extract.Window, tallies []extract.Tally) []extract.Task {
	tasks := make([]extract.Task, len(windows))
	for i, w := range windows {
		tasks[i] = func(ctx context.Context) iter.Seq2[extract.Page, error] {
			return l.stream.Walk(extract.WithTally(ctx, &tallies[i]), w)
		}
	}
	return tasks
}

func isIncomplete(err error) bool {
	var incomplete *extract.IncompleteError
	return errors.As(err, &incomplete)
}

// land hands a page to the landing zone.
func (l *leg) land(w extract.Window, page extract.Page, writer *landing.Writer) error {
	request, err := json.Marshal(page.Request)
	if err != nil {
		return diskError{fmt.Errorf("record a request: %w", err)}
	}
	at := l.windows[w.ID]
	at.Pages++
	at.Fetched += page.Rows
	if page.Total >= 0 {
		at.VendorTotal = page.Total
	}
	err = writer.Append(landing.Page{
		Window: w.ID, Body: page.Body, Request: request, Write: writes(l.Source, l.Stream), At: page.Request.At,
		Rows: page.Rows, Total: page.Total, After: json.RawMessage(page.After),
	})
	if err == nil && page.Landed != nil { // the walk waits for it
		err = writer.Sync()
	}
	if err != nil {
		return diskError{err}
	}
	page.Confirm()
	return nil
}

// addUp books what all windows cost, those too that were broken off.
func (l *leg) addUp(windows []extract.Window, tallies []extract.Tally) {
	for i, w := range windows {
		done := l.windows[w.ID]
		done.Requests, done.Retries = tallies[i].Requests.Load(), tallies[i].Retries.Load()
		l.Requests += done.Requests
		l.Retries += done.Retries
		l.SignIns += tallies[i].SignIns.Load()
	}
}

// endWindow books what a window cost and how it ended.
func (l *leg) endWindow(w extract.Window, tally *extract.Tally, err error) {
	done := l.windows[w.ID]
	done.Requests, done.Retries = tally.Requests.Load(), tally.Retries.Load()
	switch {
	case err == nil:
		done.Status, done.Reason = Complete, ""
	case isIncomplete(err):
		done.Status, done.Reason = Incomplete, err.Error()
	case errors.Is(err, context.Canceled):
		done.Status, done.Reason = Interrupted, "stopped by the operator"
	default:
		done.Status, done.Reason = Failed, l.reasonOf(err)
	}
}

func (l *leg) windowEnd(w extract.Window) landing.WindowEnd {
	done := l.windows[w.ID]
	return landing.WindowEnd{
		ID: w.ID, From: w.From, To: w.To, Scope: w.Scope, Settled: w.Settled, Status: string(done.Status), Reason: done.Reason,
		VendorTotal: done.VendorTotal, Fetched: done.Fetched, Pages: done.Pages,
		Requests: done.Requests, Retries: done.Retries, Finished: time.Now().UTC(),
	}
}

// endLanding closes the run in the landing zone. An error of the vendor is in
// the leg already; one of the disk is returned.
func (l *leg) endLanding(writer *landing.Writer, walkErr error) error {
	var disk diskError
	if errors.As(walkErr, &disk) {
		return disk.error
	}
	if l.Status == Interrupted {
		return writer.Close() // as a run that died: the next one adopts its pages
	}
	status := map[Status]landing.Status{Complete: landing.StatusLanded, Incomplete: landing.StatusIncomplete, Failed: landing.StatusFailed}[l.Status]
	return writer.End(landing.End{Status: status, Reason: l.Reason, Finished: time.Now().UTC()})
}
