// Package extract is the vocabulary of the extractors: what a vendor is asked
// for (Stream, Window), what comes back (Page), and how far it has got
// (Bookmark). The packages below it hold one vendor each; extract/transport
// holds what they share on the wire.
//
// A stream first plans, without the network where it can, which windows it will
// ask for; it then walks each window and yields the vendor's pages, byte for
// byte as they came. The consumer's loop is the back-pressure: the next page is
// asked for when the previous one has been taken.
package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// Bookmark says how far a stream has been read: JSON that belongs to the stream
// and that an operator can read, such as
// {"swept_at":"2026-11-20T01:15:00Z","calls":1234}. Nil before the first run.
//
// A bookmark moves in one of two ways. Where a stream is read from end to end, its
// pages carry the next one (Page.After), which is good once all before is there.
// Where it is read by parts that stand for themselves, each window says what it
// covers (Window.Covers), and the bookmark is the sum: no order counts, and what is
// missing is missing nowhere else.
type Bookmark json.RawMessage

// MarshalJSON writes the bookmark as it is, and null where there is none.
func (b Bookmark) MarshalJSON() ([]byte, error) { return json.RawMessage(b).MarshalJSON() }

// UnmarshalJSON keeps a copy of the bytes; null becomes nil.
func (b *Bookmark) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*b = nil
		return nil
	}
	return (*json.RawMessage)(b).UnmarshalJSON(data)
}

// Ask is what one run wants from a stream.
type Ask struct {
	Bookmark Bookmark  // of the last published run; nil on the first
	Now      time.Time // the run's one reading of the clock, UTC
	From, To time.Time // a backfill of [From, To); both zero for a nightly run
	Full     bool      // everything from the configured start, whatever the bookmark says
	// Newest tells when the newest record was made or changed that the warehouse
	// holds of the stream, by the vendor's clock and not after Now; zero where it
	// holds none. Since asks it, for a bookmark that is ahead of Now alone. Nil: none
	// is held.
	Newest func(context.Context) (time.Time, error)
}

// Since is the instant up to which a bookmark shows that all has been asked for. One
// that is ahead of Now was set by a clock that was ahead, and shows nothing by
// itself; what the warehouse holds does: it was asked for later than its newest
// record came to be. Zero where nothing shows anything.
func (a Ask) Since(ctx context.Context, mark time.Time) (time.Time, error) {
	if !mark.After(a.Now) {
		return mark, nil
	}
	if a.Newest == nil {
		return time.Time{}, nil
	}
	newest, err := a.Newest(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("find the newest record before a bookmark that is ahead of the clock: %w", err)
	}
	return newest, nil
}

// Backfill reports whether the ask names its own interval. A backfill leaves
// the bookmark where it is.
func (a Ask) Backfill() bool { return !a.From.IsZero() }

// Window is one unit of work of a stream: an interval of business time, a sweep
// over everything, an account. Its reconciliation is one row of
// etl.reconciliation.
type Window struct {
	ID    string    `json:"id"`            // unique within the stream and stable from run to run: "2026-11-19", "sweep", "+10003334444"
	From  time.Time `json:"from,omitzero"` // [From, To) in UTC; both zero where the window is no interval
	To    time.Time `json:"to,omitzero"`
	Calls int       `json:"calls"` // requests expected, for plans and progress; zero if unknown
	// Settled says that the vendor no longer changes what the window holds, so
	// that a run which died after landing it whole need not ask again.
	Settled bool `json:"settled"`
	// Scope is what the question depends on beside the interval, such as
	// "projects [9999]": what was landed under one scope answers no other.
	Scope string `json:"scope,omitempty"`
	// Covers is what the stream's bookmark gains once this window is whole and its
	// rows are in the warehouse, whatever has become of the other windows. Nil where
	// that is nothing, and for streams whose pages tell. It lands with the plan, so
	// that the landing zone alone can sum it up.
	Covers Bookmark `json:"covers,omitempty"`
}

// Request is what was asked for a page, without credentials. It lands beside the
// page and is all that the transform knows of how the page came to be.
type Request struct {
	Operation string         `json:"operation"`           // GraphQL operation name, or method and path of a REST call
	Query     string         `json:"query,omitempty"`     // GraphQL text; empty for REST
	Variables map[string]any `json:"variables,omitempty"` // GraphQL variables or REST query parameters
	Status    int            `json:"status"`              // HTTP status of the answer
	At        time.Time      `json:"at"`                  // when the answer was whole, UTC, microseconds
	// Whole is the times of close of the records that the answer shows with all that is
	// nested in them; nil where it may leave out some of it of any.
	Whole *Span `json:"whole,omitempty"`
}

// Span is the time from an instant on, up to another.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Unknown stands for a total that the vendor does not tell.
const Unknown = -1

// Page is one answer of a vendor that is to be landed.
type Page struct {
	Body    []byte // the vendor's bytes; the consumer may keep them
	Request Request
	Rows    int64 // records of the stream in the page, null ones included
	Total   int64 // records the vendor says there are in the window; Unknown where it does not say
	// After is the bookmark to publish once this page, all pages before it and
	// all windows planned before this one are in the warehouse. Nil leaves the
	// bookmark where it is, as do all pages of a stream whose windows tell.
	After Bookmark
	// Landed, if not nil, is to be called, by Confirm, once the page and all before
	// it are durable. The walk waits for it: the page announces what it does next. Such a
	// page is no answer, has no status and no rows.
	Landed func() `json:"-"`
}

// Confirm says that the page, and all before it, are durable.
func (p Page) Confirm() {
	if p.Landed != nil {
		p.Landed()
	}
}

// Stream is one kind of record at one vendor account.
type Stream interface {
	// Plan lists the windows to walk for the ask, in the order in which the
	// bookmarks of their pages advance. It opens no socket, and is called once a run before
	// any Walk.
	Plan(ctx context.Context, ask Ask) ([]Window, error)

	// Walk yields the pages of one planned window. An error is yielded at most
	// once, with a zero Page, and ends the sequence; a sequence that ends
	// without one is complete by the stream's own proof. An *IncompleteError
	// says that the pages before it are good and that more rows are known to
	// exist. Walks of different windows may run at the same time; the loop body
	// may stop at any page, and ctx ends a walk between or during requests. A walk
	// that yields a page with Landed set goes on when that is called, or ends with
	// ctx.
	Walk(ctx context.Context, w Window) iter.Seq2[Page, error]
}

// Checker is a stream that can compare the vendor's schema with its queries.
type Checker interface {
	// Check signs in and compares what the vendor's schema offers with what the
	// stream asks. Drift that loses nothing (a new field, a new enum value) is
	// returned as findings; drift that breaks a query is a finding with Breaking
	// set. The error says that the vendor could not be asked.
	Check(ctx context.Context) ([]Finding, error)
}

// Finding is one difference between a vendor's schema and what is asked of it.
type Finding struct {
	Breaking bool   // the query cannot be answered as it stands
	Path     string // type and field: "Conversation.language"
	What     string // what differs, in words
}
