package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	iadvizeUser     = "exporter@nightjar.example"
	iadvizePassword = "iadvize-sandbox-password-7f3a"

	iadvizeLife   = 24 * time.Hour
	iadvizeLogins = 10 // a minute and user
	// iadvizeUses is how many requests a token is good for while tokens die early.
	iadvizeUses = 80
)

// iadvizeTokens gives and checks access tokens.
type iadvizeTokens struct {
	*world
	mu      sync.Mutex
	asked   int // logins, refused ones included
	given   int
	logins  []time.Time // taken in the last minute
	expires map[string]time.Time
	uses    map[string]int
}

func newIAdvizeTokens(w *world) *iadvizeTokens {
	return &iadvizeTokens{world: w, expires: map[string]time.Time{}, uses: map[string]int{}}
}

// accepts reports whether the token is good for one more request.
func (t *iadvizeTokens) accepts(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, known := t.expires[token]
	if !known || !t.now().Before(until) {
		return false
	}
	t.uses[token]++
	return !t.faults.has("expire") || t.uses[token] <= iadvizeUses
}

func (v *iadvize) serveToken(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, description string) {
		body, _ := json.Marshal(map[string]string{"error": code, "error_description": description})
		writeJSON(w, status, body)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		fail(http.StatusMethodNotAllowed, "invalid_request", "only POST is supported")
		return
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/x-www-form-urlencoded" {
		fail(http.StatusUnsupportedMediaType, "invalid_request", "the content type must be application/x-www-form-urlencoded")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "password" {
		fail(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be password")
		return
	}
	if wait := v.tokens.throttle(); wait >= 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		fail(http.StatusTooManyRequests, "too_many_requests", "at most 10 logins a minute")
		return
	}
	if r.PostForm.Get("username") != iadvizeUser || r.PostForm.Get("password") != iadvizePassword {
		fail(http.StatusUnauthorized, "invalid_grant", "wrong username or password")
		return
	}
	body, _ := json.Marshal(map[string]any{
		"access_token": v.tokens.issue(), "expires_in": int(iadvizeLife.Seconds()),
		"token_type": "Bearer", "refresh_token": "none",
	})
	writeJSON(w, http.StatusOK, body)
}

// throttle counts a login and returns how long to wait before it is taken, -1 if
// it is.
func (t *iadvizeTokens) throttle() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked++; t.faults.has("login-limit") && t.asked <= 2 {
		return max(0, t.opt.RetryAfter)
	}
	now := t.now()
	for len(t.logins) > 0 && now.Sub(t.logins[0]) >= time.Minute {
		t.logins = t.logins[1:]
	}
	if len(t.logins) >= iadvizeLogins {
		return max(time.Second, time.Minute-now.Sub(t.logins[0]))
	}
	t.logins = append(t.logins, now)
	return -1
}

func (t *iadvizeTokens) issue() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.given++
	sum := sha256.Sum256(fmt.Appendf(nil, "iadvize %d %d", t.opt.Seed, t.given))
	token := hex.EncodeToString(sum[:])
	t.expires[token] = t.now().Add(iadvizeLife)
	t.give(token)
	return token
}
