package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-faster/jx"
	"golang.org/x/sync/semaphore"

	"nightjar/extract"
)

// New returns a client that signs in with signIn, on the first request that
// needs it.
func New(cfg Config, signIn SignIn) *Client {
	cfg.Rate, cfg.Concurrency = max(cfg.Rate, 0), max(cfg.Concurrency, 1)
	cfg.Timeout = cmp.Or(cfg.Timeout, time.Minute)
	cfg.Budget = cmp.Or(cfg.Budget, 20*cfg.Retries)
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 16<<20)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Base == nil {
		cfg.Base = base(cfg.Concurrency)
	}
	c := &Client{cfg: cfg, signIn: signIn, pace: newPace(cfg.Rate, cfg.Concurrency),
		login: login{turn: semaphore.NewWeighted(1)}, shown: shown{turn: semaphore.NewWeighted(1)}}
	c.budget.fill(cfg.Budget)
	c.chain = c.retry(c.authorize(c.limit(count(c.judge(c.within(c.whole(cfg.Base)))))))
	return c
}

// base is a transport whose every phase ends, with a connection for each slot.
func base(slots int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           slots + 1,
		MaxIdleConnsPerHost:    slots + 1,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}
}

// GraphQL sends q to endpoint, authorized, and returns the judged answer.
func (c *Client) GraphQL(ctx context.Context, endpoint string, q Query) (*Answer, error) {
	x := &exchange{operation: q.Operation, graphql: true, once: q.Once, divisible: q.Divisible, schema: q.schema, read: q.Read}
	answer, err := c.run(ctx, x, endpoint, q, "")
	return answer, c.outcome(ctx, err)
}

// Do sends a REST request, authorized, and returns the judged answer. A method
// that is not idempotent is sent as Query.Once is. Read, if not nil, reads the whole
// of an answer as Query.Read does its data. Logs name the request by its method
// alone, unless Describe says more: a path may hold a credential.
func (c *Client) Do(req *http.Request, read func(*jx.Decoder) error) (*Answer, error) {
	x := &exchange{operation: req.Method, once: writes(req.Method), read: read}
	if d, ok := req.Context().Value(descriptionKey{}).(description); ok {
		x.operation, x.secrets = d.operation, d.secrets
	}
	return c.do(x, req)
}

type descriptionKey struct{}

type description struct {
	operation string
	secrets   []string
}

// Describe returns a context whose REST requests go by the name of operation in
// logs, and whose errors never show the secrets, such as a token in the path.
func Describe(ctx context.Context, operation string, secrets ...string) context.Context {
	return context.WithValue(ctx, descriptionKey{}, description{operation, secrets})
}

func (c *Client) do(x *exchange, req *http.Request) (*Answer, error) {
	if err := repeatable(req); err != nil {
		return nil, err
	}
	answer, err := c.chain(x, req)
	return answer, c.outcome(req.Context(), err)
}

// repeatable gives a request whose body can be read only once one that can be
// read for every attempt.
func repeatable(req *http.Request) error {
	if req.Body == nil || req.GetBody != nil {
		return nil
	}
	defer req.Body.Close()
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return fmt.Errorf("read the request's body: %w", err)
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sent)), nil }
	req.Body, err = req.GetBody()
	return err
}

// outcome is how a caller hears of err: the end of its own context as it is, or an
// *extract.Error that shows no URL.
func (c *Client) outcome(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if known, ok := errors.AsType[*extract.Error](err); ok {
		return known
	}
	return c.fail(extract.Unreachable, withoutURL(err))
}

// writes reports whether a repeat of the method may act twice.
func writes(method string) bool {
	return method == http.MethodPost || method == http.MethodPatch
}
