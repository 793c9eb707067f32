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

// loopLife is how long an identity-verification session stays open.
const loopLife = 4 * time.Hour

// clientLoop is the simulated ClientLoop.
type clientLoop struct {
	*world
	endpoint *endpoint
	requests atomic.Int64

	mu       sync.Mutex
	sessions []loopSession
	tokens   []string
}

// loopSession is a session that was created here, as the truth tells it.
type loopSession struct {
	OrgID       string   `json:"orgId"`
	ContactID   *string  `json:"contactId"`
	RequestedAt dateTime `json:"requestedAt"`
	ExpiresAt   dateTime `json:"expiresAt"`
}

func newClientLoop(w *world) (*clientLoop, error) {
	v := &clientLoop{world: w}
	sdl, err := w.contract("clientloop")
	if err != nil {
		return nil, err
	}
	v.endpoint, err = newEndpoint(sdl, &loopRoot{v}, dialect{
		wrong: map[string]any{"code": "GRAPHQL_VALIDATION_FAILED"},
	}, w.faults.has("no-introspection"))
	return v, err
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
	v.sessions, v.tokens = append(v.sessions, session), append(v.tokens, token)
	return &loopAnswer{Token: token, ExpiresAt: expires}, nil
}

func (v *clientLoop) truth() []any {
	v.mu.Lock()
	defer v.mu.Unlock()
	var rows []any
	for _, s := range v.sessions {
		rows = append(rows, s)
	}
	return rows
}
