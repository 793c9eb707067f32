package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// in serves a handler without a socket, so that fake time passes while a client
// waits.
func in(h http.HandlerFunc) http.RoundTripper { return inProcess{h} }

type inProcess struct{ h http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	res := w.Result()
	res.Request = req
	return res, nil
}

const endpoint = "https://user:pass-in-url@vendor.test/graphql?key=query-secret"

var ask = transport.Query{Operation: "Ask", Text: "query Ask { answer }"}

func client(h http.HandlerFunc, more ...func(*transport.Config)) *transport.Client {
	cfg := transport.Config{Vendor: "vendor", Concurrency: 4, Retries: 3, Base: in(h)}
	for _, f := range more {
		f(&cfg)
	}
	return transport.New(cfg, transport.Static("s3cr3t-token"))
}

func write(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const asJSON = "application/json"

var badAnswers = []struct {
	name   string
	status int
	ctype  string
	body   string
	kind   extract.Kind
	says   string
}{
	// Answers that are none.
	{"web page over 200", 200, "text/html", "<html><head><title>Down</title></head><body>back <b>soon</b></body></html>", extract.Garbled, `HTML instead of JSON: "Down back soon"`},
	{"web page over 502", 502, "text/html", "<h1>Bad gateway</h1>", extract.Failing, `status 502: HTML instead of JSON: "Bad gateway"`},
	{"empty object over 500", 500, asJSON, "{}", extract.Failing, "status 500: empty JSON"},
	{"empty object over 200", 200, asJSON, "{}", extract.Garbled, "neither data nor errors"},
	{"null data", 200, asJSON, `{"data":null}`, extract.Garbled, "neither data nor errors"},
	{"nothing", 200, asJSON, "", extract.Garbled, "empty answer"},
	{"cut in a string", 200, asJSON, `{"data":{"comment":"top sec`, extract.Garbled, "cut after 27 bytes"},
	{"cut between members", 200, asJSON, `{"data":{"a":1`, extract.Garbled, "cut after 14 bytes"},
	{"broken number", 200, asJSON, `{"data":{"a":01x}}`, extract.Garbled, "not valid JSON"},
	{"broken far inside", 200, asJSON, `{"data":{"a":[1,2,,3]}}`, extract.Garbled, "not valid JSON"},
	{"two values", 200, asJSON, `{"data":{}} {"data":{}}`, extract.Garbled, "not valid JSON"},
	{"deeper than any answer", 200, asJSON, strings.Repeat("[", 1<<19), extract.Garbled, "not valid JSON"},
	{"a redirect", 302, asJSON, "", extract.Misdirected, "https://vendor.test/graphql: status 302: redirects are not followed"},

	// Another address than the vendor's.
	{"a path that leads nowhere", 404, "text/html", "<h1>Not &quot;here&quot;</h1>", extract.Misdirected, `https://vendor.test/graphql: status 404: HTML instead of JSON: "Not "here""`},
	{"in plain words", 404, "text/plain; charset=utf-8", "404 page not found\n", extract.Misdirected, `https://vendor.test/graphql: status 404: text instead of JSON: "404 page not found"`},
	{"in a gateway's JSON", 404, asJSON, `{"message":"no Route matched with those values"}`, extract.Misdirected, "https://vendor.test/graphql: status 404: no Route matched"},
	{"a method that is not taken", 405, asJSON, ``, extract.Misdirected, "status 405"},
	{"cut JSON that calls itself text", 404, "text/plain", `{"data":"top sec`, extract.Misdirected, "cut after"},
	{"GraphQL that says not found", 404, asJSON, `{"errors":[{"message":"no such project"}]}`, extract.Refused, "no such project"},
	{"not found, deep in extensions", 200, asJSON, `{"errors":[{"message":"gone","extensions":{"exception":{"response":{"statusCode":404}}}}]}`, extract.Refused, "gone (status 404)"},

	// Whatever a vendor writes, the error is one line of print, and nobody's.
	{"escapes in a message", 200, asJSON, `{"errors":[{"message":"\u001b[31mno\u001b]0;x\u0007\u202e\nlevel=INFO","path":["a\u009b"],"extensions":{"code":"C\u200b1"}}]}`, extract.Failing, "a: [31mno]0;x level=INFO (code C1)"},
	{"people in a message", 200, asJSON, `{"errors":[{"message":"jane@example.com +33 6 12 34 56 78 is no contact"}]}`, extract.Failing, "[e-mail] +[number] is no contact"},
	{"people in a web page", 500, "text/html", "<p>jane&#64;example.com<p>06.12.34.56.78\x1b[2J", extract.Failing, `"[e-mail] [number][2J"`},
	{"an error of nothing", 200, asJSON, `{"errors":[null,{}]}`, extract.Failing, "no message [2 times]"},
	{"an error without end", 200, asJSON, `{"errors":[{"message":"` + strings.Repeat("long ", 1<<18) + `","extensions":{"code":"` + strings.Repeat("C", 1<<20) + `"}}]}`, extract.Failing, "long long"},

	// GraphQL errors are failure whatever stands around them.
	{"error beside data", 200, asJSON, `{"data":{"a":1},"errors":[{"message":"boom","path":["a",0,"b"]}]}`, extract.Failing, "a.0.b: boom"},
	{"error key in escapes", 200, asJSON, `{"data":{"a":1},"\u0065rrors":[{"message":"boom"}]}`, extract.Failing, "boom"},
	{"every error is told", 200, asJSON, `{"data":null,"errors":[{"message":"one"},{"message":"two","extensions":{"name":"N","code":"C","retryPolicy":"RETRY"}}]}`, extract.Failing, "one; two (name N, code C, retryPolicy RETRY)"},
	{"the same error often", 200, asJSON, `{"errors":[{"message":"x"},{"message":"x"},{"message":"x"}]}`, extract.Failing, "x [3 times]"},
	{"errors that are no list", 200, asJSON, `{"errors":"sorry"}`, extract.Failing, "sorry"},
	{"permission", 200, asJSON, `{"data":null,"errors":[{"message":"no","extensions":{"name":"PERMISSION_DENIED","retryPolicy":"NO_RETRY"}}]}`, extract.Denied, "name PERMISSION_DENIED"},
	{"unknown field", 400, asJSON, `{"errors":[{"message":"Cannot query field \"x\" on type \"Y\"."}]}`, extract.Refused, "Cannot query field"},
	{"rate as an error", 200, asJSON, `{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED"}}]}`, extract.Throttled, "slow down"},
	{"time-out as an error", 200, asJSON, `{"errors":[{"message":"request timed out"}]}`, extract.TimedOut, "timed out"},

	// Status alone.
	{"forbidden", 403, asJSON, `{"message":"not yours"}`, extract.Denied, "not yours"},
	{"validator's map", 400, asJSON, `{"errors":{"pageSize":["too large","odd"]}}`, extract.Refused, "pageSize: too large; pageSize: odd"},
	{"rate", 429, asJSON, `{}`, extract.Throttled, "status 429"},
	{"gateway time-out", 504, asJSON, `{}`, extract.TimedOut, "status 504"},
	{"size", 413, asJSON, `{}`, extract.TooLarge, "status 413"},
}

func TestBadAnswers(t *testing.T) {
	for _, c := range badAnswers {
		t.Run(c.name, func(t *testing.T) {
			vendor := client(func(w http.ResponseWriter, _ *http.Request) { write(w, c.status, c.ctype, c.body) },
				func(cfg *transport.Config) { cfg.Retries = 0 })
			answer, err := vendor.GraphQL(t.Context(), endpoint, ask)
			if answer != nil || extract.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got kind %q: %v", extract.KindOf(err), err)
			}
			if text := err.Error(); len(text) > 2000 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%d bytes, or not one line of print: %.3000q", len(text), text)
			}
			for _, secret := range []string{"s3cr3t-token", "pass-in-url", "query-secret", "top sec"} {
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("error shows %q: %v", secret, err)
				}
			}
		})
	}
}

