package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"
)

const (
	aircallUser     = "exporter"
	aircallPassword = "aircall-sandbox-password-91bc"

	aircallAccess  = 10 * time.Minute
	aircallRefresh = time.Hour
	// aircallUses is how many requests an access token is good for while tokens
	// die early.
	aircallUses = 7
)

// aircallTokens gives and checks tokens.
type aircallTokens struct {
	*world
	mu    sync.Mutex
	given int
	known map[string]*aircallToken
}

type aircallToken struct {
	kind    string // "access", "refresh"
	expires time.Time
	uses    int
}

func newAircallTokens(w *world) *aircallTokens {
	return &aircallTokens{world: w, known: map[string]*aircallToken{}}
}

// pair returns a new access and a new refresh token.
func (t *aircallTokens) pair() *acTokens {
	return &acTokens{
		AccessToken:  t.issue("access", aircallAccess),
		RefreshToken: t.issue("refresh", aircallRefresh),
		User:         aircallAccount(),
	}
}

// issue returns a new token that looks like a JWT.
func (t *aircallTokens) issue(kind string, life time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.given++
	expires := t.now().Add(life)
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	body := part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(fmt.Sprintf(
		`{"sub":"usr_1","username":%q,"use":%q,"n":%d,"exp":%d}`, aircallUser, kind, t.given, expires.Unix()))
	sum := sha256.Sum256(fmt.Appendf(nil, "aircall %d %s", t.opt.Seed, body))
	token := body + "." + base64.RawURLEncoding.EncodeToString(sum[:])
	t.known[token] = &aircallToken{kind: kind, expires: expires}
	t.give(token)
	return token
}

// accepts reports whether the access token is good for one more request.
func (t *aircallTokens) accepts(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[token]
	if k == nil || k.kind != "access" || !t.now().Before(k.expires) {
		return false
	}
	k.uses++
	return !t.faults.has("expire") || k.uses <= aircallUses
}

// spend reports whether the refresh token is good, and ends it.
func (t *aircallTokens) spend(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[token]
	if k == nil || k.kind != "refresh" || k.uses > 0 || !t.now().Before(k.expires) {
		return false
	}
	k.uses++
	return true
}
