package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

func TestExpiredTokenInEveryForm(t *testing.T) {
	for name, no := range map[string]func(http.ResponseWriter){
		"status alone":       unauthorized(401, ``),
		"web page":           unauthorized(401, `<html>who?</html>`),
		"newer, over 200":    unauthorized(200, `{"data":null,"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}]}`),
		"newer, over 401":    unauthorized(401, `{"data":null,"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}]}`),
		"older, over 200":    unauthorized(200, `{"errors":[{"message":"Unauthorized","extensions":{"code":"INTERNAL_SERVER_ERROR","exception":{"response":{"statusCode":401,"message":"Unauthorized"}}}}],"data":null}`),
		"older, over 500":    unauthorized(500, `{"errors":[{"message":"x","extensions":{"code":"INTERNAL_SERVER_ERROR","exception":{"response":{"statusCode":401}}}}]}`),
		"with NO_RETRY":      unauthorized(401, `{"errors":[{"message":"expired","extensions":{"name":"UNAUTHENTICATED","retryPolicy":"NO_RETRY"}}]}`),
		"message alone":      unauthorized(200, `{"errors":[{"message":"Unauthorized"}]}`),
		"REST":               unauthorized(401, `{"errors":[{"id":"1","code":"401","title":"Unauthorized","detail":"bad key"}]}`),
		"beside stale data ": unauthorized(200, `{"data":{"a":1},"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &house{no: no}
				vendor := h.client()
				for i := range 3 {
					if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil {
						t.Fatalf("request %d: %v", i, err)
					}
					h.good.Store(-1) // revoked
				}
				if h.signIns.Load() != 3 {
					t.Errorf("signed in %d times", h.signIns.Load())
				}
			})
		})
	}
}

func TestRenewalInsideRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{no: unauthorized(401, "")}
		var n atomic.Int64
		vendor := transport.New(transport.Config{Vendor: "vendor", Retries: 3, Base: in(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" && n.Add(1) == 1 {
				h.good.Store(-1) // the token dies while the request waits to be repeated
				write(w, 503, "", "{}")
				return
			}
			h.ServeHTTP(w, r)
		})}, h.signIn)
		if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil || h.signIns.Load() != 2 {
			t.Errorf("%d sign-ins: %v", h.signIns.Load(), err)
		}
	})
}

func TestRenewalBeforeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{life: 10 * time.Minute, no: func(http.ResponseWriter) { t.Error("an expired token was sent") }}
		vendor := h.client()
		for range 60 { // an hour
			if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := h.signIns.Load(); n != 8 { // every eight minutes
			t.Errorf("%d sign-ins in an hour", n)
		}
	})
}

func TestStaticTokenRefused(t *testing.T) {
	var n atomic.Int64
	vendor := client(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		write(w, 401, "", "{}")
	})
	_, err := vendor.GraphQL(t.Context(), endpoint, ask)
	if extract.KindOf(err) != extract.Denied || n.Load() != 2 {
		t.Fatalf("%d requests: %v", n.Load(), err)
	}
}

// Refresh tokens are used once and rotate; where one is no longer taken, the
// client signs in afresh.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		n := 0
		rotating := func(_ context.Context, _ transport.Sender, previous *transport.Token) (*transport.Token, error) {
			if previous == nil {
				log = append(log, "login")
			} else {
				log = append(log, "renew "+previous.Refresh)
				if previous.Refresh == "r2" {
					return nil, &extract.Error{Kind: extract.Denied, Vendor: "vendor", Err: errors.New("used")}
				}
			}
			n++
			return &transport.Token{Access: fmt.Sprint("a", n), Refresh: fmt.Sprint("r", n), Life: 10 * time.Minute}, nil
		}
		vendor := transport.New(transport.Config{Vendor: "vendor", Base: in(func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "", good) })}, rotating)
		for range 3 {
			if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil {
				t.Fatal(err)
			}
			time.Sleep(9 * time.Minute)
		}
		if got := strings.Join(log, ", "); got != "login, renew r1, renew r2, login" {
			t.Error(got)
		}
	})
}
