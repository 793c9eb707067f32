package pipeline

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/extract/aircall"
	"nightjar/extract/clientloop"
	"nightjar/extract/desk"
	"nightjar/extract/iadvize"
	"nightjar/extract/transport"
	"nightjar/extract/volt"
)

// streamEntry is what a run needs to know of a stream beside its interface.
type streamEntry struct {
	open func(*opener) extract.Stream
	// order places the stream in a run: one that others learn from comes first.
	order int
	// known is the condition, in SQL over the stream's main table, for the rows
	// that a window must bring again; it may use $from and $to. Empty: the window
	// need not bring any row again.
	known string
	// within narrows known to what a window with a scope asks for. Nil: windows have
	// none.
	within func(scope string) (string, error)
	// changed is the column of the main table that tells when a record came to be, or
	// changed last; empty where the bookmark is no time.
	changed string
	// settle tells how long a record may still change, for is_final.
	settle func(config.Pipeline) time.Duration
	// extend adds to a bookmark what a window covers; nil for a stream whose pages carry
	// the bookmark after them.
	extend func(old, covers extract.Bookmark) extract.Bookmark
	// asOf is the instant up to which a bookmark proves that all was asked for; nil where
	// it does not tell, and the runs do.
	asOf func(*config.Config, config.Pipeline, extract.Bookmark) time.Time
	// early reports whether the bookmark after a window is of a walk that did not ask for
	// all that may still change; nil where every walk does.
	early func(after extract.Bookmark) bool
	// left says what the warehouse holds of the stream and the configuration no longer
	// asks for; nil where there can be nothing.
	left func(context.Context, *opener) ([]string, error)
	// unproven says why the vendor leaves no proof that a window is whole; empty
	// where it does.
	unproven string
}

// streams is every stream there is. A vendor is added by a line here, a package
// in extract, a file in transform and one in the sandbox.
var streams = map[string]streamEntry{
	"iadvize/closed_conversations": {open: openConversations, known: "closed_at >= $from AND closed_at < $to", within: ofProjects,
		extend: iadvize.Extend, asOf: conversationsAsOf, left: projectsLeft, changed: "closed_at", settle: lookback},
	"aircall/calls": {open: openCalls, known: "true", settle: settle, early: aircall.StoppedEarly},
	"volt/messages": {open: openMessages, changed: "sent_at", settle: settle, left: accountsLeft},
	"volt/waves": {open: openWaves, order: 1, settle: settle,
		unproven: "the vendor lists no waves: ids were tried until enough in a row were absent"},
	"desk/conversations":      {open: openDesk, extend: desk.Extend, asOf: deskAsOf, changed: "updated_at", settle: lookback},
	"clientloop/idv_sessions": {open: openSessions, order: 2},
}

// writes says that the walk of a stream writes at the vendor. What it brings is
// published although rows are missing: a write that is forgotten would be repeated.
func writes(source, stream string) bool { return source == idvSource && stream == idvStream }

func lookback(p config.Pipeline) time.Duration { return p.Lookback }
func settle(p config.Pipeline) time.Duration   { return p.Settle }

// opener is what a stream is opened with.
type opener struct {
	run      *run
	pipeline config.Pipeline
	known    *known
}

func openConversations(o *opener) extract.Stream {
	s := o.run.Config.Sources.IAdvize
	return iadvize.New(iadvize.Config{
		Endpoint: s.Endpoint, TokenURL: s.TokenURL, Username: s.Username, Password: s.Password.Reveal(),
		Projects: s.Projects, Query: s.Query, Transport: o.transport("iadvize", s.Wire),
		Location: o.run.Config.Timezone, Start: o.pipeline.Start, Lookback: o.pipeline.Lookback, Window: o.pipeline.Window,
		Warehouse: o.known,
	})
}

func conversationsAsOf(c *config.Config, p config.Pipeline, b extract.Bookmark) time.Time {
	if c.Sources.IAdvize == nil { // a pipeline that is not enabled needs no source
		return time.Time{}
	}
	return iadvize.AsOf(b, c.Sources.IAdvize.Projects, p.Start)
}

