package pipeline

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/transform"
)

// idv is the stream whose walk writes.
var idv = ref.Stream{Source: "clientloop", Name: "idv_sessions"}

// idvRequests is the table that says how its requests ended.
const idvRequests = "clientloop.idv_requests"

// asked is how the last request for a session of a contact ended.
type asked struct {
	page    string // that says so
	at      time.Time
	outcome string    // "session", "unknown" or "none"
	expires time.Time // of the session; zero where there is none
}

// uncertain reports whether nobody knows if the contact has a session: the outcome is
// unknown, or there is a session and no telling until when.
func (a asked) uncertain() bool {
	return a.outcome == "unknown" || a.outcome == "session" && a.expires.IsZero()
}

// open reports whether another request for the contact would be one too many: it has
// a session, or may have one. Retry is after how long one that is uncertain may be
// repeated; zero is never.
func (a asked) open(now time.Time, retry time.Duration) bool {
	if a.uncertain() {
		return retry == 0 || now.Before(a.at.Add(retry))
	}
	return a.expires.After(now)
}

// contacts lists those that are to have a session: the ones named, or those that
// the query over the warehouse returns, without the ones that have a session that
// has not expired, and without those of whom nobody knows.
func (k *known) contacts(ctx context.Context, named []string, query string, retry time.Duration) ([]string, error) {
	var err error
	if query != "" {
		if named, err = k.operators(ctx, query); err != nil {
			return nil, fmt.Errorf("contacts_query: %w", err)
		}
	}
	held, err := column[string](ctx, k, "SELECT contact_id FROM clientloop.idv_sessions WHERE contact_id IS NOT NULL AND expires_at > "+instant(k.run.now))
	if err != nil {
		return nil, err
	}
	last, err := k.requests(ctx)
	if err != nil {
		return nil, err
	}
	without := map[string]bool{"": true}
	for _, contact := range held {
		without[contact] = true
	}
	return slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(named))), func(contact string) bool {
		return without[contact] || last[contact].open(k.run.now, retry)
	}), nil
}

// requests tells of each contact how the last request for it ended: by the live
// generation, and by the landed runs that are in none. Those that wait for someone's
// word have written all the same.
func (k *known) requests(ctx context.Context) (map[string]asked, error) {
	last := map[string]asked{}
	err := k.each(ctx, "SELECT contact_id, _page, requested_at, outcome, expires_at FROM "+idvRequests, func(rows *sql.Rows) error {
		var contact string
		var a asked
		var expires sql.NullTime
		err := rows.Scan(&contact, &a.page, &a.at, &a.outcome, &expires)
		a.expires = expires.Time
		last[contact] = a
		return err
	})
	if err != nil {
		return nil, err
	}
	waiting, err := k.run.notPublished(idv)
	if err != nil {
		return nil, err
	}
	for _, r := range waiting {
		if err := k.landedRequests(ctx, r, last); err != nil {
			return nil, fmt.Errorf("read whom run %s has asked for: %w", r.Header.RunID, err)
		}
	}
	return last, nil
}

// landedRequests adds what the pages of a landed run say. Of a damaged page the
// journal knows the contact, and its outcome is unknown.
func (k *known) landedRequests(ctx context.Context, r *landing.Run, last map[string]asked) error {
	body := func(page *landing.Landed) ([]byte, error) {
		body, err := k.run.zone.Body(page, nil)
		var corrupt *landing.CorruptError
		if errors.As(err, &corrupt) {
			return []byte(`{"outcome":"unknown","reason":"the landed page is damaged"}`), nil
		}
		return body, err
	}
	return k.run.decodeRun(ctx, r, body, func(t transform.Table, rec arrow.Record) error {
		if t.Full() == idvRequests {
			noteRequests(rec, last)
		}
		return nil
	})
}

// noteRequests keeps what the later page says of each contact.
func noteRequests(rec arrow.Record, last map[string]asked) {
	text := func(name string, i int) string {
		return rec.Column(rec.Schema().FieldIndices(name)[0]).(*array.String).Value(i)
	}
	micros := func(name string, i int) (t time.Time) {
		column := rec.Column(rec.Schema().FieldIndices(name)[0]).(*array.Timestamp)
		if column.IsValid(i) {
			t = time.UnixMicro(int64(column.Value(i))).UTC()
		}
		return t
	}
	for i := range int(rec.NumRows()) {
		// The text is the record's, which is let go.
		contact, page, outcome := strings.Clone(text("contact_id", i)), strings.Clone(text("_page", i)), strings.Clone(text("outcome", i))
		if page > last[contact].page {
			last[contact] = asked{page: page, at: micros("requested_at", i), outcome: outcome, expires: micros("expires_at", i)}
		}
	}
}

// UnknownRequest is a request for a session of which nobody knows whether it made
// one that is good.
type UnknownRequest struct {
	Contact string    `json:"contact"`
	RunID   ref.RunID `json:"run_id"` // that sent it, or was about to
	At      time.Time `json:"requested_at"`
	Again   time.Time `json:"again_from,omitzero"` // when it may be repeated; zero for never
}

// unknown lists the requests whose outcome is unknown, the oldest first.
func (k *known) unknown(ctx context.Context, retry time.Duration) ([]UnknownRequest, error) {
	last, err := k.requests(ctx)
	if err != nil {
		return nil, err
	}
	var all []UnknownRequest
	for _, contact := range slices.Sorted(maps.Keys(last)) {
		a := last[contact]
		if !a.uncertain() {
			continue
		}
		page, err := ref.ParsePage(a.page)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", idvRequests, err)
		}
		u := UnknownRequest{Contact: contact, RunID: page.Run.ID, At: a.at}
		if retry > 0 {
			u.Again = a.at.Add(retry)
		}
		all = append(all, u)
	}
	slices.SortStableFunc(all, func(a, b UnknownRequest) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Contact, b.Contact)) })
	return all, nil
}
