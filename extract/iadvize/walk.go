package iadvize

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract"
	"nightjar/extract/transport"
)

const (
	pageSize = 100         // the vendor's most
	narrow   = time.Second // the vendor's times have no finer unit
	overlap  = time.Second // of neighbouring intervals
	empties  = 20          // pages without a row, in a row, that are still called progress
	agains   = 5           // pages with a row that came before, in a row, that are not
)

// Walk yields the pages of one window, in the order of its halves where it had
// to be halved.
func (s *ClosedConversations) Walk(ctx context.Context, window extract.Window) iter.Seq2[extract.Page, error] {
	return extract.Sequence(func(give func(extract.Page) error) error {
		q, err := s.discover(ctx)
		if err != nil {
			return extract.In(err, Name, window.ID, 1)
		}
		projects, err := ProjectsOf(window.Scope)
		if err != nil {
			return err
		}
		w := &walk{stream: s, question: q, window: window, give: give}
		err = w.part(ctx, part{from: window.From, to: window.To, tail: s.tail(window.To), projects: projects})
		if err == nil && w.hidden != "" {
			err = &extract.IncompleteError{Reason: w.hidden}
		}
		return err
	})
}

// tail is how much later than to an interval must end.
func (s *ClosedConversations) tail(to time.Time) time.Duration {
	return max(min(late, s.ask.Now.Sub(to)), 0)
}

// walk is the state of one window's walk.
type walk struct {
	stream   *ClosedConversations
	question *question
	window   extract.Window
	give     func(extract.Page) error
	pages    int           // yielded so far
	hidden   string        // why the window is not whole; empty if it is
	kinds    map[kind]bool // collects those of the rows that come; nil does not
}

// walkOnce follows the cursors of one interval to their end.
func (w *walk) walkOnce(ctx context.Context, p part) error {
	trail, whole := newTrail(), w.stream.whole(p)
	for after := ""; ; {
		q := w.stream.query(w.question, p, after)
		q.Divisible = p.halves() || w.splits(p)
		var seen *reading
		q.Read = func(d *jx.Decoder) error {
			seen = newReading(w.question, w.kinds != nil)
			return seen.data(d)
		}
		answer, err := w.stream.client.GraphQL(ctx, w.stream.cfg.Endpoint, q)
		if err != nil {
			return w.place(err)
		}
		if err := seen.complaint(); err != nil {
			return w.fail(extract.Garbled, err)
		}
		maps.Copy(w.kinds, seen.kinds)
		page := q.Page(answer)
		page.Rows, page.Request.Whole = seen.rows, whole
		if err := w.give(page); err != nil {
			return err
		}
		w.pages++
		if !seen.more() {
			return nil
		}
		if !w.question.paged {
			return w.fail(extract.Stuck, fmt.Errorf("%d rows and more to come, which the vendor gives no means to ask for", seen.rows))
		}
		if err := trail.step(after, seen); err != nil {
			return w.fail(extract.Stuck, err)
		}
		after = seen.cursor()
	}
}

func (w *walk) fail(kind extract.Kind, err error) error {
	return w.place(&extract.Error{Kind: kind, Vendor: w.stream.cfg.Transport.Vendor, Err: err})
}

func (w *walk) place(err error) error {
	return extract.In(err, Name, w.window.ID, w.pages+1)
}

// query asks for what was closed in the part and in its tail, a second to either
// side.
func (s *ClosedConversations) query(q *question, p part, after string) transport.Query {
	to := p.to.Add(p.tail + overlap)
	if to.After(s.ask.Now) && !s.ask.Now.IsZero() {
		to = s.ask.Now
	}
	variables := map[string]any{"interval": map[string]any{
		"from": p.from.Add(-overlap).UTC().Truncate(time.Second).Format(time.RFC3339),
		"to":   to.UTC().Format(time.RFC3339),
	}}
	switch {
	case p.only != nil:
		variables["filters"] = map[string]any{"projectIds": []int64{p.only.project}, "channels": []string{p.only.channel}}
	case q.filters && len(p.projects) > 0:
		variables["filters"] = map[string]any{"projectIds": p.projects}
	}
	if q.paged {
		variables["first"] = pageSize
		if after != "" {
			variables["after"] = after
		}
	}
	return transport.Query{Operation: q.operation, Text: q.text, Variables: variables}
}

// trail remembers where a walk has been: 8 bytes a page for its cursor, its ids and
// one id of them each. The one is the id with the smallest hash: among rows that come
// again and again, in whatever order and company, it is soon one that has been it.
type trail struct {
	cursors, prints, leasts map[uint64]bool
	empty                   int // pages without a row, in a row
	again                   int // pages whose one id has come before, in a row
}

func newTrail() *trail {
	return &trail{cursors: map[uint64]bool{}, prints: map[uint64]bool{}, leasts: map[uint64]bool{}}
}

// step goes on from the page that was asked for with after, and fails where the
// walk would go in circles.
func (t *trail) step(after string, seen *reading) error {
	t.cursors[maphash.String(seed, after)] = true
	cursor, print := seen.cursor(), seen.print.Sum64()
	next := maphash.String(seed, cursor)
	switch {
	case cursor == "":
		return errors.New("there is a next page, but no cursor to it")
	case t.cursors[next]:
		return errors.New("the cursor of the next page has been used before")
	case seen.rows > 0 && t.prints[print]:
		return errors.New("a page came again under another cursor")
	}
	if seen.rows == 0 {
		if t.empty++; t.empty >= empties {
			return fmt.Errorf("%d pages in a row without a row", empties)
		}
		return nil
	}
	if !t.leasts[seen.least] {
		t.again = 0
	} else if t.again++; t.again >= agains {
		return fmt.Errorf("%d pages in a row with rows that came before", agains)
	}
	t.prints[print], t.leasts[seen.least], t.empty = true, true, 0
	return nil
}
