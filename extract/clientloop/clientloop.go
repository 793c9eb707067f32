// Package clientloop requests identity-verification sessions from ClientLoop:
// one for each contact that is to have one.
//
// This is a write, and nothing reads sessions back. So a request is never
// repeated after a failure that leaves open whether the vendor acted on it: the
// page that lands for it says {"outcome":"unknown"}, and the walk goes on to the
// next contact. The same page lands before every request, so that one whose answer
// never lands, because the process or the machine died meanwhile, is known to have
// been under way. Where the vendor surely did not act, a last page says
// {"outcome":"none"}. The token of a session is a credential; before a page leaves this
// package the token is replaced by a keyed hash of it, HMAC-SHA256 in hex, by
// which a session can be told from another and no more.
package clientloop

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
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
	// unexpired one, and without a request whose outcome is unknown. It is called
	// once a walk.
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

// Walk requests one session a contact and yields two pages for each, the
// announcement and what came of it, also where the outcome is unknown; the window is
// then incomplete.
func (s *Sessions) Walk(ctx context.Context, window extract.Window) iter.Seq2[extract.Page, error] {
	return extract.Sequence(func(give func(extract.Page) error) error {
		contacts, err := s.cfg.Contacts(ctx)
		if err != nil {
			return fmt.Errorf("list contacts: %w", err)
		}
		w := &walk{Sessions: s, window: window.ID, give: give}
		for i, contact := range contacts {
			if err := w.contact(ctx, i, contact); err != nil {
				return err
			}
		}
		if w.unknown > 0 {
			return &extract.IncompleteError{
				Reason: fmt.Sprintf("the outcome of %d of %d requests is unknown; they are not repeated", w.unknown, len(contacts))}
		}
		return nil
	})
}

// walk is the state of one walk.
type walk struct {
	*Sessions
	window  string
	unknown int // requests whose outcome is unknown
	give    func(extract.Page) error
}

// contact announces the nth request, sends it, and yields what came of it.
func (w *walk) contact(ctx context.Context, n int, contact string) error {
	q := w.query(contact)
	if err := w.announce(ctx, q); err != nil {
		return err
	}
	page, known, err := w.request(ctx, q)
	if !known {
		w.unknown++
	}
	if given := w.give(page); given != nil {
		return given
	}
	return extract.In(err, Name, w.window, 2*n+2) // the page just given
}

// announce yields the page that says that a request is about to be sent, and
// returns when it is durable.
func (w *walk) announce(ctx context.Context, q transport.Query) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	durable := make(chan struct{})
	page := q.Page(&transport.Answer{At: now()})
	page.Body = outcome(unknown, "no answer has landed")
	page.Landed = sync.OnceFunc(func() { close(durable) })
	if err := w.give(page); err != nil {
		return err
	}
	select {
	case <-durable:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// query asks for a session for one contact.
func (s *Sessions) query(contact string) transport.Query {
	input := map[string]any{"orgId": s.cfg.OrgID}
	if contact != "" {
		input["contactId"] = contact
	}
	return transport.Query{Operation: "ContactCreateIdvSession", Text: mutation, Variables: map[string]any{"input": input}, Once: true}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// request asks for one session. Known is false where the vendor may or may not
// have made it; an error says that it surely has not, as the page does.
func (s *Sessions) request(ctx context.Context, q transport.Query) (page extract.Page, known bool, err error) {
	page = q.Page(&transport.Answer{})
	answer, err := s.client.GraphQL(ctx, s.cfg.Endpoint, q)
	if err == nil {
		page.Request.Status, page.Request.At = answer.Status, answer.At
		if page.Body, known = s.seal(answer.Body); known {
			page.Rows = 1
		} else {
			page.Body = outcome(unknown, "the answer holds no session")
		}
		return page, known, nil
	}
	if bad, ok := errors.AsType[*transport.AnswerError](err); ok {
		page.Request.Status = bad.Status
	}
	page.Request.At = now()
	if transport.Untouched(err) {
		page.Body = outcome(none, string(extract.KindOf(err)))
		return page, true, err
	}
	// Also where the run is being ended: the request may have been under way.
	page.Body = outcome(unknown, cmp.Or(string(extract.KindOf(err)), "the run was ended"))
	return page, false, nil
}

// What is said of a request without a session.
const (
	unknown = "unknown" // nobody knows whether it made one
	none    = "none"    // it surely made none
)

// outcome is the page of a request without a session. None of the vendor's answer is
// in it: a token may stand there.
func outcome(what, why string) []byte {
	body, err := json.Marshal(struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason,omitempty"`
	}{what, why})
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
