package extracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// Answers is a stream whose vendor answers whatever a fuzzer comes up with.
type Answers struct {
	// Open returns the stream over the wire, with requests one at a time.
	Open func(wire transport.Config) extract.Stream
	// Ask is what the stream is planned for.
	Ask extract.Ask
	// Lead answers requests that are not for data, or not yet: sign-ins, trials.
	// It reports whether the request is one of them.
	Lead func(request string) (status int, body string, ok bool)
	// End answers a request for data so that the walk may come to its end.
	End func(request string) string
	// Count is the records of an answer that is JSON; negative where none can be
	// counted.
	Count func(answer map[string]any) int
	// Divides says that the walk may drop an answer and ask for its rows again, in
	// smaller parts: rows cannot be counted against answers then.
	Divides bool
}

const (
	// fuzzed is how many requests for data the fuzzer answers.
	fuzzed = 3
	// mostRequests is what no walk over so few answers may need.
	mostRequests = 2000
)

// Fuzz holds walks to this: whatever the vendor answers, a walk ends, yields at
// most one error, and counts every record of each page; where it has no error, no
// record of any answer is missing from its pages.
func Fuzz(f *testing.F, a Answers, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { a.walk(t, body) })
}

func (a Answers) walk(t *testing.T, body []byte) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v := &answering{Answers: a, body: body, cancel: cancel}
	s := a.Open(transport.Config{Vendor: "fuzzed", Concurrency: 1, Timeout: time.Minute, Base: v})
	all, err := s.Plan(ctx, a.Ask)
	if err != nil {
		t.Fatal(err)
	}
	inAnswer, countable := a.count(body)
	var rows int64
	var failed error
	for _, w := range all {
		ended := false
		for page, err := range s.Walk(ctx, w) {
			if ended {
				t.Fatalf("%s goes on after its error", w.ID)
			}
			if err != nil {
				failed, ended = err, true
				continue
			}
			page.Confirm()
			rows += page.Rows
			if n, ok := a.count(page.Body); ok && int64(n) != page.Rows {
				t.Fatalf("a page with %d records says %d: %s", n, page.Rows, page.Body)
			}
		}
	}
	if v.requests > mostRequests {
		t.Fatalf("%d requests and no end", v.requests)
	}
	if failed == nil && countable && !a.Divides && rows != int64(inAnswer*v.given) {
		t.Fatalf("%d answers with %d records each have come to %d rows, and no error", v.given, inAnswer, rows)
	}
}

// count is the records of an answer, where it is JSON that can be read in one way
// only.
func (a Answers) count(body []byte) (int, bool) {
	var answer map[string]any
	if ambiguous(body) || json.Unmarshal(body, &answer) != nil {
		return 0, false
	}
	n := a.Count(answer)
	return n, n >= 0
}

// ambiguous reports whether a name comes twice in one object.
func ambiguous(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	_, twice := names(d)
	return twice
}

// names reads one value, and reports whether it did and whether a name came twice.
func names(d *json.Decoder) (ok, twice bool) {
	token, err := d.Token()
	if err != nil {
		return false, false
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return true, false
	}
	seen := map[string]bool{}
	for d.More() {
		if token == json.Delim('{') {
			name, err := d.Token()
			if err != nil {
				return false, twice
			}
			key, _ := name.(string)
			twice = twice || seen[key]
			seen[key] = true
		}
		ok, inside := names(d)
		if twice = twice || inside; !ok {
			return false, twice
		}
	}
	_, err = d.Token()
	return err == nil, twice
}

// answering is the vendor.
type answering struct {
	Answers
	body   []byte
	cancel func()

	mu       sync.Mutex
	requests int
	given    int // answers of the fuzzer
}

func (v *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	text := req.Method + " " + req.URL.RequestURI()
	if req.Body != nil {
		sent, err := io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
		text += " " + string(sent)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.requests++; v.requests > mostRequests {
		v.cancel()
	}
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/json")
	status, body, ok := 0, "", false
	if v.Lead != nil {
		status, body, ok = v.Lead(text)
	}
	switch {
	case ok:
		answer.WriteHeader(status)
		_, _ = io.Copy(answer, strings.NewReader(body)) // into memory
	case v.given < fuzzed:
		v.given++
		_, _ = answer.Write(v.body)
	default:
		_, _ = io.Copy(answer, strings.NewReader(v.End(text)))
	}
	return answer.Result(), nil
}

// FuzzBookmark holds Plan to this: whatever the bookmark, it is an error or a plan
// that can be walked.
func FuzzBookmark(f *testing.F, open func() extract.Stream, now time.Time, seeds ...string) {
	for _, seed := range append(seeds, `null`, `{}`, `[]`, `{`, `"x"`, `-1`) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, mark []byte) {
		windows, err := open().Plan(t.Context(), extract.Ask{Now: now, Bookmark: mark})
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, w := range windows {
			if w.ID == "" || ids[w.ID] || w.To.Before(w.From) || w.To.After(now) {
				t.Fatalf("bookmark %s plans %+v", mark, w)
			}
			ids[w.ID] = true
		}
	})
}
