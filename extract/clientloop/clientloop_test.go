package clientloop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"nightjar/extract"
	"nightjar/extract/clientloop"
	"nightjar/extract/transport"
)

var _ extract.Stream = (*clientloop.Sessions)(nil)

// loop answers the nth request with the nth of its answers, the last for ever.
type loop struct {
	answers []func() (int, string, error)
	asked   []string
}

func (l *loop) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	l.asked = append(l.asked, string(body))
	status, text, err := l.answers[min(len(l.asked), len(l.answers))-1]()
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	_, _ = w.WriteString(text)
	return w.Result(), nil
}

func says(status int, body string) func() (int, string, error) {
	return func() (int, string, error) { return status, body, nil }
}

func fails(err error) func() (int, string, error) {
	return func() (int, string, error) { return 0, "", err }
}

const made = `{"data":{"contactCreateIdvSession":{"token":"link-s3cret","expiresAt":"2026-11-20T14:30:00Z"}}}`

func TestWalk(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []func() (int, string, error)
		asked   int    // requests for two contacts
		pages   string // outcomes
		kind    extract.Kind
		missing bool
	}{
		{"both made", []func() (int, string, error){says(200, made)}, 2, "said made said made", "", false},

		// The vendor may have acted: never again, and on to the next.
		{"server error", []func() (int, string, error){says(500, "{}"), says(200, made)}, 2, "said unknown said made", "", true},
		{"reset", []func() (int, string, error){fails(&net.OpError{Op: "read", Err: errors.New("reset")}), says(200, made)}, 2, "said unknown said made", "", true},
		{"cut", []func() (int, string, error){says(200, `{"data":{"contactCreateIdvSession":{"token":"link-s3cret`), says(200, made)}, 2, "said unknown said made", "", true},
		{"error beside a session", []func() (int, string, error){says(200, made[:len(made)-1]+`,"errors":[{"message":"audit log is full"}]}`), says(200, made)}, 2, "said unknown said made", "", true},
		{"null", []func() (int, string, error){says(200, `{"data":{"contactCreateIdvSession":null}}`), says(200, made)}, 2, "said unknown said made", "", true},

		// The vendor surely has not: again, or the end.
		{"no connection, then one", []func() (int, string, error){fails(&net.OpError{Op: "dial", Err: errors.New("refused")}), says(200, made)}, 3, "said made said made", "", false},
		{"refused for rate, then not", []func() (int, string, error){says(429, "{}"), says(200, made)}, 3, "said made said made", "", false},
		{"wrong key", []func() (int, string, error){says(401, "{}")}, 2, "said none", extract.Denied, false},
		{"refused", []func() (int, string, error){says(400, `{"errors":[{"message":"orgId is required"}]}`)}, 1, "said none", extract.Refused, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := &loop{answers: c.answers}
				s := stream(vendor)
				var pages []string
				var last error
				for page, err := range s.Walk(t.Context(), extract.Window{ID: "contacts"}) {
					if last = err; err == nil {
						pages = append(pages, outcome(t, page))
						page.Confirm()
					}
				}
				var incomplete *extract.IncompleteError
				if strings.Join(pages, " ") != c.pages || extract.KindOf(last) != c.kind || errors.As(last, &incomplete) != c.missing || len(vendor.asked) != c.asked {
					t.Errorf("pages %v after %d requests: %v", pages, len(vendor.asked), last)
				}
			})
		})
	}
}

// outcome reads a page, which holds no token.
func outcome(t *testing.T, page extract.Page) string {
	t.Helper()
	if strings.Contains(fmt.Sprintf("%s %v", page.Body, page), "s3cret") {
		t.Errorf("page shows the token: %s", page.Body)
	}
	made := strings.HasPrefix(string(page.Body), `{"data"`)
	if made != (page.Rows == 1) || page.Request.At.IsZero() || page.After != nil {
		t.Errorf("page %+v", page)
	}
	switch body := string(page.Body); {
	case page.Landed != nil && body == `{"outcome":"unknown","reason":"no answer has landed"}`:
		return "said"
	case strings.HasPrefix(body, `{"outcome":"none"`):
		return "none"
	case strings.HasPrefix(body, `{"outcome":"unknown"`):
		return "unknown"
	case strings.HasPrefix(body, `{"data":{"contactCreateIdvSession":{"token":"hmac-sha256:`) && strings.HasSuffix(body, `,"expiresAt":"2026-11-20T14:30:00Z"}}}`):
		return "made"
	default:
		return body
	}
}

