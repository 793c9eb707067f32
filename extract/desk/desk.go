// Package desk walks the chat conversations of Teamwork Desk by its REST API.
//
// Two windows: "updated" lists what changed since the bookmark less the lookback,
// and "deleted" what was deleted since then, because a deletion does not touch
// updatedAt and a plain list shows no deleted rows.
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
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nightjar/extract"
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

// bookmark says that every change before the instant has been asked for.
type bookmark struct {
	ChangedBefore time.Time `json:"changed_before"`
}

// The two windows, and the fields they go by.
const (
	updated = "updated"
	deleted = "deleted"
)

// Plan has the two windows, updates first.
func (s *Conversations) Plan(ctx context.Context, ask extract.Ask) ([]extract.Window, error) {
	from, to := s.cfg.Start, ask.Now
	switch {
	case ask.Backfill():
		from = ask.From
		if !ask.To.IsZero() && ask.To.Before(to) {
			to = ask.To
		}
	case ask.Bookmark != nil && !ask.Full:
		mark, err := readBookmark(ask)
		if err != nil {
			return nil, err
		}
		before, err := ask.Since(ctx, mark)
		if err != nil {
			return nil, err
		}
		if since := before.Add(-s.cfg.Lookback); since.After(from) {
			from = since
		}
	}
	s.ask = ask
	windows := []extract.Window{{ID: updated, From: from.UTC(), To: to.UTC()}, {ID: deleted, From: from.UTC(), To: to.UTC()}}
	if ask.Backfill() { // days, so that two backfills tell their windows apart
		days := " " + from.In(s.cfg.Location).Format("2006-01-02") + ".." + to.Add(-1).In(s.cfg.Location).Format("2006-01-02")
		windows[0].ID += days
		windows[1].ID += days
	}
	return windows, nil
}

func readBookmark(ask extract.Ask) (time.Time, error) {
	var b bookmark
	strict := json.NewDecoder(bytes.NewReader(ask.Bookmark))
	strict.DisallowUnknownFields()
	err := strict.Decode(&b)
	if err == nil && b.ChangedBefore.IsZero() {
		err = errors.New("changed_before is missing")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read bookmark %s: %w", ask.Bookmark, err)
	}
	return b.ChangedBefore, nil
}

// after is the bookmark once both windows are whole; nil where it stays.
func (s *Conversations) after() extract.Bookmark {
	if s.ask.Backfill() || s.ask.Now.IsZero() {
		return nil
	}
	b, err := json.Marshal(bookmark{s.ask.Now})
	if err != nil {
		return nil // a year beyond 9999
	}
	return b
}
