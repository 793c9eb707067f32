// Package sixth walks the tickets of an imaginary vendor by its REST API. They are
// listed in the order in which they were opened, and never change: the bookmark is how
// many have been read.
package sixth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"

	"github.com/go-faster/jx"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// Name is the stream's name in errors, landing paths and configuration.
const Name = "tickets"

// Config is one account.
type Config struct {
	Endpoint  string // of the list
	Token     string
	Transport transport.Config
}

// Tickets is the stream of tickets. It implements extract.Stream and extract.Checker.
type Tickets struct {
	cfg    Config
	client *transport.Client
	from   bookmark // of the last Plan
}

// bookmark is how many tickets have been read.
type bookmark struct {
	Tickets int64 `json:"tickets"`
}

// New returns the stream. It opens no socket.
func New(cfg Config) *Tickets {
	return &Tickets{cfg: cfg, client: transport.New(cfg.Transport, transport.Static(cfg.Token))}
}

// Plan has one window: what comes after the bookmark.
func (s *Tickets) Plan(_ context.Context, ask extract.Ask) ([]extract.Window, error) {
	s.from = bookmark{}
	if ask.Bookmark != nil && !ask.Full && !ask.Backfill() {
		if err := json.Unmarshal(ask.Bookmark, &s.from); err != nil {
			return nil, fmt.Errorf("read the bookmark of the tickets: %w", err)
		}
	}
	return []extract.Window{{ID: "tickets"}}, nil
}

// Walk yields the pages of the window.
func (s *Tickets) Walk(ctx context.Context, window extract.Window) iter.Seq2[extract.Page, error] {
	return func(yield func(extract.Page, error) bool) {
		at := s.from
		for number := 1; ; number++ {
			seen, answer, err := s.ask(ctx, at.Tickets)
			if err == nil && seen.rows == 0 && at.Tickets < seen.total {
				err = &extract.Error{Kind: extract.Stuck, Vendor: s.cfg.Transport.Vendor, Err: errors.New("there are more tickets, but this page is empty")}
			}
			if err != nil {
				yield(extract.Page{}, extract.In(err, Name, window.ID, number))
				return
			}
			page := extract.Page{
				Body: answer.Body, Rows: seen.rows, Total: max(0, seen.total-s.from.Tickets),
				Request: extract.Request{
					Operation: operation, Variables: map[string]any{"offset": at.Tickets}, Status: answer.Status, At: answer.At,
				},
			}
			at.Tickets += seen.rows
			if page.After, err = json.Marshal(at); err != nil {
				yield(extract.Page{}, err)
				return
			}
			if !yield(page, nil) || at.Tickets >= seen.total {
				return
			}
		}
	}
}

// Check asks for a page, and tells whether it holds what is read of it.
func (s *Tickets) Check(ctx context.Context) ([]extract.Finding, error) {
	_, _, err := s.ask(ctx, 0)
	return nil, err
}

const operation = "GET /tickets"

// ask asks for the page that begins at an offset.
func (s *Tickets) ask(ctx context.Context, offset int64) (reading, *transport.Answer, error) {
	ctx = transport.Describe(ctx, operation)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Endpoint+"?offset="+strconv.FormatInt(offset, 10), nil)
	if err != nil {
		return reading{}, nil, errors.New("endpoint is no URL")
	}
	var seen reading
	answer, err := s.client.Do(req, seen.read)
	if err == nil && (!seen.listed || seen.total < 0) {
		err = &extract.Error{Kind: extract.Garbled, Vendor: s.cfg.Transport.Vendor, Err: errors.New("answer has no list of tickets, or no total")}
	}
	return seen, answer, err
}

// reading is what the walk needs to know of a page.
type reading struct {
	rows   int64
	total  int64 // extract.Unknown where the vendor does not say
	listed bool  // there is a list
}

func (r *reading) read(d *jx.Decoder) error {
	*r = reading{total: extract.Unknown}
	return transport.Object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "total":
			text, err := transport.Scalar(d)
			if n, failed := strconv.ParseInt(text, 10, 64); failed == nil {
				r.total = n
			}
			return err
		case "tickets":
			r.listed = d.Next() == jx.Array
			return transport.Array(d, func(d *jx.Decoder) error {
				r.rows++
				return d.Skip()
			})
		}
		return d.Skip()
	})
}