func TestAnswerIsTheVendorsBytes(t *testing.T) {
	const body = " {\"data\" : {\"a\":1.50, \"b\":\"\\u00e9 {[:,\\\\\\\"\"}, \"extensions\":null,\"errors\":[]}\n"
	vendor := client(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "session=1")
		write(w, 200, "application/json", body)
	})
	answer, err := vendor.GraphQL(t.Context(), endpoint, ask)
	if err != nil || string(answer.Body) != body || answer.Status != 200 {
		t.Fatalf("got %+v, %v", answer, err)
	}
	if answer.Header.Get("Set-Cookie") != "" || answer.At.Location() != time.UTC || answer.At.Nanosecond()%1000 != 0 {
		t.Errorf("cookie kept, or a time that is not UTC in whole microseconds: %v", answer)
	}
}

func TestSecretsThatTheVendorEchoes(t *testing.T) {
	vendor := client(func(w http.ResponseWriter, r *http.Request) {
		write(w, 200, "application/json", fmt.Sprintf(`{"errors":[{"message":"header was %s","extensions":{"code":"%[1]s"}}]}`, r.Header.Get("Authorization")))
	}, func(cfg *transport.Config) { cfg.Retries = 0 })
	_, err := vendor.GraphQL(t.Context(), endpoint, ask)
	if strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "[redacted]") {
		t.Fatal(err)
	}

	page := "<p>" + strings.Repeat("x", 112) + " s3cr3t-token</p>" // the cut falls within the token
	vendor = client(func(w http.ResponseWriter, _ *http.Request) { write(w, 500, "text/html", page) },
		func(cfg *transport.Config) { cfg.Retries = 0 })
	_, err = vendor.GraphQL(t.Context(), endpoint, ask)
	if strings.Contains(err.Error(), "s3cr") {
		t.Fatal(err)
	}
}

