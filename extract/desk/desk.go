// Package desk walks the chat conversations of Teamwork Desk by its REST API.
//
// Two windows: "updated" lists what changed since it was last asked for, less the
// lookback, and "deleted" what was deleted since then, because a deletion does not
// touch updatedAt and a plain list shows no deleted rows. The bookmark says of each
// list by itself what has been asked for. Where that lacks more, such as what an
// earlier start adds, there are more windows: what changes while they are walked
// leaves them for the end of its list, which the last window of the list holds.
//
// Pages are not asked for by number alone: a conversation that changes during the
// walk moves to the end of the list, and a row would slip through the gap. Where a
// page ends later than it began, the next one is asked for from that time on, as
// a first page; only rows of one and the same time are paged by number. The window
// is proven by the vendor's count of its records.
//
// A conversation's token is a credential. It is blanked in every page before the
// page leaves this package; where tokens are generated, for the message history,
// they live no longer than the request that needs them.
package desk

import (
	"context"
	"time"

	"nightjar/extract"
	"nightjar/extract/coverage"
	"nightjar/extract/transport"
)

// Name is the stream's name in errors, landing paths and configuration.
const Name = "conversations"

// Config is one Desk site.
type Config struct {
	Endpoint  string // https://{site}.teamwork.com/desk/api/v2
	Token     string // API key
	Tokens    bool   // generate a token for each updated conversation, a write, and fetch its message history
	Transport transport.Config
	Location  *time.Location // business days; UTC if nil
	Start     time.Time      // of the first run; zero: everything
	Lookback  time.Duration  // overlap with the run before
}

// Conversations is the stream of conversations. It implements extract.Stream and
// extract.Checker.
type Conversations struct {
	cfg    Config
	client *transport.Client
	ask    extract.Ask // of the last Plan
}

// New returns the stream. It opens no socket.
func New(cfg Config) *Conversations {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	return &Conversations{cfg: cfg, client: transport.New(cfg.Transport, transport.Static(cfg.Token))}
}

// The two lists.
const (
	updated = "updated"
	deleted = "deleted"
)

func isList(list string) bool { return list == updated || list == deleted }

// Extend is the bookmark old with what covers says besides. The order in which a
// bookmark is extended makes no difference, and neither does doing it twice. What
// cannot be read covers nothing, and is asked for again.
func Extend(old, covers extract.Bookmark) extract.Bookmark {
	return coverage.Extend(old, covers, isList)
}

// AsOf is the instant up to which it is proven that every change and every deletion
// was asked for, from start on. Zero where one of the lists has nothing at its start,
// and where the bookmark cannot be read.
func AsOf(b extract.Bookmark, start time.Time) time.Time {
	have, err := coverage.Read(b, isList)
	if err != nil {
		return time.Time{}
	}
	return coverage.Earliest(coverage.Proven(have.Parts[updated], start), coverage.Proven(have.Parts[deleted], start))
}

// Plan has the windows of both lists, updates first.
func (s *Conversations) Plan(ctx context.Context, ask extract.Ask) ([]extract.Window, error) {
	if ask.Backfill() {
		s.ask = ask
		return s.backfill(ask), nil
	}
	basis, err := coverage.BasisOf(ctx, ask, s.cfg.Lookback, isList)
	if err != nil {
		return nil, err
	}
	s.ask = ask
	var windows []extract.Window
	for _, list := range []string{updated, deleted} {
		for _, at := range coverage.Missing(basis.Have.Parts[list], s.cfg.Start, ask.Now, s.cfg.Lookback) {
			w := extract.Window{ID: list, From: at.From.UTC(), To: at.To.UTC(), Covers: basis.Covers(at, ask.Now, s.cfg.Lookback, list)}
			if at.To.Before(ask.Now) {
				w.ID += " " + s.label(at.From, at.From) + ".." + s.label(at.To, at.To.Add(-1))
			}
			windows = append(windows, w)
		}
	}
	return windows, nil
}

// backfill has both windows of an interval, named by its days, so that two backfills
// tell their windows apart.
func (s *Conversations) backfill(ask extract.Ask) []extract.Window {
	from, to := ask.From, ask.Now
	if !ask.To.IsZero() && ask.To.Before(to) {
		to = ask.To
	}
	days := " " + s.day(from) + ".." + s.day(to.Add(-1))
	return []extract.Window{{ID: updated + days, From: from.UTC(), To: to.UTC()}, {ID: deleted + days, From: from.UTC(), To: to.UTC()}}
}

func (s *Conversations) day(t time.Time) string { return t.In(s.cfg.Location).Format(time.DateOnly) }

// label names where a window begins or ends: by the business day where that is its
// border, by the instant where it is not, and not at all where there is none.
func (s *Conversations) label(border, in time.Time) string {
	if border.IsZero() {
		return ""
	}
	if local := border.In(s.cfg.Location); s.day(local.Add(-1)) == s.day(local) {
		return local.Format(time.RFC3339Nano)
	}
	return s.day(in)
}
