// Package clientloop requests identity-verification sessions from ClientLoop:
// one for each contact that is to have one.
//
// This is a write, and nothing reads sessions back. So a request is never
// repeated after a failure that leaves open whether the vendor acted on it: the
// page that lands for it says {"outcome":"unknown"}, and the walk goes on to the
// next contact. The token of a session is a credential; before a page leaves this
// package the token is replaced by a keyed hash of it, HMAC-SHA256 in hex, by
// which a session can be told from another and no more.
package clientloop

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed idv_session.graphql
var mutation string

// Name is the stream's name in errors, landing paths and configuration.
const Name = "idv_sessions"

// Config is one ClientLoop organisation.
type Config struct {
	Endpoint string
	Token    string
	OrgID    string
	// Contacts returns the contacts that are to have a session: those without an
	// unexpired one. It is called once a walk.
	Contacts func(context.Context) ([]string, error)
	// HashKey is the key of the hash that stands for a session's token. It may not
	// be empty; with another key, the same session has another hash.
	HashKey   []byte
	Transport transport.Config
}

// Sessions is the stream of requested sessions. It implements extract.Stream and
// extract.Checker.
type Sessions struct {
	cfg    Config
	client *transport.Client
}

// New returns the stream. It opens no socket.
func New(cfg Config) *Sessions {
	return &Sessions{cfg: cfg, client: transport.New(cfg.Transport, transport.Static(cfg.Token))}
}

// Plan has one window, the contacts of the run. A backfill and a full run ask for
// the same: sessions of the past cannot be had.
func (s *Sessions) Plan(context.Context, extract.Ask) ([]extract.Window, error) {
	if len(s.cfg.HashKey) == 0 {
		return nil, errors.New("clientloop needs a key for the hash of its tokens")
	}
	return []extract.Window{{ID: "contacts"}}, nil
}

// Walk requests one session a contact and yields a page for each, also where the
// outcome is unknown; the window is then incomplete.
func (s *Sessions) Walk(ctx context.Context, w extract.Window) iter.Seq2[extract.Page, error] {
	return func(yield func(extract.Page, error) bool) {
		contacts, err := s.cfg.Contacts(ctx)
		if err != nil {
			yield(extract.Page{}, fmt.Errorf("list contacts: %w", err))
			return
		}
		unknown := 0
		for i, contact := range contacts {
			if ctx.Err() != nil {
				yield(extract.Page{}, ctx.Err())
				return
			}
			page, known, err := s.request(ctx, contact)
			if err != nil {
				yield(extract.Page{}, extract.In(err, Name, w.ID, i+1))
				return
			}
			if !known {
				unknown++
			}
			if !yield(page, nil) {
				return
			}
		}
		if unknown > 0 {
			yield(extract.Page{}, &extract.IncompleteError{
				Reason: fmt.Sprintf("the outcome of %d of %d requests is unknown; they are not repeated", unknown, len(contacts))})
		}
	}
}

// request asks for one session. Known is false where the vendor may or may not
// have made it; an error says that it surely has not.
func (s *Sessions) request(ctx context.Context, contact string) (page extract.Page, known bool, err error) {
	input := map[string]any{"orgId": s.cfg.OrgID}
	if contact != "" {
		input["contactId"] = contact
	}
	q := transport.Query{Operation: "ContactCreateIdvSession", Text: mutation, Variables: map[string]any{"input": input}, Once: true}
	page = extract.Page{
		Rows: 1, Total: extract.Unknown,
		Request: extract.Request{Operation: q.Operation, Query: q.Text, Variables: q.Variables},
	}
	answer, err := s.client.GraphQL(ctx, s.cfg.Endpoint, q)
	switch {
	case err == nil:
		page.Request.Status, page.Request.At = answer.Status, answer.At
		if page.Body, known = s.seal(answer.Body); !known {
			page.Body = outcomeUnknown("the answer holds no session")
		}
		return page, known, nil
	case transport.Untouched(err):
		return extract.Page{}, false, err
	}
	// Also where the run is being ended: the request may have been under way.
	var bad *transport.AnswerError
	if errors.As(err, &bad) {
		page.Request.Status = bad.Status
	}
	page.Request.At = time.Now().UTC().Truncate(time.Microsecond)
	page.Body = outcomeUnknown(string(extract.KindOf(err)))
	return page, false, nil
}

// outcomeUnknown is the page of a request of which nobody knows whether it made a
// session. None of the vendor's answer is in it: a token may stand there.
func outcomeUnknown(why string) []byte {
	body, err := json.Marshal(map[string]string{"outcome": "unknown", "reason": why})
	if err != nil {
		return []byte(`{"outcome":"unknown"}`)
	}
	return body
}

// seal is the answer with the token's hash in the place of the token, and without
// anything that the query did not ask for.
func (s *Sessions) seal(body []byte) ([]byte, bool) {
	var answer struct {
		Data struct {
			Session *struct {
				Token     string          `json:"token"`
				ExpiresAt json.RawMessage `json:"expiresAt"`
			} `json:"contactCreateIdvSession"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Data.Session == nil || answer.Data.Session.Token == "" {
		return nil, false
	}
	session := answer.Data.Session
	hash := hmac.New(sha256.New, s.cfg.HashKey)
	hash.Write([]byte(session.Token))
	session.Token = "hmac-sha256:" + hex.EncodeToString(hash.Sum(nil))
	sealed, err := json.Marshal(answer)
	return sealed, err == nil
}