func TestRedirectNeverCarriesTheToken(t *testing.T) {
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/secret-path", http.StatusTemporaryRedirect)
	}))
	defer first.Close()
	_, err := transport.New(transport.Config{Vendor: "vendor"}, transport.Static("t0ken")).GraphQL(t.Context(), first.URL, ask)
	if extract.KindOf(err) != extract.Misdirected || reached.Load() || strings.Contains(err.Error(), "secret-path") {
		t.Fatalf("reached %v: %v", reached.Load(), err)
	}
}

func TestUnreachableShowsNoCredentials(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	at := strings.Replace(closed.URL, "http://", "http://user:hidden@", 1) + "?key=hidden"
	vendor := transport.New(transport.Config{Vendor: "vendor"}, transport.Static("t0ken"))
	_, err := vendor.GraphQL(t.Context(), at, ask)
	if extract.KindOf(err) != extract.Unreachable || strings.Contains(err.Error(), "hidden") {
		t.Fatal(err)
	}
	if !transport.Untouched(err) {
		t.Error("a connection that was refused may be asked again")
	}
	_, err = vendor.GraphQL(t.Context(), "http://user:hidden@bad host/", ask)
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Fatal(err)
	}
}

// A body of 10 GB, plain or out of a small gzip, costs no more than the cap.
func TestSizeCap(t *testing.T) {
	for _, encoding := range []string{"", "gzip"} {
		var written atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			endless(w, encoding, 10<<30, &written)
		}))
		vendor := transport.New(transport.Config{Vendor: "vendor", MaxBody: 1 << 20, Retries: 3}, transport.Static("t"))
		_, err := vendor.GraphQL(t.Context(), server.URL, ask)
		server.Close()
		if extract.KindOf(err) != extract.TooLarge || !strings.Contains(err.Error(), "1048576 bytes") {
			t.Fatalf("%q: %v", encoding, err)
		}
		if n := written.Load(); encoding == "" && n > 64<<20 {
			t.Errorf("%d bytes were taken for a cap of 1 MiB", n)
		}
	}
}

func TestCutBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"data":{}}`) // whole JSON, and yet not the whole answer
	}))
	defer server.Close()
	_, err := transport.New(transport.Config{Vendor: "vendor"}, transport.Static("t")).GraphQL(t.Context(), server.URL, ask)
	if extract.KindOf(err) != extract.Garbled || !strings.Contains(err.Error(), "cut after 11 bytes") {
		t.Fatal(err)
	}
}

func TestTimeLimitIsNotTheCallersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := client(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(cfg *transport.Config) { cfg.Timeout, cfg.Retries = 5*time.Second, 0 })
		_, err := vendor.GraphQL(t.Context(), endpoint, ask)
		if extract.KindOf(err) != extract.TimedOut || !strings.Contains(err.Error(), "within 5s") {
			t.Errorf("our limit: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = vendor.GraphQL(ctx, endpoint, ask); err != context.DeadlineExceeded {
			t.Errorf("the caller's: %v", err)
		}
	})
}

func TestREST(t *testing.T) {
	var posts atomic.Int64
	vendor := client(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
			write(w, 500, "application/json", `{}`)
			return
		}
		write(w, 200, "application/json", `{"conversations":[]}`)
	})
	get, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://vendor.test/a.json", nil)
	answer, err := vendor.Do(get, nil)
	if err != nil || string(answer.Body) != `{"conversations":[]}` {
		t.Fatalf("%v %v", answer, err)
	}
	post, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://vendor.test/a.json", io.NopCloser(strings.NewReader("{}")))
	if _, err = vendor.Do(post, nil); extract.KindOf(err) != extract.Failing || posts.Load() != 1 {
		t.Fatalf("a write was sent %d times: %v", posts.Load(), err)
	}
}

type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func TestOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		base  http.RoundTripper
		tries int64
	}{
		{"no connection", broken{&net.OpError{Op: "dial", Err: errors.New("refused")}}, 4},
		{"no such host", broken{&net.DNSError{Err: "no such host"}}, 4},
		{"reset", broken{&net.OpError{Op: "read", Err: errors.New("reset")}}, 1},
		{"refused for rate", in(func(w http.ResponseWriter, _ *http.Request) { write(w, 429, "", "{}") }), 4},
		{"server error", in(func(w http.ResponseWriter, _ *http.Request) { write(w, 500, "", "{}") }), 1},
		{"cut", in(func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "", `{"da`) }), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tally extract.Tally
				vendor := client(nil, func(cfg *transport.Config) { cfg.Base = c.base })
				_, err := vendor.GraphQL(extract.WithTally(t.Context(), &tally), endpoint, transport.Query{Text: "mutation { x }", Once: true})
				if err == nil || tally.Requests.Load() != c.tries {
					t.Errorf("sent %d times, want %d: %v", tally.Requests.Load(), c.tries, err)
				}
			})
		})
	}
}
