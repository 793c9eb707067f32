package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

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
