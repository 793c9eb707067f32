package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graph-gophers/graphql-go"
)

const (
	loopToken = "clientloop-sandbox-key-08be6d"
	loopOrg   = "org_nightjar"
	loopLife  = 4 * time.Hour // of an identity-verification session
)

// clientLoop is the simulated ClientLoop.
type clientLoop struct {
	*world
	endpoint *endpoint
	requests atomic.Int64

	mu       sync.Mutex
	sessions []loopSession
}

// loopSession is a session that was created here, as the truth tells it.
type loopSession struct {
	OrgID       string   `json:"orgId"`
	ContactID   *string  `json:"contactId"`
	RequestedAt dateTime `json:"requestedAt"`
	ExpiresAt   dateTime `json:"expiresAt"`
}

func newClientLoop(w *world) (vendor, error) {
	v := &clientLoop{world: w}
	var err error
	v.endpoint, err = newEndpoint(w, "clientloop", &loopRoot{v}, coded)
	return vendor{
		routes: map[string]http.Handler{"/": http.HandlerFunc(v.serveGraphQL)},
		env:    map[string]string{"ENDPOINT": "/", "TOKEN": loopToken, "ORG_ID": loopOrg},
		truths: []told{{"clientloop/sessions", v.truth}},
	}, err
}

func (v *clientLoop) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	refused := v.faults.has("expire") && v.requests.Add(1)%50 == 0
	if bearer(r) != loopToken || refused {
		v.endpoint.refuse(w, http.StatusUnauthorized, "Invalid API key", map[string]any{"code": "UNAUTHENTICATED"})
		return
	}
	if q, ok := v.endpoint.read(w, r); ok {
		v.endpoint.answer(r.Context(), w, q, nil)
	}
}

// loopRoot resolves the query and the mutation.
type loopRoot struct{ v *clientLoop }

// Empty is the query that a schema needs.
func (q *loopRoot) Empty() *string { return nil }

type loopAnswer struct {
	Token     string
	ExpiresAt dateTime
}

// ContactCreateIdvSession makes a new session, each time it is called.
func (q *loopRoot) ContactCreateIdvSession(args struct {
	Input struct {
		OrgID     graphql.ID
		ContactID *graphql.ID
	}
}) (*loopAnswer, error) {
	v := q.v
	if args.Input.OrgID != loopOrg {
		return nil, &vendorError{"Organization not found", map[string]any{"code": "NOT_FOUND"}}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	expires := dateTime(now.Add(loopLife).Format(time.RFC3339))
	session := loopSession{OrgID: loopOrg, RequestedAt: dateTime(now.Format(time.RFC3339Nano)), ExpiresAt: expires}
	if args.Input.ContactID != nil {
		session.ContactID = ptr(string(*args.Input.ContactID))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "clientloop %d %d", v.opt.Seed, len(v.sessions)))
	token := "link-sandbox-" + hex.EncodeToString(sum[:16])
	v.sessions = append(v.sessions, session)
	v.give(token)
	return &loopAnswer{Token: token, ExpiresAt: expires}, nil
}

func (v *clientLoop) truth(time.Time) []any {
	v.mu.Lock()
	defer v.mu.Unlock()
	var rows []any
	for _, s := range v.sessions {
		rows = append(rows, s)
	}
	return rows
}
