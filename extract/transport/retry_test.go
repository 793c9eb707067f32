package transport_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

const good = `{"data":{"a":1}}`

func TestRetry(t *testing.T) {
	for _, c := range []struct {
		name     string
		bad      int // answers before the good one
		status   int
		body     string
		header   map[string]string
		divide   bool
		tries    int64
		ok       bool
		min, max time.Duration
	}{
		{"recovers", 2, 500, "{}", nil, false, 3, true, 0, 2 * time.Second},
		{"gives up", 9, 500, "{}", nil, false, 4, false, 0, 4 * time.Second},
		{"could ask for less", 9, 504, "{}", nil, true, 2, false, 0, 2 * time.Second},
		{"cut answers are repeated", 1, 200, `{"data`, nil, false, 2, true, 0, time.Second},
		{"NO_RETRY", 9, 500, `{"errors":[{"message":"m","extensions":{"retryPolicy":"NO_RETRY"}}]}`, nil, false, 1, false, 0, 0},
		{"bad request", 9, 400, "{}", nil, false, 1, false, 0, 0},
		{"Retry-After in seconds", 1, 429, "{}", map[string]string{"Retry-After": "30"}, false, 2, true, 30 * time.Second, 31 * time.Second},
		{"Retry-After on 503", 1, 503, "{}", map[string]string{"Retry-After": "7"}, false, 2, true, 7 * time.Second, 8 * time.Second},
		{"Retry-After as a date", 1, 429, "{}", map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:20 GMT"}, false, 2, true, 20 * time.Second, 21 * time.Second},
		{"a date by the vendor's clock", 1, 429, "{}", map[string]string{"Date": "Sat, 01 Jan 2022 00:00:00 GMT", "Retry-After": "Sat, 01 Jan 2022 00:00:20 GMT"}, false, 2, true, 20 * time.Second, 21 * time.Second},
		{"reset in seconds left", 1, 429, "{}", map[string]string{"X-Rate-Limit-Reset": "12"}, false, 2, true, 12 * time.Second, 13 * time.Second},
		{"reset as an epoch", 1, 429, "{}", map[string]string{"X-Rate-Limit-Reset": "946684809", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, false, 2, true, 9 * time.Second, 10 * time.Second},
		{"reset as an epoch ahead", 1, 429, "{}", map[string]string{"X-RateLimit-Reset": "1900000012000", "Date": "Fri, 17 Mar 2030 17:46:40 GMT"}, false, 2, true, 12 * time.Second, 13 * time.Second},
		{"a wait beyond patience", 9, 429, "{}", map[string]string{"Retry-After": "86400"}, false, 1, false, 0, 0},
		{"no wait at all is told", 1, 429, "{}", nil, false, 2, true, time.Second, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				vendor := client(func(w http.ResponseWriter, _ *http.Request) {
					if n.Add(1) > int64(c.bad) {
						write(w, 200, "application/json", good)
						return
					}
					for k, v := range c.header {
						w.Header().Set(k, v)
					}
					write(w, c.status, "application/json", c.body)
				})
				var tally extract.Tally
				start := time.Now()
				q := ask
				q.Divisible = c.divide
				_, err := vendor.GraphQL(extract.WithTally(t.Context(), &tally), endpoint, q)
				took := time.Since(start)
				if (err == nil) != c.ok || n.Load() != c.tries || took < c.min || took > c.max {
					t.Errorf("%d tries in %s: %v", n.Load(), took, err)
				}
				if tally.Requests.Load() != c.tries || tally.Retries.Load() != c.tries-1 {
					t.Errorf("tally %d requests, %d retries", tally.Requests.Load(), tally.Retries.Load())
				}
			})
		})
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := client(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "600")
			write(w, 429, "", "{}")
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := vendor.GraphQL(ctx, endpoint, ask); err != context.DeadlineExceeded || time.Since(start) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		vendor := client(func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			write(w, 500, "", "{}")
		}, func(cfg *transport.Config) { cfg.Budget = 5 })
		var err error
		for range 4 {
			_, err = vendor.GraphQL(t.Context(), endpoint, ask)
		}
		if n.Load() != 4+5 || !strings.Contains(err.Error(), "budget of repeats is spent") {
			t.Errorf("%d requests: %v", n.Load(), err)
		}
	})
}
