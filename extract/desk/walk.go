package desk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

const (
	pageSize = 100
	sweeps   = 3 // of a window whose rows do not add up
	tries    = 3 // of a page that comes without a list
)

// Walk yields the pages of one window.
func (s *Conversations) Walk(ctx context.Context, window extract.Window) iter.Seq2[extract.Page, error] {
	return extract.Sequence(func(give func(extract.Page) error) error {
		w := &walk{stream: s, window: window, field: "updatedAt", ids: map[int64]int8{}, yield: give}
		if strings.HasPrefix(window.ID, deleted) {
			w.field = "deletedAt"
		}
		err := w.whole(ctx)
		if err == nil && s.cfg.Tokens && w.field == "updatedAt" {
			err = w.histories(ctx)
		}
		return err
	})
}

// walk is the state of one window's walk.
type walk struct {
	stream *Conversations
	window extract.Window
	field  string         // updatedAt or deletedAt
	ids    map[int64]int8 // the sweep that listed the conversation last: 16 bytes or so each
	number int8           // of the sweep, from 1
	total  int64          // as the vendor counts them
	pages  int
	yield  func(extract.Page) error
}

// whole sweeps the window until the rows add up. A row that leaves the window
// during a sweep makes it look short; the next sweep's count is without it.
func (w *walk) whole(ctx context.Context) error {
	for w.number = 1; w.number <= sweeps; w.number++ {
		if err := w.sweep(ctx); err != nil {
			return err
		}
		if w.total == extract.Unknown || int64(len(w.ids)) >= w.total {
			return nil
		}
	}
	return &extract.IncompleteError{Reason: fmt.Sprintf("%d of %d conversations were listed", len(w.ids), w.total)}
}

// sweep lists the window once.
func (w *walk) sweep(ctx context.Context) error {
	w.total = extract.Unknown
	var going progress
	for since, number := w.window.From, 1; ; {
		seen, fresh, err := w.page(ctx, since, number)
		if err != nil {
			return err
		}
		stuck := going.step(seen, fresh)
		switch {
		case !seen.more:
			return nil
		case seen.rows == 0:
			return w.fail(extract.Stuck, errors.New("there is a next page, but this one is empty"))
		case stuck != nil:
			return w.fail(extract.Stuck, stuck)
		case seen.ordered && seen.last.After(since):
			since, number = seen.last, 1
		default:
			number++
		}
	}
}

// page asks for one page and yields it. Fresh is how many of its conversations the
// sweep has not listed before.
func (w *walk) page(ctx context.Context, since time.Time, number int) (seen reading, fresh int, err error) {
	const operation = "GET /conversations.json"
	query := w.query(since, number)
	ctx = transport.Describe(ctx, operation)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.stream.cfg.Endpoint+"/conversations.json?"+query.Encode(), nil)
	if err != nil {
		return reading{}, 0, errors.New("endpoint is no URL")
	}
	var answer *transport.Answer
	seen.field = w.field
	for try := 1; ; try++ {
		if answer, err = w.stream.client.Do(req, seen.read); err != nil {
			return reading{}, 0, extract.In(err, Name, w.window.ID, w.pages+1)
		}
		if err = seen.conclude(); err == nil {
			break
		}
		if try == tries {
			return reading{}, 0, w.fail(extract.Garbled, err)
		}
	}
	body, err := blanked(answer.Body)
	if err != nil {
		return reading{}, 0, w.fail(extract.Garbled, err)
	}
	if w.total == extract.Unknown {
		w.total = seen.total
	}
	for _, id := range seen.ids {
		if w.ids[id] != w.number {
			w.ids[id] = w.number
			fresh++
		}
	}
	page := extract.Page{
		Body: body, Rows: seen.rows, Total: w.total,
		Request: request(operation, query, answer),
	}
	return seen, fresh, w.give(page)
}

func (w *walk) query(since time.Time, number int) url.Values {
	var conditions []string
	if !since.IsZero() {
		conditions = append(conditions, fmt.Sprintf(`"$gte":%q`, since.UTC().Format(time.RFC3339)))
	}
	if w.stream.ask.Backfill() || w.window.To.Before(w.stream.ask.Now) {
		conditions = append(conditions, fmt.Sprintf(`"$lt":%q`, w.window.To.Add(time.Second).UTC().Format(time.RFC3339)))
	}
	var fields []string
	if len(conditions) > 0 {
		fields = append(fields, fmt.Sprintf(`%q:{%s}`, w.field, strings.Join(conditions, ",")))
	}
	if w.field == "deletedAt" {
		fields = append(fields, `"state":{"$eq":"deleted"}`)
	}
	query := url.Values{
		"page": {strconv.Itoa(number)}, "pageSize": {strconv.Itoa(pageSize)},
		"orderBy": {w.field}, "orderMode": {"asc"},
	}
	if len(fields) > 0 {
		query.Set("filter", "{"+strings.Join(fields, ",")+"}")
	}
	return query
}

func (w *walk) give(page extract.Page) error {
	w.pages++
	return w.yield(page)
}

func (w *walk) fail(kind extract.Kind, err error) error {
	return extract.In(&extract.Error{Kind: kind, Vendor: w.stream.cfg.Transport.Vendor, Err: err}, Name, w.window.ID, w.pages+1)
}

func request(operation string, query url.Values, answer *transport.Answer) extract.Request {
	variables := map[string]any{}
	for name := range query {
		variables[name] = query.Get(name)
	}
	return extract.Request{Operation: operation, Variables: variables, Status: answer.Status, At: answer.At}
}
