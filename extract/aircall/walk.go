package aircall

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// walk is one walk of the window: sweeps until the count is right.
type walk struct {
	calls *Calls
	plan  plan

	seen     map[key]int32 // distinct ids of all sweeps, and the sweep that saw each last; starts anew where the total fell
	number   int32         // of the current sweep, from 1
	total    int64         // the most that the vendor counted during the current sweep
	nameless int64         // rows of the current sweep that have no id
	fell     bool          // below what it was at the start of the current sweep
	early    bool          // the walk ended before the end of the rows, by proof
	yielded  int           // pages so far

	halvings atomic.Int32 // of the page size, where the vendor cannot answer it
}

// pages yields the pages of every sweep.
func (w *walk) pages(ctx context.Context) iter.Seq2[extract.Page, error] {
	return extract.OneBehind(func(give func(extract.Page) error) error {
		err := w.sweeps(ctx, give)
		return extract.In(err, stream, window, w.yielded+1)
	}, func() extract.Bookmark { return w.plan.next(w.total, w.early) })
}

// sweeps runs sweep after sweep until the count is right, a sweep brings nothing
// new, or there have been enough of them.
func (w *walk) sweeps(ctx context.Context, give func(extract.Page) error) error {
	for n := 1; ; n++ {
		before := len(w.seen)
		s := sweep{walk: w, give: give, again: n > 1}
		if err := s.run(ctx); err != nil {
			return err
		}
		if w.early || w.counted() {
			return nil
		}
		still := s.total == w.total && !w.fell
		if n > 1 && still && len(w.seen) == before || n == maxSweeps {
			return w.incomplete(n, s)
		}
	}
}

// counted reports whether every call that the vendor counts has been seen. While
// no call goes, an id once seen stays in the count, so that calls that come
// during a sweep do not spoil it.
func (w *walk) counted() bool { return int64(len(w.seen)) == w.total && !w.fell }

// incomplete says by how much the count is wrong, and what is known of why.
func (w *walk) incomplete(sweeps int, last sweep) error {
	reason := fmt.Sprintf("%d distinct calls seen in %d sweeps where the vendor counts %d", len(w.seen), sweeps, w.total)
	switch {
	case w.nameless > 0:
		reason += fmt.Sprintf("; %d rows have no id", w.nameless)
	case w.fell:
		reason += "; the total fell meanwhile"
	case last.empty:
		reason += "; its pages are empty before the total is reached: a cap"
	case last.circles:
		reason += "; its pages come again before the total is reached"
	}
	return &extract.IncompleteError{Reason: reason, Final: w.nameless > 0 || last.empty || last.circles}
}

// begin starts a sweep with the total on its first page. Where calls have gone
// since the last sweep, what was seen says nothing any more.
func (w *walk) begin(total int64) {
	if w.fell || total < w.total {
		clear(w.seen)
	}
	w.total, w.fell, w.nameless = total, false, 0
	w.number++
}

// take counts a page in. Pages that were asked for at once may tell their totals
// in any order, but none was asked for before the sweep's first one. Fresh is how
// many of its ids the sweep has not seen before.
func (w *walk) take(got reading, first int64) (fresh int) {
	w.fell = w.fell || got.total < first
	w.total = max(w.total, got.total)
	w.nameless += got.rows - int64(len(got.ids))
	for _, id := range got.ids {
		if k := keyOf(id); w.seen[k] != w.number {
			w.seen[k] = w.number
			fresh++
		}
	}
	w.yielded++
	return fresh
}

// size is the calls of a full page.
func (w *walk) size() int64 { return int64(w.calls.cfg.PageSize) }

// ask gets the page at offset. Where the vendor cannot answer that many rows at
// once it asks for half as many, down to one, and for no more from then on.
func (w *walk) ask(ctx context.Context, offset, limit int64) (answer, error) {
	for {
		limit = min(limit, w.size()>>w.halvings.Load())
		got, err := w.calls.ask(ctx, offset, max(limit, 1))
		if err == nil || limit <= 1 || !divisible(err) {
			return got, err
		}
		for h := w.halvings.Load(); w.size()>>h > limit/2; h = w.halvings.Load() {
			w.halvings.CompareAndSwap(h, h+1)
		}
	}
}

// divisible reports whether a smaller page may fare better.
func divisible(err error) bool {
	switch extract.KindOf(err) {
	case extract.TooLarge, extract.TimedOut, extract.Failing:
		return true
	}
	return false
}

// ask sends one request for the page at offset.
func (c *Calls) ask(ctx context.Context, offset, limit int64) (answer, error) {
	var got reading
	q := transport.Query{
		Operation: "Calls",
		Text:      c.query(),
		Variables: map[string]any{"offset": offset, "limit": limit},
		Divisible: limit > 1,
		Read:      got.read,
	}
	given, err := c.client.GraphQL(ctx, c.cfg.Endpoint, q)
	if err != nil {
		return answer{}, err
	}
	if got.total == extract.Unknown {
		return answer{}, &extract.Error{Kind: extract.Garbled, Vendor: vendor, Err: errors.New("read a page of calls: it has no totalCount")}
	}
	page := q.Page(given)
	page.Rows, page.Total = got.rows, got.total
	return answer{page, got}, nil
}