func projectsLeft(_ context.Context, o *opener) ([]string, error) {
	return iadvize.Left(o.run.bookmark(o.pipeline.Source, o.pipeline.Stream), o.run.Config.Sources.IAdvize.Projects, o.pipeline.Start), nil
}

// accountsLeft lists the accounts whose messages the warehouse holds and that are not
// among those of the configuration.
func accountsLeft(ctx context.Context, o *opener) ([]string, error) {
	held, err := column[string](ctx, o.known, "SELECT DISTINCT account_phone FROM volt.messages WHERE account_phone IS NOT NULL ORDER BY 1")
	if err != nil {
		return nil, err
	}
	var left []string
	for _, account := range held {
		if !slices.Contains(o.run.Config.Sources.Volt.Accounts, account) {
			left = append(left, "account "+account+" is no longer asked for; its messages stay")
		}
	}
	return left, nil
}

// ofProjects is the condition for the rows of a window's projects.
func ofProjects(scope string) (string, error) {
	projects, err := iadvize.ProjectsOf(scope)
	if err != nil || projects == nil {
		return "true", err
	}
	return fmt.Sprintf("project_id IN (%s)", list(projects)), nil
}

func openCalls(o *opener) extract.Stream {
	s := o.run.Config.Sources.Aircall
	return aircall.New(aircall.Config{
		Endpoint: s.Endpoint, Username: s.Username, Password: s.Password.Reveal(),
		Transport: o.transport("aircall", s.Wire), FullEvery: o.pipeline.FullEvery, Warehouse: o.known,
	})
}

func openWaves(o *opener) extract.Stream { return volt.NewWaves(o.volt()) }

func openMessages(o *opener) extract.Stream { return volt.NewMessages(o.volt()) }

func (o *opener) volt() volt.Config {
	s := o.run.Config.Sources.Volt
	return volt.Config{
		Endpoint: s.Endpoint, Token: s.Token.Reveal(), Accounts: s.Accounts, Transport: o.transport("volt", s.Wire),
		Settle: o.pipeline.Settle, Gap: o.pipeline.Gap, FirstID: o.pipeline.FirstID, Budget: o.pipeline.Budget, Warehouse: o.known,
	}
}

func openDesk(o *opener) extract.Stream {
	s := o.run.Config.Sources.Desk
	return desk.New(desk.Config{
		Endpoint: s.Endpoint, Token: s.Token.Reveal(), Tokens: s.Tokens, Transport: o.transport("desk", s.Wire),
		Location: o.run.Config.Timezone, Start: o.pipeline.Start, Lookback: o.pipeline.Lookback,
	})
}

func deskAsOf(_ *config.Config, p config.Pipeline, b extract.Bookmark) time.Time {
	return desk.AsOf(b, p.Start)
}

func openSessions(o *opener) extract.Stream {
	s := o.run.Config.Sources.ClientLoop
	// A key of its own for the hashes, that only who has the API key can make.
	key := sha256.Sum256([]byte("nightjar idv_sessions " + s.Token.Reveal()))
	return clientloop.New(clientloop.Config{
		Endpoint: s.Endpoint, Token: s.Token.Reveal(), OrgID: s.OrgID, HashKey: key[:], Transport: o.transport("clientloop", s.Wire),
		Contacts: func(ctx context.Context) ([]string, error) {
			return o.known.contacts(ctx, o.pipeline.Contacts, o.pipeline.ContactsQuery, o.pipeline.RetryUnknown)
		},
	})
}

// transport is the wire of a source, as the configuration has it.
func (o *opener) transport(vendor string, w config.Wire) transport.Config {
	return transport.Config{
		Vendor: vendor, Rate: w.Rate, Concurrency: w.Concurrency, Timeout: w.Timeout, Retries: w.Retries, MaxBody: w.MaxBody,
		Base: o.run.Base, Log: o.run.Log,
	}
}

// wire is what the configuration says of a source's endpoint.
func wire(s config.Sources, source string) config.Wire {
	switch source {
	case "iadvize":
		return s.IAdvize.Wire
	case "aircall":
		return s.Aircall.Wire
	case "volt":
		return s.Volt.Wire
	case "desk":
		return s.Desk.Wire
	case "clientloop":
		return s.ClientLoop.Wire
	}
	return config.Wire{Concurrency: 1}
}
