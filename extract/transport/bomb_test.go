package transport_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// bombs are answers that say little in much, each of about size bytes, and the
// kind of the error that they end in; empty for an answer that is one.
func bombs(size int) map[string]struct {
	body string
	kind extract.Kind
} {
	fill := func(head, piece, tail string) string {
		return head + strings.Repeat(piece, size/len(piece)) + tail
	}
	type bomb = struct {
		body string
		kind extract.Kind
	}
	return map[string]bomb{
		"many numbers":           {fill(`{"data":{"nodes":[`, "0,", `0]}}`), extract.TooLarge},
		"in an unknown field":    {fill(`{"data":{},"x":[`, "{},", `0]}`), extract.TooLarge},
		"many errors":            {fill(`{"errors":[`, "0,", `0]}`), extract.TooLarge},
		"many lists":             {fill(`{"data":[`, "[],", `0]}`), extract.TooLarge},
		"many small members":     {fill(`{"data":{`, `"a":1,`, `"b":1}}`), extract.TooLarge},
		"deep":                   {fill(`{"data":`, "[", ""), extract.TooLarge},
		"long errors":            {fill(`{"errors":[`, `{"message":"`+strings.Repeat("m", 9000)+`","extensions":{"trace":[1,2,3]}},`, `{}]}`), extract.Failing},
		"an error of long parts": {fill(`{"errors":[{"message":"`, "m", `"}]}`), extract.Failing},
		"a map of errors":        {fill(`{"errors":{`, `"`+strings.Repeat("f", 90)+`":["is wrong"],`, `"g":[]}}`), extract.Failing},
		"a long text":            {fill(`{"data":"`, "[{,", `"}`), ""},
		"a long name":            {fill(`{"data":{"`, "n", `":1}}`), ""},
		"a long number":          {fill(`{"data":1`, "0", `}`), ""},
	}
}

// However much an answer holds, to judge it takes no more than a few times its
// size: nothing is built of it.
func TestJudgingTakesLittleMemory(t *testing.T) {
	const size = 8 << 20
	for name, b := range bombs(size) {
		t.Run(name, func(t *testing.T) {
			vendor := client(nil, func(cfg *transport.Config) { cfg.Retries, cfg.Base = 0, prepared(b.body) })
			least := uint64(math.MaxUint64) // of three: the race detector takes buffers from their pools
			for range 3 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := vendor.GraphQL(t.Context(), endpoint, ask)
				runtime.ReadMemStats(&after)
				if extract.KindOf(err) != b.kind {
					t.Fatalf("kind %q, want %q", extract.KindOf(err), b.kind)
				}
				least = min(least, after.TotalAlloc-before.TotalAlloc)
			}
			if least > 4*size {
				t.Errorf("took %d MB", least>>20)
			}
		})
	}
}

// prepared answers with body and costs nothing itself.
func prepared(body string) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: closer{strings.NewReader(body)}, ContentLength: -1, Request: req}, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type closer struct{ *strings.Reader }

func (closer) Close() error { return nil }

// The size cap and the number of values hold for what an answer is when it is
// unpacked; what is packed twice is no answer.
func TestPackedAnswers(t *testing.T) {
	pack := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}
	zeros := []byte(`{"data":[` + strings.Repeat("0,", 4<<20) + `0]}`)
	blanks := []byte(`{"data":"` + strings.Repeat(" ", 32<<20) + `"}`)
	good := []byte(`{"data":{}}`)
	for _, c := range []struct {
		name, encoding string
		sent           []byte
		kind           extract.Kind
	}{
		{"an answer", "gzip", pack(good), ""},
		{"many values", "gzip", pack(zeros), extract.TooLarge},
		{"many bytes", "gzip", pack(blanks), extract.TooLarge},
		{"packed twice, and says so", "gzip, gzip", pack(pack(good)), extract.Garbled},
		{"packed twice", "gzip", pack(pack(good)), extract.Garbled},
		{"packed in another way", "br", pack(good), extract.Garbled},
		{"not packed at all", "gzip", good, extract.Garbled},
		{"cut", "gzip", pack(good)[:20], extract.Garbled},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", c.encoding)
				w.Write(c.sent)
			}))
			defer server.Close()
			vendor := transport.New(transport.Config{Vendor: "vendor"}, transport.Static("token"))
			if _, err := vendor.GraphQL(t.Context(), server.URL, ask); extract.KindOf(err) != c.kind {
				t.Errorf("%d bytes sent: got %v", len(c.sent), err)
			}
		})
	}
}

// A vendor that sends byte after byte, or header after header, is heard for as
// long as one attempt may take.
func TestDribbles(t *testing.T) {
	for name, dribble := range map[string]func(w http.ResponseWriter){
		"bytes": func(w http.ResponseWriter) { fmt.Fprint(w, " "); http.NewResponseController(w).Flush() },
		"hints": func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					dribble(w)
					time.Sleep(5 * time.Millisecond)
				}
			}))
			defer server.Close()
			vendor := transport.New(transport.Config{Vendor: "vendor", Timeout: 100 * time.Millisecond}, transport.Static("token"))
			start := time.Now()
			_, err := vendor.GraphQL(t.Context(), server.URL, ask)
			if took := time.Since(start); err == nil || took > 20*time.Second {
				t.Errorf("after %s: %v", took, err)
			}
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 1 << 14 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("\x1b", 200))
		}
	}))
	defer server.Close()
	_, err := transport.New(transport.Config{Vendor: "vendor"}, transport.Static("token")).GraphQL(t.Context(), server.URL, ask)
	if err == nil || len(err.Error()) > 400 || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("headers without end: %.500v", err)
	}
}
