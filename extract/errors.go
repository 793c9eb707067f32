package extract

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what went wrong, so that a walk can decide what to do next and the
// operator can tell whom to call. The list is closed.
type Kind string

const (
	Unreachable Kind = "unreachable" // no answer: name server, connection, TLS
	Misdirected Kind = "misdirected" // the address is not the vendor's: no such host, another's certificate, a redirect, 404
	Denied      Kind = "denied"      // sign-in or permission refused, also after a renewal
	Throttled   Kind = "throttled"   // the vendor kept refusing for rate, beyond the retry budget
	TooLarge    Kind = "too large"   // the answer passed the size cap; a smaller question may fit
	TimedOut    Kind = "timed out"   // 504 or our own time limit; a smaller question may fit
	Failing     Kind = "failing"     // the vendor's own error: 5xx, or GraphQL errors that say so
	Refused     Kind = "refused"     // the vendor does not accept the question: 400, unknown field
	Garbled     Kind = "garbled"     // an answer that is none: HTML, broken JSON, a cut body
	Stuck       Kind = "stuck"       // paging that makes no progress
)

// Error is a failed request or walk, with the place where it happened. The
// transport fills Kind, Vendor and Err; the walk adds Stream, Window and Page.
type Error struct {
	Kind   Kind
	Vendor string
	Stream string // empty outside a walk
	Window string // empty outside a walk
	Page   int    // counts from 1 within the window; zero outside a walk
	Err    error
}

// Error names the place from the outside in, then the kind and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Vendor)
	if e.Stream != "" {
		fmt.Fprintf(&b, " %s", e.Stream)
	}
	if e.Window != "" {
		fmt.Fprintf(&b, " window %s", e.Window)
	}
	if e.Page > 0 {
		fmt.Fprintf(&b, " page %d", e.Page)
	}
	fmt.Fprintf(&b, ": %s", e.Kind)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, and "" where there
// is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// In returns err with the walk's place filled in where err is, or wraps, an
// *Error that does not have one yet. Other errors, among them context.Canceled
// and *IncompleteError, come back unchanged.
func In(err error, stream, window string, page int) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Stream != "" {
		return err
	}
	placed := *e
	placed.Stream, placed.Window, placed.Page = stream, window, page
	return &placed
}

// IncompleteError ends a walk that knows it has not seen every row: the pages it
// yielded are good, the window is not whole.
type IncompleteError struct {
	Reason string // what is missing and how it is known: "10000 of 25000 calls reachable: the vendor's cap"
	// Final says that to ask again soon brings no more: a cap of the vendor's, a budget
	// that is spent, a question that has no answer.
	Final bool
}

func (e *IncompleteError) Error() string { return "incomplete: " + e.Reason }
