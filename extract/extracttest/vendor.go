package extracttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/extract/sandbox"
	"nightjar/extract/transport"
)

// now is the reading of the clock during every test.
var now = time.Date(2026, 11, 20, 19, 30, 0, 0, time.UTC)

// Vendor is a simulated vendor and the wire to it.
type Vendor struct {
	Env       map[string]string // the variables of a configuration that point at it
	Now       time.Time         // the vendors' reading of the clock
	Start     time.Time         // before the vendors' history
	Transport transport.Config  // three requests at once, no repeats

	sandbox *sandbox.Sandbox
	wire    *wire
}

// wire counts requests and fails them.
type wire struct {
	base *http.Transport

	mu      sync.Mutex
	sent    []string // method, path and body of each request
	pending int
	failing bool // data requests are denied
	cuts    int  // data requests whose first answer is still to come without its last byte
	forget  bool // requests are not kept
}

func serve(t *testing.T, vendor string, opt sandbox.Options) *Vendor {
	t.Helper()
	opt.Seed, opt.End, opt.Clock = 11, now, func() time.Time { return now }
	start := now.AddDate(0, 0, -90)
	opt.Start = start.AddDate(0, 0, 2)
	box, err := sandbox.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	w := &wire{base: &http.Transport{}}
	t.Cleanup(func() {
		w.base.CloseIdleConnections()
		server.Close()
	})
	return &Vendor{
		Env: box.Env(server.URL), Now: now, Start: start, sandbox: box, wire: w,
		Transport: transport.Config{Vendor: vendor, Concurrency: 3, Base: w},
	}
}

// RoundTrip sends the request, or denies it.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	text := req.Method + " " + req.URL.RequestURI() + " " + string(body)
	w.mu.Lock()
	deny := w.failing && !signsIn(req, body)
	cut := w.cuts > 0 && !signsIn(req, body) && !slices.Contains(w.sent, text)
	if !w.forget {
		w.sent = append(w.sent, text)
	}
	w.pending++
	if cut {
		w.cuts--
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.pending--
		w.mu.Unlock()
	}()
	if deny {
		answer := httptest.NewRecorder()
		answer.WriteHeader(http.StatusForbidden)
		_, _ = answer.WriteString(`{"errors":[{"message":"no"}]}`) // into memory
		return answer.Result(), nil
	}
	res, err := w.base.RoundTrip(req)
	if err == nil && cut {
		err = shortened(res)
	}
	return res, err
}

// shortened takes the last byte from an answer.
func shortened(res *http.Response) error {
	whole, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	whole = bytes.TrimSpace(whole)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(whole[:len(whole)-1])), -1
	return nil
}

func signsIn(req *http.Request, body []byte) bool {
	return strings.HasSuffix(req.URL.Path, "/token") || bytes.Contains(body, []byte("mutation Login")) || bytes.Contains(body, []byte("mutation Refresh"))
}

// requests returns what was sent so far.
func (v *Vendor) requests() []string {
	v.wire.mu.Lock()
	defer v.wire.mu.Unlock()
	return append([]string(nil), v.wire.sent...)
}

// pending is how many requests are under way.
func (v *Vendor) pending() int {
	v.wire.mu.Lock()
	defer v.wire.mu.Unlock()
	return v.wire.pending
}

// deny refuses data from now on.
func (v *Vendor) deny() {
	v.wire.mu.Lock()
	defer v.wire.mu.Unlock()
	v.wire.failing = true
}

// Rows decodes what the vendor holds of one kind of record into rows, a pointer
// to a slice.
func (v *Vendor) Rows(t *testing.T, truth string, rows any) {
	t.Helper()
	held, err := v.sandbox.Truth(truth)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(held.Rows)
	if err == nil {
		err = json.Unmarshal(body, rows)
	}
	if err != nil {
		t.Fatal(err)
	}
}
