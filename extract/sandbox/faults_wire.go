package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// wireFault is a fault of the wire: it strikes one request in so many, whatever
// the vendor, so that a repeated request succeeds. The intervals are primes, so
// that faults that are combined seldom strike one after the other.
type wireFault struct {
	name, doc string
	every     int
	signIn    bool // strikes token endpoints too
	strike    func(s *Sandbox, n int, w http.ResponseWriter, r *http.Request, next http.Handler)
}

func wireFaults() []wireFault {
	return []wireFault{
		{"429", "the request is refused for rate, with Retry-After in seconds or as a date", 11, false, throttled},
		{"500", "status 500 with a GraphQL error", 13, true, internalError},
		{"500-empty", "status 500 with the body {}", 17, false, canned(http.StatusInternalServerError, "application/json", "{}")},
		{"502", "status 502 with an HTML page", 19, true, canned(http.StatusBadGateway, "text/html", htmlPage)},
		{"504", "status 504 with an HTML page", 23, true, canned(http.StatusGatewayTimeout, "text/html", htmlPage)},
		{"empty", "status 200 with the body {}", 29, false, canned(http.StatusOK, "application/json", "{}")},
		{"errors-beside-data", "GraphQL errors stand beside whole data, over status 200", 31, false, errorsBesideData},
		{"html", "status 200 with an HTML page", 37, false, canned(http.StatusOK, "text/html", htmlPage)},
		{"huge", "a body of 10 GB", 41, false, huge},
		{"reset", "the connection is closed without an answer", 43, true, reset},
		{"slow", "the answer takes 150 ms longer", 7, true, slow},
		{"truncate", "the body is cut in the middle, its length told right or wrong", 47, false, truncate},
	}
}

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body><h1>Service unavailable</h1></body></html>\n"

// faulty puts the faults that are switched on in front of a vendor. Each route
// counts its own requests.
func (s *Sandbox) faulty(path string, next http.Handler) http.Handler {
	if s.faults.has("dirty") {
		next = nullRecords(next)
	}
	signIn := strings.HasSuffix(path, "/token")
	var on []wireFault
	for _, f := range wireFaults() {
		if s.faults.has(f.name) && (f.signIn || !signIn) {
			on = append(on, f)
		}
	}
	if len(on) == 0 {
		return next
	}
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(requests.Add(1))
		for i, f := range on {
			shifted := n + int((s.opt.Seed+uint64(i))%uint64(f.every))
			if shifted%f.every == 0 {
				f.strike(s, shifted/f.every, w, r, next)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func throttled(s *Sandbox, n int, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	wait := int(s.opt.RetryAfter.Seconds())
	w.Header().Set("Retry-After", strconv.Itoa(max(0, wait)))
	if wait > 0 && n%2 == 0 {
		w.Header().Set("Retry-After", time.Now().Add(s.opt.RetryAfter).UTC().Format(http.TimeFormat))
	}
	writeJSON(w, http.StatusTooManyRequests, []byte(`{"data":null,"errors":[{"message":"Too many requests","extensions":{"code":"TOO_MANY_REQUESTS","name":"RATE_LIMITED"}}]}`))
}

func internalError(_ *Sandbox, _ int, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	writeJSON(w, http.StatusInternalServerError, []byte(`{"data":null,"errors":[{"message":"Internal server error","extensions":{"code":"INTERNAL_SERVER_ERROR","name":"INTERNAL_ERROR","retryPolicy":"RETRY"}}]}`))
}

func canned(status int, mediaType, body string) func(*Sandbox, int, http.ResponseWriter, *http.Request, http.Handler) {
	return func(_ *Sandbox, _ int, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client has gone: nobody is left to tell
	}
}

func errorsBesideData(_ *Sandbox, _ int, w http.ResponseWriter, r *http.Request, next http.Handler) {
	answer := capture(next, r)
	body := bytes.TrimRight(answer.body.Bytes(), "\n")
	if bytes.HasPrefix(body, []byte(`{"data":{`)) {
		body = append(body[:len(body)-1:len(body)-1],
			`,"errors":[{"message":"A field could not be resolved","extensions":{"code":"INTERNAL_SERVER_ERROR","name":"INTERNAL_ERROR","retryPolicy":"RETRY"}}]}`...)
	}
	answer.send(w, body)
}

// huge writes an answer that never becomes JSON, until the client has enough.
func huge(_ *Sandbox, _ int, w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range 10 << 10 {
		if _, err := w.Write(blanks); err != nil || r.Context().Err() != nil {
			return
		}
	}
}

func reset(*Sandbox, int, http.ResponseWriter, *http.Request, http.Handler) {
	panic(http.ErrAbortHandler)
}

func slow(_ *Sandbox, _ int, w http.ResponseWriter, r *http.Request, next http.Handler) {
	select {
	case <-time.After(150 * time.Millisecond):
		next.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

func truncate(_ *Sandbox, n int, w http.ResponseWriter, r *http.Request, next http.Handler) {
	answer := capture(next, r)
	whole := answer.body.Bytes()
	if n%2 == 0 {
		answer.send(w, whole[:len(whole)/2])
		return
	}
	answer.header.Set("Content-Length", strconv.Itoa(len(whole)))
	answer.sendAs(w, whole[:len(whole)/2])
	panic(http.ErrAbortHandler)
}

// nullRecords puts a null record before the others of every third answer that
// has any.
func nullRecords(next http.Handler) http.Handler {
	var answers atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := capture(next, r)
		body := answer.body.Bytes()
		if answers.Add(1)%3 == 0 {
			body = bytes.Replace(body, []byte(`"edges":[{`), []byte(`"edges":[{"node":null},{`), 1)
			body = bytes.Replace(body, []byte(`"nodes":[{`), []byte(`"nodes":[null,{`), 1)
		}
		answer.send(w, body)
	})
}

// captured is an answer that is held back.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func capture(next http.Handler, r *http.Request) *captured {
	c := &captured{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(c, r)
	return c
}

// Header is part of http.ResponseWriter.
func (c *captured) Header() http.Header { return c.header }

// WriteHeader is part of http.ResponseWriter.
func (c *captured) WriteHeader(status int) { c.status = status }

// Write is part of http.ResponseWriter.
func (c *captured) Write(p []byte) (int, error) { return c.body.Write(p) }

// send writes the answer with this body.
func (c *captured) send(w http.ResponseWriter, body []byte) {
	c.header.Set("Content-Length", strconv.Itoa(len(body)))
	c.sendAs(w, body)
}

// sendAs writes the answer with this body and the length that the header tells.
func (c *captured) sendAs(w http.ResponseWriter, body []byte) {
	for name, values := range c.header {
		w.Header()[name] = values
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
