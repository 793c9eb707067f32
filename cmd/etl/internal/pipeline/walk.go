package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/landing"
)

// walk asks for the windows and lands their pages. It ends at the first window
// that fails: what has landed stays, and the next run goes on from there.
func (l *leg) walk(ctx context.Context, windows []extract.Window, decoders *staging.Decoders) error {
	if len(windows) == 0 {
		return nil
	}
	plan, err := json.Marshal(windows)
	if err != nil {
		return fmt.Errorf("record the plan of %s: %w", l.Pipeline, err)
	}
	follows, err := l.run.LastLanded(l.Ref())
	if err != nil {
		return fmt.Errorf("land pages of %s: %w", l.Pipeline, err)
	}
	l.Rows.Through = l.run.record.ID
	writer, err := l.run.Zone.Begin(landing.Header{
		Source: l.Source, Stream: l.Stream, RunID: l.run.record.ID, Pipeline: l.Pipeline, Mode: l.run.request.Mode(),
		Version: l.run.Version, Started: l.run.At, Windows: plan,
		Follows: follows, Bookmark: json.RawMessage(l.run.Bookmark(l.Ref())),
	}, func(page landing.Landed, body []byte) error {
		l.Rows.Book(l.Own[page.Window], page)
		return decoders.Send(page, body)
	})
	if err != nil {
		return fmt.Errorf("land pages of %s: %w", l.Pipeline, err)
	}
	defer writer.Close()
	l.Landed = true
	for _, w := range windows {
		l.Own[w.ID] = l.window(staging.Window{
			Window: &summary.Window{
				RunID: l.run.record.ID, ID: w.ID, From: w.From, To: w.To, VendorTotal: extract.Unknown,
				Status: summary.Interrupted, Reason: "the walk ended before the window did",
			},
			Scope: w.Scope, Covers: w.Covers, Settled: w.Settled,
		})
	}
	walkErr := l.walkAll(ctx, windows, writer)
	if err := l.endLanding(writer, walkErr); err != nil {
		return fmt.Errorf("land pages of %s: %w", l.Pipeline, err)
	}
	return nil
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
	for t := range extract.AsTheyCome(ctx, l.concurrency(), l.tasks(windows, tallies)) {
		w, tally := windows[t.Task], &tallies[t.Task]
		if !t.End {
			if err := l.land(w, t.Page, writer); err != nil {
				return err
			}
			l.run.progress.Page(l.Pipeline, t.Page.Rows)
			continue
		}
		if warehouse.IsFault(t.Err) {
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

// concurrency is how many windows are walked side by side.
func (l *leg) concurrency() int {
	wire, _ := l.run.Config.Sources.Wire(l.Source)
	return max(1, wire.Concurrency)
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
	at := l.Own[w.ID]
	at.Pages++
	at.Fetched += page.Rows
	if page.Total >= 0 {
		at.VendorTotal = page.Total
	}
	err = writer.Append(landing.Page{
		Window: w.ID, Body: page.Body, Request: request, Write: l.about.Writes, At: page.Request.At,
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
		done := l.Own[w.ID]
		done.Requests, done.Retries = tallies[i].Requests.Load(), tallies[i].Retries.Load()
		l.Requests += done.Requests
		l.Retries += done.Retries
		l.SignIns += tallies[i].SignIns.Load()
	}
}

// endWindow books what a window cost and how it ended.
func (l *leg) endWindow(w extract.Window, tally *extract.Tally, err error) {
	done := l.Own[w.ID]
	done.Requests, done.Retries = tally.Requests.Load(), tally.Retries.Load()
	switch {
	case err == nil:
		done.Status, done.Reason = summary.Complete, ""
	case isIncomplete(err):
		done.Status, done.Reason = summary.Incomplete, err.Error()
	case errors.Is(err, context.Canceled):
		done.Status, done.Reason = summary.Interrupted, "stopped by the operator"
	default:
		done.Status, done.Reason = summary.Failed, l.reasonOf(err)
	}
}

func (l *leg) windowEnd(w extract.Window) landing.WindowEnd {
	done := l.Own[w.ID]
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
	if l.Status == summary.Interrupted {
		return writer.Close() // as a run that died: the next one adopts its pages
	}
	status := map[summary.Status]landing.Status{
		summary.Complete: landing.StatusLanded, summary.Incomplete: landing.StatusIncomplete, summary.Failed: landing.StatusFailed,
	}[l.Status]
	return writer.End(landing.End{Status: status, Reason: l.Reason, Finished: time.Now().UTC()})
}
