package streams

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/extract"
	"nightjar/extract/clientloop"
	"nightjar/load/database"
	"nightjar/load/ref"
	"nightjar/transform"
)

var sessions = &Stream{
	Stream: transform.IDVSessions(), Order: 2, Writes: true,
	Open: func(o *Opener) extract.Stream {
		s := o.Config.Sources.ClientLoop
		// A key of its own for the hashes, that only who has the API key can make.
		key := sha256.Sum256([]byte("nightjar idv_sessions " + s.Token.Reveal()))
		return clientloop.New(clientloop.Config{
			Endpoint: s.Endpoint, Token: s.Token.Reveal(), OrgID: s.OrgID, HashKey: key[:], Transport: o.transport(s.Wire), Contacts: o.contacts,
		})
	},
	Unknown:        unknown,
	CredentialKeys: token,
}

// requests is the table that says how the writes ended.
const requests = "clientloop.idv_requests"

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
func (o *Opener) contacts(ctx context.Context) ([]string, error) {
	named := o.Pipeline.Contacts
	var err error
	if query := o.Pipeline.ContactsQuery; query != "" {
		if named, err = o.Holdings.operators(ctx, query); err != nil {
			return nil, fmt.Errorf("contacts_query: %w", err)
		}
	}
	held, err := column[string](ctx, o.Holdings, "SELECT contact_id FROM clientloop.idv_sessions WHERE contact_id IS NOT NULL AND expires_at > "+database.Instant(o.Now))
	if err != nil {
		return nil, err
	}
	last, err := o.requests(ctx)
	if err != nil {
		return nil, err
	}
	without := map[string]bool{"": true}
	for _, contact := range held {
		without[contact] = true
	}
	return slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(named))), func(contact string) bool {
		return without[contact] || last[contact].open(o.Now, o.Pipeline.RetryUnknown)
	}), nil
}

// requests tells of each contact how the last request for it ended: by the live
// generation, and by the landed runs that are in none. Those that wait for someone's
// word have written all the same. Of a damaged page the journal knows the contact, and
// its outcome is unknown.
func (o *Opener) requests(ctx context.Context) (map[string]asked, error) {
	last := map[string]asked{}
	err := o.Holdings.each(ctx, "SELECT contact_id, _page, requested_at, outcome, expires_at FROM "+requests, func() { clear(last) }, func(rows *sql.Rows) error {
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
	const damaged = `{"outcome":"unknown","reason":"the landed page is damaged"}`
	err = o.Holdings.unpublished(ctx, o.Pipeline.Ref(), []byte(damaged), func(t transform.Table, rec arrow.Record) error {
		if t.Full() == requests {
			noteRequests(rec, last)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who has been asked for: %w", err)
	}
	return last, nil
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
func unknown(ctx context.Context, o *Opener) ([]UnknownRequest, error) {
	last, err := o.requests(ctx)
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
			return nil, fmt.Errorf("read %s: %w", requests, err)
		}
		u := UnknownRequest{Contact: contact, RunID: page.Run.ID, At: a.at}
		if retry := o.Pipeline.RetryUnknown; retry > 0 {
			u.Again = a.at.Add(retry)
		}
		all = append(all, u)
	}
	slices.SortStableFunc(all, func(a, b UnknownRequest) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Contact, b.Contact)) })
	return all, nil
}

// operators runs a query of the operator's over the live generation, and returns its
// one column as text. It is to be one SELECT: DuckDB's parser says whether it is. What
// a SELECT may reach beside the tables, the database has shut.
func (h *Holdings) operators(ctx context.Context, query string) ([]string, error) {
	parsed, err := column[string](ctx, h, "SELECT json_serialize_sql("+database.Text(query)+")::VARCHAR")
	if err != nil || len(parsed) == 0 {
		return nil, err
	}
	var said struct {
		Error      bool              `json:"error"`
		Message    string            `json:"error_message"`
		Statements []json.RawMessage `json:"statements"`
	}
	switch err := json.Unmarshal([]byte(parsed[0]), &said); {
	case err != nil:
		return nil, errors.New("DuckDB does not say what the query is")
	case said.Error:
		return nil, fmt.Errorf("%s; want one SELECT that returns contact ids", said.Message)
	case len(said.Statements) != 1:
		return nil, fmt.Errorf("it is %d statements; want one SELECT that returns contact ids", len(said.Statements))
	}
	// The line break ends a comment that the query may end with.
	return column[string](ctx, h, "SELECT COLUMNS(*)::VARCHAR FROM ("+query+"\n)")
}
