package pipeline_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// ledger counts the requests that reach the vendors, by path, and may meddle
// with them.
type ledger struct {
	next http.Handler

	mu     sync.Mutex
	counts map[string]int
	most   map[string]int // under way at once
	busy   map[string]int
	meddle func(w http.ResponseWriter, r *http.Request) bool // true: the request is answered
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]
	if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
		path = "sign-in"
	}
	l.mu.Lock()
	l.counts[path]++
	l.busy[path]++
	l.most[path] = max(l.most[path], l.busy[path])
	meddle, next := l.meddle, l.next
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.busy[path]--
		l.mu.Unlock()
	}()
	if meddle != nil && meddle(w, r) {
		return
	}
	next.ServeHTTP(w, r)
}

func (l *ledger) count(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[path]
}

func (l *ledger) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.counts)
	clear(l.most)
}

func (l *ledger) set(meddle func(w http.ResponseWriter, r *http.Request) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meddle = meddle
}

// serveInside serves a handler over pipes in memory and returns the way to it.
func serveInside(t testing.TB, handler http.Handler) http.RoundTripper {
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // it ends with ErrServerClosed
	}()
	transport := &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 16}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
	})
	return transport
}

// pipes is a listener whose connections are made in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }
