package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/extract"
)

const (
	firstPause  = 250 * time.Millisecond // full jitter: the first wait is up to twice this
	longPause   = 15 * time.Second       // the last waits are up to twice this
	patience    = 15 * time.Minute       // a vendor that asks for more is not waited for
	divisibly   = 1                      // repeats of a request that could ask for less
	oversized   = 1                      // repeats of a request whose answer had no end
	withheld    = 1                      // repeats of a question for the schema that brought nothing
	earnedAfter = 10                     // good answers that put one repeat back into the budget
)

// retry repeats what may succeed when asked again.
func (c *Client) retry(next asker) asker {
	return func(x *exchange, req *http.Request) (*Answer, error) {
		pause := pauses()
		for repeats := 0; ; repeats++ {
			answer, err := next(x, req)
			if err == nil {
				c.budget.earn()
				return answer, nil
			}
			if req.Context().Err() != nil || !mayRepeat(x, err) || repeats >= c.repeats(x, err) {
				return nil, err
			}
			long := pauseAfter(err, pause, repeats)
			if long > patience {
				return nil, because(err, fmt.Sprintf("the vendor asks to wait %s", long.Round(time.Second)))
			}
			if !c.budget.spend() {
				return nil, because(err, "the run's budget of repeats is spent")
			}
			c.cfg.Log.Warn("request repeated", "vendor", c.cfg.Vendor, "operation", x.operation,
				"repeat", repeats+1, "wait", long.Round(time.Millisecond), "err", err)
			if err := sleep(req.Context(), long); err != nil {
				return nil, err
			}
		}
	}
}

// repeats is how often the request may be repeated after err.
func (c *Client) repeats(x *exchange, err error) int {
	kind := extract.KindOf(err)
	if x.divisible && (kind == extract.TimedOut || kind == extract.Failing) {
		return min(c.cfg.Retries, divisibly)
	}
	if x.schema && withholdsSchema(err) {
		return min(c.cfg.Retries, withheld)
	}
	if kind == extract.TooLarge {
		return min(c.cfg.Retries, oversized)
	}
	return c.cfg.Retries
}

// mayRepeat reports whether asking again may help, and cannot act twice.
func mayRepeat(x *exchange, err error) bool {
	if x.once && !Untouched(err) || x.schema && refusesSchema(err) {
		return false
	}
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.final() {
		return false
	}
	if SigningIn(err) {
		return false // has been repeated as a request of its own
	}
	switch extract.KindOf(err) {
	case extract.Unreachable, extract.Throttled, extract.TimedOut, extract.Failing, extract.Garbled, extract.TooLarge:
		return true
	}
	return false
}

// Untouched reports whether the vendor surely did not act on the request that
// ended in err: it was never sent, or was turned away before it was looked at.
func Untouched(err error) bool {
	switch extract.KindOf(err) {
	case extract.Throttled, extract.Denied, extract.Refused, extract.Misdirected:
		return true
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial" || isA[*net.DNSError](err)
}

// pauses grows exponentially with full jitter: anything from zero to twice the
// interval, so that many clients spread out.
func pauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: firstPause, RandomizationFactor: 1, Multiplier: 2, MaxInterval: longPause}
}

// pauseAfter is how long to wait before the next repeat: what the vendor asks, or the
// jittered pause; a refusal for rate without a time waits a second, then two,
// four and so on at the least.
func pauseAfter(err error, pause *backoff.ExponentialBackOff, repeats int) time.Duration {
	jitter := pause.NextBackOff()
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.wait > 0 {
		return answer.wait + jitter/10
	}
	if extract.KindOf(err) == extract.Throttled {
		return jitter + min(time.Second<<min(repeats, 10), longPause)
	}
	return jitter
}

// because adds to err why it is not repeated.
func because(err error, why string) error {
	e, ok := errors.AsType[*extract.Error](err)
	if !ok {
		return fmt.Errorf("%w (%s)", err, why)
	}
	explained := *e
	explained.Err = fmt.Errorf("%w (%s)", e.Err, why)
	return &explained
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// budget is what a run may spend on repeats, so that a vendor in trouble is not
// asked Retries times for every page. Good answers earn repeats back.
type budget struct {
	mu         sync.Mutex
	left, most int
	good       int // since the last repeat was earned
}

func (b *budget) fill(n int) { b.left, b.most = n, n }

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.good++; b.good >= earnedAfter {
		b.good = 0
		b.left = min(b.left+1, b.most)
	}
}