func stream(vendor http.RoundTripper) *clientloop.Sessions {
	return clientloop.New(clientloop.Config{
		Endpoint: "https://vendor.test/", Token: "api-key", OrgID: "org-1", HashKey: []byte("k"),
		Contacts:  func(context.Context) ([]string, error) { return []string{"abc123", ""}, nil },
		Transport: transport.Config{Vendor: "clientloop", Retries: 3, Base: vendor},
	})
}

func TestRequest(t *testing.T) {
	vendor := &loop{answers: []func() (int, string, error){says(200, made)}}
	for page := range stream(vendor).Walk(t.Context(), extract.Window{ID: "contacts"}) {
		page.Confirm()
	}
	if !strings.Contains(vendor.asked[0], `"variables":{"input":{"contactId":"abc123","orgId":"org-1"}}`) ||
		!strings.Contains(vendor.asked[1], `"variables":{"input":{"orgId":"org-1"}}`) {
		t.Error(vendor.asked)
	}
	if slices.ContainsFunc(vendor.asked, func(s string) bool { return strings.Contains(s, "api-key") }) {
		t.Error("the key stands in the request's body")
	}
}

func TestHashIsKeyed(t *testing.T) {
	seen := map[string]bool{}
	for _, key := range []string{"one", "two", "one"} {
		s := clientloop.New(clientloop.Config{
			Endpoint: "https://vendor.test/", Token: "t", HashKey: []byte(key), Contacts: func(context.Context) ([]string, error) { return []string{"a"}, nil },
			Transport: transport.Config{Base: &loop{answers: []func() (int, string, error){says(200, made)}}},
		})
		for page := range s.Walk(t.Context(), extract.Window{}) {
			if page.Confirm(); page.Landed == nil {
				seen[string(page.Body)] = true
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d hashes of one token under two keys", len(seen))
	}
	if _, err := clientloop.New(clientloop.Config{}).Plan(t.Context(), extract.Ask{}); err == nil {
		t.Error("no key is no error")
	}
}

// A loop that is left after an announcement has sent nothing; one that is left after
// an answer, nothing more.
func TestEndsEarly(t *testing.T) {
	for pages, asked := range []int{0, 1, 1, 2} {
		vendor := &loop{answers: []func() (int, string, error){says(200, made)}}
		n := 0
		for page := range stream(vendor).Walk(t.Context(), extract.Window{}) {
			if n++; n > pages {
				break
			}
			page.Confirm()
		}
		if len(vendor.asked) != asked {
			t.Errorf("%d sessions made for %d pages taken", len(vendor.asked), pages)
		}
	}
}

// Nothing is sent before its announcement is durable, and a walk does not wait for
// that longer than its context.
func TestNothingIsSentUnannounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &loop{answers: []func() (int, string, error){says(200, made)}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		pages := make(chan extract.Page)
		go func() {
			var last error
			for page, err := range stream(vendor).Walk(ctx, extract.Window{}) {
				if last = err; err == nil {
					pages <- page
				}
			}
			ended <- last
		}()
		first := <-pages
		synctest.Wait()
		if first.Landed == nil || len(vendor.asked) != 0 {
			t.Fatalf("%d requests before the announcement is durable", len(vendor.asked))
		}
		first.Confirm()
		first.Confirm() // also twice
		if answer := <-pages; answer.Rows != 1 || len(vendor.asked) != 1 {
			t.Errorf("%d requests after it, %d rows", len(vendor.asked), answer.Rows)
		}
		<-pages
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || len(vendor.asked) != 1 {
			t.Errorf("after a cancel: %d requests, %v", len(vendor.asked), err)
		}
	})
}
