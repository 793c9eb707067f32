// Package aircall reads calls from Aircall's GraphQL API, whose schema is
// testdata/contracts/aircall.graphql.
//
// The API pages by offset and limit, has no filter and promises no order, so
// that every night is a sweep over all calls. A sweep proves itself by counting:
// it is whole when the distinct ids seen equal the vendor's totalCount. Rows
// that shift while it runs are caught by further sweeps, each of which ends as
// soon as the count is right; a total that the pages do not reach is an
// *extract.IncompleteError, never the end.
package aircall

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed calls.graphql
var callsQuery string

const (
	vendor = "aircall"
	stream = "calls"
	window = "sweep"

	defaultPageSize = 100
	maxSweeps       = 3 // until the count must be right
)

// Config is an Aircall account and how it is swept.
type Config struct {
	Endpoint  string // GraphQL, absolute URL
	Username  string
	Password  string
	Transport transport.Config // Concurrency pages of one sweep are asked for at once
	PageSize  int              // calls a request; zero: 100
	// FullEvery is the nights from one full sweep to the next, where pages prove
	// to come newest first; zero or one: every night is full. It needs the Warehouse.
	// Between full sweeps, edits to calls already held are not seen.
	FullEvery int
	Warehouse Warehouse // nil: every night is full
}

// Warehouse tells what is already held.
type Warehouse interface {
	// HeldCalls returns how many of the ids, at most one page of them, the warehouse
	// holds as calls created from one instant up to, and without, another. It is called
	// from one goroutine at a time.
	HeldCalls(ctx context.Context, ids []string, from, to time.Time) (int, error)
}

// Calls is the stream "calls". It implements extract.Stream and extract.Checker.
type Calls struct {
	cfg    Config
	client *transport.Client
	plan   atomic.Pointer[plan]
	fitted atomic.Pointer[string] // calls.graphql as a check has cut it; nil: whole
}

// plan is what a walk needs to know of the ask.
type plan struct {
	ask  extract.Ask
	last bookmark
}

// New returns the stream of one account. It opens no socket.
func New(cfg Config) *Calls {
	cfg.PageSize = cmp.Or(max(cfg.PageSize, 0), defaultPageSize)
	cfg.Transport.Vendor = cmp.Or(cfg.Transport.Vendor, vendor)
	return &Calls{cfg: cfg, client: transport.New(cfg.Transport, signIn(cfg))}
}

// Plan returns the one window "sweep". The API cannot filter by date, so that a
// backfill is a sweep too.
func (c *Calls) Plan(_ context.Context, ask extract.Ask) ([]extract.Window, error) {
	last, err := readBookmark(ask.Bookmark)
	if err != nil {
		return nil, err
	}
	c.plan.Store(&plan{ask: ask, last: last})
	size := int64(c.cfg.PageSize)
	return []extract.Window{{ID: window, Calls: int((last.Calls + size - 1) / size)}}, nil
}

// Walk yields the pages of as many sweeps as the count needs. The bookmark is on
// the last page, and only where the count is right.
func (c *Calls) Walk(ctx context.Context, _ extract.Window) iter.Seq2[extract.Page, error] {
	p := c.plan.Load()
	if p == nil {
		return func(yield func(extract.Page, error) bool) {
			yield(extract.Page{}, errors.New("walk aircall calls before they are planned"))
		}
	}
	w := &walk{calls: c, plan: *p, seen: map[key]int32{}}
	return w.pages(ctx)
}
