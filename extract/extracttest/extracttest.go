// Package extracttest is the conformance suite of streams: the same tests for
// every vendor, over HTTP, against the simulated one.
//
// A vendor's package calls Run from a test of its own. What a stream may rely on,
// and what may be relied on in it, is the contract of extract.Stream; each test
// here holds one sentence of it.
package extracttest

import (
	"context"
	"errors"
	"testing"

	"nightjar/extract"
	"nightjar/extract/sandbox"
)

// Source is one stream under test.
type Source struct {
	Vendor string // in errors
	Stream string // in errors
	Truth  string // the name under which the sandbox tells what it holds
	// Options of the simulated vendors; Seed, Clock, Start and End are the suite's. A walk
	// over them must have five pages at least.
	Options sandbox.Options
	// Large holds ten times as many records of the stream as Small, and those some
	// hundreds at least.
	Small, Large sandbox.Options
	// Open returns the stream, not yet planned, with v.Transport as its wire. It
	// opens no socket.
	Open func(t *testing.T, v *Vendor) extract.Stream
	// Keys returns the key of each record of a page, "" for a record without one.
	Keys func(t *testing.T, page extract.Page) []string
	// Again reports whether a request that was sent before may be sent again in a
	// walk that meets no fault. Nil: none may.
	Again func(request string) bool
	// Extend adds what a window covers to a bookmark. Nil: the pages carry it.
	Extend func(old, covers extract.Bookmark) extract.Bookmark
	// Writes says that a walk makes its records at the vendor, one a request: it
	// has nothing to resume from, and grows with nothing that the vendor holds.
	Writes bool
}

// Run runs the suite.
func Run(t *testing.T, src Source) {
	t.Run("plan opens no socket and is the same each time", src.plan)
	t.Run("a check of what is documented finds nothing, in one request", src.check)
	t.Run("every record is yielded and counted", src.everyRecord)
	t.Run("what a refused answer said counts for nothing", src.refused)
	t.Run("no page is asked for twice", src.noPageTwice)
	t.Run("no page shows a credential", src.noCredential)
	t.Run("a loop that is left ends all requests", src.leftLoop)
	t.Run("a cancelled walk ends with the cancellation", src.cancelled)
	t.Run("a walk that is cancelled before it begins asks nothing", src.cancelledBefore)
	t.Run("an error is yielded once, with its place", src.errorOnce)
	t.Run("nothing is lost after any bookmark", src.resumed)
	t.Run("a bookmark that is ahead of the clock heals", src.ahead)
	t.Run("memory does not follow the data", src.memory)
}

// walk is what a walk over all windows of a plan came to.
type walk struct {
	pages []extract.Page
	err   error // of the window that failed
}

// collect plans and walks all windows, one after the other. A stream that fails
// is not asked for further windows. The last page of a window that says what it
// covers is given the bookmark so far.
func (src Source) collect(ctx context.Context, t *testing.T, s extract.Stream, ask extract.Ask) walk {
	t.Helper()
	var w walk
	sum := ask.Bookmark
	for _, window := range windows(t, s, ask) {
		for page, err := range s.Walk(ctx, window) {
			if w.err != nil {
				t.Fatalf("window %s goes on after its error", window.ID)
			}
			if err != nil {
				w.err = err
				if page.Body != nil || page.Rows != 0 || page.After != nil {
					t.Errorf("a page comes with the error: %d rows", page.Rows)
				}
				continue
			}
			w.pages = append(w.pages, page)
			page.Confirm()
		}
		if w.err != nil {
			break
		}
		if n := len(w.pages); n > 0 && window.Covers != nil {
			sum = src.Extend(sum, window.Covers)
			w.pages[n-1].After = sum
		}
	}
	return w
}

func windows(t *testing.T, s extract.Stream, ask extract.Ask) []extract.Window {
	t.Helper()
	all, err := s.Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("nothing is planned")
	}
	return all
}

// whole is collect of a walk that must come to its end.
func (src Source) whole(t *testing.T, v *Vendor, ask extract.Ask) []extract.Page {
	t.Helper()
	w := src.collect(t.Context(), t, src.Open(t, v), ask)
	if w.err != nil {
		t.Fatal(w.err)
	}
	return w.pages
}

// isPlaced reports whether err names its place.
func (src Source) isPlaced(err error, window string) bool {
	var e *extract.Error
	return errors.As(err, &e) && e.Vendor == src.Vendor && e.Stream == src.Stream && e.Window == window && e.Page > 0
}
