// Package transport is what the vendors share on the wire: sign-in and its
// renewal, rate, retries, time limits, size caps, and the judgement whether an
// answer is one. A request passes through layers, which New composes in one visible
// line. An http.RoundTripper stands at their exit alone. At their entrance every
// GraphQL request comes from machinebox/graphql: the layers make good what that
// client does not look at (status, all errors and their extensions, body size),
// keep the vendor's bytes for the landing zone, and show it {"data":null}.
//
// From the outside in, and why in this order:
//
//	retry      outermost, so that each repeat is authorized, paced and judged anew
//	authorize  outside the pace: a sign-in needs a slot of its own, and so does the repeat after it
//	limit      one slot and one tick of the rate per attempt; learns from refusals
//	count      only what reaches the wire
//	judge      makes of a reading an Answer, or an error fit to be shown; outside the time limit, so that it can tell our limit from the caller's end
//	within     the time limit of one attempt, body included
//	whole      makes of a response a reading: its body to the end, or to the size cap
//
// A failed request is an *extract.Error whose cause, where the vendor answered,
// is an *AnswerError. The end of the caller's context comes back as it is.
package transport

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract"
)

// Config is the wire of one source.
type Config struct {
	Vendor      string            // for errors and logs
	Rate        float64           // requests a second; the most, lowered by itself while the vendor refuses; zero is no limit
	Concurrency int               // requests under way at once; zero is one
	Timeout     time.Duration     // of one attempt, body included; zero is a minute
	Retries     int               // repeats of one request before it is an error
	Budget      int               // repeats in reserve over the life of the client, ten good answers earn one back; zero is 20 times Retries
	MaxBody     int64             // bytes of one answer, decompressed; zero is 16 MiB
	Base        http.RoundTripper // nil: a transport of our own with sane limits
	Log         *slog.Logger      // nil: discards
}

// Token is a credential and how long it is good for.
type Token struct {
	Access  string
	Refresh string        // empty where the vendor has none
	Life    time.Duration // from the moment it was given; zero: it does not expire
}

// SignIn gets a token. Previous is the token to renew, nil for a fresh sign-in.
// The client calls it single-flight, before expiry at a share of the life, once
// more on a 401 in any form, and never more often than its own limit.
type SignIn func(ctx context.Context, send Sender, previous *Token) (*Token, error)

// Static is the SignIn of a vendor with a long-lived token.
func Static(token string) SignIn {
	return func(context.Context, Sender, *Token) (*Token, error) { return &Token{Access: token}, nil }
}

// Query is one GraphQL request.
type Query struct {
	Operation string         // operation name, for the landed request record and for logs
	Text      string         // the document
	Variables map[string]any // never credentials, save in a sign-in
	// Once: a write that must not be repeated after an ambiguous failure; it is
	// retried only where the vendor surely did not act on it.
	Once bool
	// Divisible: the walk can ask for less, so that an answer that is too slow or
	// fails at the vendor is repeated once before the walk hears of it.
	Divisible bool
	// Read, if not nil, reads the data of an answer in the pass that judges it. It
	// reads one value, whole; it begins anew with every answer, those too that are
	// refused afterwards; and its error is the decoder's.
	Read func(*jx.Decoder) error

	schema bool // asks for the vendor's schema: what refuses it is not repeated
}

// Page is what lands of the answer to q. Its rows are for the walk to count.
func (q Query) Page(a *Answer) extract.Page {
	asked := extract.Request{Operation: q.Operation, Query: q.Text, Variables: q.Variables, Status: a.Status, At: a.At}
	return extract.Page{Body: a.Body, Request: asked, Total: extract.Unknown}
}

// Answer is a whole, judged answer: status 2xx, a JSON body, and no GraphQL errors.
type Answer struct {
	Body   []byte // the vendor's bytes, owned by the caller
	Status int
	Header http.Header
	At     time.Time // when the body was whole, UTC, truncated to microseconds
}
