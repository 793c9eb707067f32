// Package streams has one descriptor for every stream that the program knows: what its
// pages become, how it is opened, how its bookmarks add up, and what is asked of the
// warehouse for it. A file a vendor; a stream is added by a line in registry.go.
package streams

//go:generate go test . -run TestDictionaryFile -update

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/extract/transport"
	"nightjar/load/ref"
	"nightjar/transform"
)

// Stream is what the program knows of one stream.
type Stream struct {
	transform.Stream // its name, its tables, and what its pages become

	Open func(*Opener) extract.Stream
	// Order places the stream in a run: one that others learn from comes first.
	Order int
	// Writes says that the walk writes at the vendor. What it brings is published
	// although rows are missing: a write that is forgotten would be repeated.
	Writes bool
	// Again is the condition, in SQL over the main table, for the rows that a window must
	// bring again. Nil: it need not bring any.
	Again func(from, to time.Time, scope string) (string, error)
	// Changed is the column of the main table that tells when a record came to be, or
	// changed last; empty where the bookmark is no time.
	Changed string
	// Settle tells how long a record may still change, for is_final; nil for a stream that
	// no mart is made of.
	Settle func(config.Pipeline) time.Duration
	// Records is the kind of the stream's records in etl.final_through, where the marts find
	// up to which day they are final; empty for a stream that no mart is made of.
	Records string
	// Attribution is how long after its close a conversation may still be given a purchase;
	// zero for other streams.
	Attribution time.Duration
	// Extend adds to a bookmark what a window covers; nil for a stream whose pages carry
	// the bookmark after them.
	Extend func(old, covers extract.Bookmark) extract.Bookmark
	// AsOf is the instant up to which a bookmark proves that all was asked for; nil where
	// it does not tell, and the runs do.
	AsOf func(*config.Config, config.Pipeline, extract.Bookmark) time.Time
	// Early reports whether the bookmark after a window is of a walk that did not ask for
	// all that may still change; nil where every walk does.
	Early func(after extract.Bookmark) bool
	// Left says what the warehouse holds of the stream and the configuration no longer
	// asks for; nil where there can be nothing.
	Left func(context.Context, *Opener) ([]string, error)
	// Unknown lists the writes of which nobody knows whether they were done; nil for a
	// stream that does not write.
	Unknown func(context.Context, *Opener) ([]UnknownRequest, error)
	// Learn shows a run the rows that it stages, for what its later streams ask of
	// Holdings; nil where there is nothing to learn.
	Learn func(*Holdings, transform.Table, arrow.Record)
	// CredentialKeys and SignInKeys are the keys of the source to look at where it refuses
	// its credentials, and where nobody signs in at the address; the latter is empty for
	// "endpoint".
	CredentialKeys, SignInKeys string
	// Unproven says why the vendor leaves no proof that a window is whole; empty where it
	// does.
	Unproven string
}

// Ref names the stream.
func (s *Stream) Ref() ref.Stream { return ref.Stream{Source: s.Source, Name: s.Name} }

// Opener is what a stream is opened with.
type Opener struct {
	Config   *config.Config
	Pipeline config.Pipeline
	Holdings *Holdings
	Bookmark extract.Bookmark // where the stream stands
	Now      time.Time        // the run's one reading of the clock
	Base     http.RoundTripper
	Log      *slog.Logger
}

// transport is the wire of a source, as the configuration has it.
func (o *Opener) transport(w config.Wire) transport.Config {
	return transport.Config{
		Vendor: o.Pipeline.Source, Rate: w.Rate, Concurrency: w.Concurrency, Timeout: w.Timeout, Retries: w.Retries, MaxBody: w.MaxBody,
		Base: o.Base, Log: o.Log,
	}
}

func lookback(p config.Pipeline) time.Duration { return p.Lookback }
func settle(p config.Pipeline) time.Duration   { return p.Settle }

// Shut says why nothing can be asked of the stream's source, in one line that is the same
// for all its pipelines and windows, with the keys of the configuration, a file, to look
// at; empty where err is not about the source as a whole.
func (s *Stream) Shut(file string, err error) string {
	kind, signIn := extract.KindOf(err), transport.SigningIn(err)
	keys := ""
	switch {
	case kind == extract.Misdirected && signIn:
		keys = cmp.Or(s.SignInKeys, "endpoint")
	case kind == extract.Misdirected:
		keys = "endpoint"
	case kind == extract.Denied && (signIn || transport.TokenRefused(err)):
		keys = s.CredentialKeys
	case !signIn:
		return ""
	}
	var e *extract.Error
	if !errors.As(err, &e) {
		return ""
	}
	whole := *e
	whole.Stream, whole.Window, whole.Page = "", "", 0
	if keys == "" {
		return whole.Error()
	}
	return fmt.Sprintf("%v; see %s of sources.%s in %s", &whole, keys, s.Source, file)
}
