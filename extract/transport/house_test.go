package transport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"nightjar/extract/transport"
)

// house is a vendor whose tokens are numbered and die when told.
type house struct {
	life    time.Duration
	no      func(w http.ResponseWriter) // how an expired token is told
	signIns atomic.Int64
	good    atomic.Int64 // number of the token that is accepted
	served  atomic.Int64
}

func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		h.good.Store(h.signIns.Add(1))
		write(w, 200, "application/json", fmt.Sprintf(`{"access_token":"token-%d"}`, h.good.Load()))
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", h.good.Load()) {
		h.no(w)
		return
	}
	h.served.Add(1)
	write(w, 200, "application/json", good)
}

func (h *house) signIn(ctx context.Context, send transport.Sender, _ *transport.Token) (*transport.Token, error) {
	form := url.Values{"grant_type": {"password"}, "username": {"robin"}, "password": {"c0rrect horse"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://vendor.test/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := send.Do(req)
	if err != nil {
		return nil, err
	}
	var token struct {
		Access string `json:"access_token"`
	}
	err = json.Unmarshal(answer.Body, &token)
	return &transport.Token{Access: token.Access, Life: h.life}, err
}

func (h *house) client() *transport.Client {
	return transport.New(transport.Config{Vendor: "vendor", Concurrency: 4, Retries: 3, Base: in(h.ServeHTTP)}, h.signIn)
}

func unauthorized(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { write(w, status, "application/json", body) }
}
