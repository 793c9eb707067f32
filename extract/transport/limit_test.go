package transport_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"nightjar/extract/transport"
)

// A long run uses at least 95 % of what the vendor allows, and under 1 % of its
// requests are refused, whether the configured rate is the vendor's or above it,
// and also where the vendor once refused everything for a while. Of windows,
// whose rest is lost with each refusal, it uses somewhat less.
func TestRateIsUsed(t *testing.T) {
	const length = time.Hour
	bucket := func(perSecond float64) func() bool { return rate.NewLimiter(rate.Limit(perSecond), 2).Allow }
	for _, c := range []struct {
		name                string
		configured, allowed float64
		vendor              func(perSecond float64) func() bool
		down                time.Duration // refuses everything after ten minutes
		least               float64       // of what is allowed
		long                bool
	}{
		{"the vendor's", 5, 5, bucket, 0, 0.95, false},
		{"twice the vendor's", 10, 5, bucket, 0, 0.95, false},
		{"far above", 50, 5, bucket, 0, 0.95, false},
		{"a little above", 5, 4.5, bucket, 0, 0.95, true},
		{"above", 5, 3, bucket, 0, 0.95, true},
		{"three times the vendor's", 5, 1.5, bucket, 0, 0.95, true},
		{"the vendor's, in windows", 5, 5, windows, 0, 0.95, true},
		{"twice the vendor's, in windows", 10, 5, windows, 0, 0.93, true},
		{"far above, in windows", 50, 5, windows, 0, 0.93, true},
		{"a minute of refusals", 5, 5, bucket, time.Minute, 0.95, true},
		{"five minutes of refusals", 5, 5, bucket, 5 * time.Minute, 0.95, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.long {
				t.Skip("eight more hours of a vendor")
			}
			synctest.Test(t, func(t *testing.T) {
				served, refused := spend(t, length, c.configured, c.vendor(c.allowed), c.down)
				used := served / (c.allowed * (length - c.down).Seconds())
				share := refused / (served + refused)
				t.Logf("%.1f %% of the rate used, %.2f %% refused", 100*used, 100*share)
				if used < c.least || share >= 0.01 {
					t.Errorf("%.1f %% of the rate used, %.2f %% refused", 100*used, 100*share)
				}
			})
		})
	}
}

// spend asks for as long as that, by eight at once, a vendor that refuses what it
// does not allow, and everything for a while after ten minutes. It returns how many
// requests were served and refused.
func spend(t *testing.T, length time.Duration, configured float64, allow func() bool, down time.Duration) (served, refused float64) {
	var yes, no atomic.Int64
	start := time.Now()
	vendor := client(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(150 * time.Millisecond)
		since := time.Since(start) - 10*time.Minute
		if since >= 0 && since < down || !allow() {
			no.Add(1)
			write(w, 429, "", "{}")
			return
		}
		yes.Add(1)
		write(w, 200, "", good)
	}, func(cfg *transport.Config) {
		cfg.Rate, cfg.Concurrency, cfg.Retries, cfg.Timeout = configured, 8, 8, time.Minute
	})
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = vendor.GraphQL(ctx, endpoint, ask)
			}
		})
	}
	all.Wait()
	return float64(yes.Load()), float64(no.Load())
}

// windows allows so many requests in every ten seconds by the clock.
func windows(perSecond float64) func() bool {
	const size = 10 * time.Second
	var mu sync.Mutex
	var at time.Time
	var n float64
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now().Truncate(size); now != at {
			at, n = now, 0
		}
		n++
		return n <= perSecond*size.Seconds()
	}
}

func TestRemainingZeroIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := client(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Rate-Limit-Remaining", "0")
			w.Header().Set("X-Rate-Limit-Reset", "40")
			write(w, 200, "", good)
		})
		start := time.Now()
		for range 3 {
			if _, err := vendor.GraphQL(t.Context(), endpoint, ask); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 80*time.Second {
			t.Errorf("three requests took %s", took)
		}
	})
}

func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		vendor := client(func(w http.ResponseWriter, _ *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			if n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			write(w, 200, "", good)
		}, func(cfg *transport.Config) { cfg.Concurrency = 3 })
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() { _, _ = vendor.GraphQL(t.Context(), endpoint, ask) })
		}
		all.Wait()
		if most.Load() != 3 {
			t.Errorf("%d at once", most.Load())
		}
	})
}
