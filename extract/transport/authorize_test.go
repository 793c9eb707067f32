package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
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

func TestSignInIsSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{no: unauthorized(401, "")}
		vendor := h.client()
		var tally extract.Tally
		ctx := extract.WithTally(t.Context(), &tally)
		for range 2 {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := vendor.GraphQL(ctx, endpoint, ask); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			h.good.Store(-1)
		}
		if h.signIns.Load() != 2 || tally.SignIns.Load() != 2 || h.served.Load() != 40 {
			t.Errorf("%d sign-ins, %d tallied, %d served", h.signIns.Load(), tally.SignIns.Load(), h.served.Load())
		}
	})
}

func TestWrongPassword(t *testing.T) {
	for name, no := range map[string]func(http.ResponseWriter){
		"OAuth":    unauthorized(400, `{"error":"invalid_grant","error_description":"password c0rrect horse of robin is wrong"}`),
		"401":      unauthorized(401, `{}`),
		"over 200": unauthorized(200, `{"error":"invalid_grant"}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				vendor := transport.New(transport.Config{Vendor: "vendor", Retries: 3, Base: in(func(w http.ResponseWriter, _ *http.Request) {
					n.Add(1)
					no(w)
				})}, (&house{}).signIn)
				for range 5 {
					_, err := vendor.GraphQL(t.Context(), endpoint, ask)
					if extract.KindOf(err) != extract.Denied || !strings.Contains(err.Error(), "sign in") {
						t.Fatal(err)
					}
					if strings.Contains(err.Error(), "c0rrect") || strings.Contains(err.Error(), "robin") {
						t.Fatalf("shows a credential: %v", err)
					}
				}
				if n.Load() != 1 {
					t.Errorf("asked %d times", n.Load())
				}
			})
		})
	}
}

func TestSignInsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{no: unauthorized(401, "")}
		vendor := h.client()
		var at []time.Time
		for range 40 {
			if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Now())
			h.good.Store(-1)
		}
		for i := 10; i < len(at); i++ {
			if d := at[i].Sub(at[i-10]); d < time.Minute {
				t.Fatalf("eleven sign-ins within %s", d)
			}
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

func TestSignInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{no: unauthorized(401, "")}
		var n atomic.Int64
		trouble := in(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" && n.Add(1) <= 2 {
				write(w, 503, "", "{}")
				return
			}
			h.ServeHTTP(w, r)
		})
		vendor := transport.New(transport.Config{Vendor: "vendor", Retries: 3, Base: trouble}, h.signIn)
		if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil || n.Load() != 3 {
			t.Errorf("%d sign-ins: %v", n.Load(), err)
		}
		n.Store(-100)
		h.good.Store(-1)
		_, err := vendor.GraphQL(t.Context(), endpoint, ask)
		if extract.KindOf(err) != extract.Failing || n.Load() > -90 {
			t.Errorf("%d sign-ins: %v", n.Load()+100, err)
		}
	})
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

func TestSignInGraphQL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := transport.Query{Operation: "Login", Text: "mutation Login($input: LoginInput!) { login(input: $input) { access_token } }",
			Variables: map[string]any{"input": map[string]any{"username": "robin", "password": "hunter22"}}}
		signIn := func(ctx context.Context, send transport.Sender, _ *transport.Token) (*transport.Token, error) {
			answer, err := send.GraphQL(ctx, "https://vendor.test/token", q, "refresh-me")
			if err != nil {
				return nil, err
			}
			if string(answer.Body) != `{"data":{"login":{"access_token":"abc"}}}` {
				t.Errorf("got %s", answer.Body)
			}
			return &transport.Token{Access: "abc"}, nil
		}
		bad := false
		base := in(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/token" && r.Header.Get("Authorization") == "Bearer abc":
				write(w, 200, "", good)
			case r.Header.Get("Authorization") != "Bearer refresh-me":
				t.Errorf("token %q at %s", r.Header.Get("Authorization"), r.URL.Path)
			case bad:
				write(w, 200, "", `{"data":null,"errors":[{"message":"robin may not enter with hunter22 nor refresh-me","extensions":{"code":"UNAUTHENTICATED"}}]}`)
			default:
				write(w, 200, "", `{"data":{"login":{"access_token":"abc"}}}`)
			}
		})
		if _, err := transport.New(transport.Config{Vendor: "vendor", Base: base}, signIn).GraphQL(t.Context(), endpoint, ask); err != nil {
			t.Fatal(err)
		}
		bad = true
		_, err := transport.New(transport.Config{Vendor: "vendor", Retries: 3, Base: base}, signIn).GraphQL(t.Context(), endpoint, ask)
		if extract.KindOf(err) != extract.Denied || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "refresh-me") {
			t.Fatal(err)
		}
	})
}

// A sign-in that has failed, repeats and all, is not tried again by every later
// request; while the old token is good, it goes on being used.
func TestAFailedSignInIsRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		signedIn bool
		want     extract.Kind
	}{
		"before the first request": {false, extract.Failing},
		"while a token is good":    {true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				signIn := func(context.Context, transport.Sender, *transport.Token) (*transport.Token, error) {
					if tries++; tries == 1 && test.signedIn {
						return &transport.Token{Access: "a1", Life: time.Hour}, nil
					}
					return nil, &extract.Error{Kind: extract.Failing, Vendor: "vendor", Err: errors.New("down")}
				}
				vendor := transport.New(transport.Config{Vendor: "vendor", Base: in(func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "", good) })}, signIn)
				for i := range 6 {
					_, err := vendor.GraphQL(t.Context(), endpoint, ask)
					if extract.KindOf(err) != test.want {
						t.Errorf("request %d: %v, want %q", i, err, test.want)
					}
					if i == 0 && test.signedIn {
						time.Sleep(50 * time.Minute) // past the share of its life, not past its life
					}
				}
				if tries > 3 { // one at first; a renewal and a sign-in afresh later
					t.Errorf("%d sign-ins", tries)
				}
			})
		})
	}
}

// A request whose token is refused again while another one signs in waits for that
// sign-in no longer than its own context lasts.
func TestAWaitForASignInEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signIns, asked := 0, atomic.Int64{}
		signIn := func(ctx context.Context, _ transport.Sender, _ *transport.Token) (*transport.Token, error) {
			if signIns++; signIns == 3 {
				<-ctx.Done() // the vendor of tokens does not answer
				return nil, ctx.Err()
			}
			return &transport.Token{Access: fmt.Sprint("a", signIns)}, nil
		}
		vendor := transport.New(transport.Config{Vendor: "vendor", Concurrency: 2, Base: in(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) == 2 { // the repeat of the first request
				time.Sleep(2 * time.Second)
			}
			write(w, 401, "", "{}")
		})}, signIn)
		other, end := context.WithTimeout(t.Context(), time.Hour)
		defer end()
		var both sync.WaitGroup
		both.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := vendor.GraphQL(ctx, endpoint, ask)
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
				t.Errorf("after %s: %v", took, err)
			}
		})
		both.Go(func() {
			time.Sleep(time.Second)
			if _, err := vendor.GraphQL(other, endpoint, ask); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the one that signs in: %v", err)
			}
		})
		both.Wait()
	})
}
