package extract

import (
	"context"
	"sync/atomic"
)

// Tally counts what a walk cost. The transport counts into the tally of the
// request's context; many requests may do so at once.
type Tally struct {
	Requests atomic.Int64 // sent to the vendor's data endpoint, retries included
	Retries  atomic.Int64 // requests that repeated an earlier one
	SignIns  atomic.Int64 // requests for a token, renewals included
}

type tallyKey struct{}

// WithTally returns a context whose requests are counted into t.
func WithTally(ctx context.Context, t *Tally) context.Context {
	return context.WithValue(ctx, tallyKey{}, t)
}

// TallyOf returns the tally of ctx, and one that nobody reads where it has none.
func TallyOf(ctx context.Context) *Tally {
	if t, ok := ctx.Value(tallyKey{}).(*Tally); ok {
		return t
	}
	return new(Tally)
}
