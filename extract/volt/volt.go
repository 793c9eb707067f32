// Package volt reads SMS waves and messages from Volt's GraphQL API, whose
// schema is testdata/contracts/volt.graphql.
//
// No query lists waves. They are found by their numeric ids, many to a request,
// around every id that is known: from where the walk begins, from the waves
// already held, from the waves that messages name. Messages are reached by way of
// the inbox of an account and the conversation with each of its contacts,
// backwards in time. How the argument before pages is documented nowhere; it is
// found out by asking.
package volt

import (
	"cmp"
	"context"
	"time"

	"nightjar/extract/transport"
)

const (
	vendor         = "volt"
	defaultAliases = 50
	defaultGap     = 500
)

// Config is a Volt account holder and how its waves and messages are walked.
type Config struct {
	Endpoint  string           // GraphQL, absolute URL
	Token     string           // long-lived
	Accounts  []string         // primary phones, E.164; messages only
	Transport transport.Config // Concurrency batches or conversations are asked for at once
	Settle    time.Duration    // how long after its time a wave or message may still change
	Gap       int              // waves: absent ids in a row that end the search around a known one; zero: 500
	FirstID   int64            // waves: where the search begins; zero: 1
	Budget    int              // waves: most requests of a walk, repeats not counted; zero: no limit
	Aliases   int              // waves: ids a request; zero: 50
	Warehouse Warehouse        // nil on the first run
}

// Warehouse tells what is already held. Its methods may be called from
// several goroutines at once.
type Warehouse interface {
	// WaveIDs returns the ids beyond the given one of the waves held, and all ids that
	// messages name while their wave is not held. Both ascend. It is called once a walk of
	// waves.
	WaveIDs(ctx context.Context, beyond int64) (held, named []int64, err error)

	// UnsettledWaves returns the ids of the waves held whose scheduled time is not
	// before the given one, or unknown. It is called once a walk of waves.
	UnsettledWaves(ctx context.Context, before time.Time) ([]int64, error)

	// SettledMessages returns, of the given message ids, those that the warehouse
	// holds with a final status and with a time of sending before the given one.
	// It is called once a page.
	SettledMessages(ctx context.Context, ids []int64, before time.Time) (map[int64]bool, error)
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.Gap = cmp.Or(max(c.Gap, 0), defaultGap)
	c.FirstID = max(c.FirstID, 1)
	c.Aliases = cmp.Or(max(c.Aliases, 0), defaultAliases)
	c.Transport.Vendor = cmp.Or(c.Transport.Vendor, vendor)
	return c
}

// connect returns the client of one stream. It opens no socket.
func (c Config) connect() *transport.Client {
	return transport.New(c.Transport, transport.Static(c.Token))
}
