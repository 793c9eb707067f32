package transport

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"nightjar/extract"
)

const (
	slack       = 0.975  // share of the rate that is used: jitter on the way bunches requests up
	backUp      = 0.1    // of the ceiling, regained by each good answer below it
	probe       = 0.0002 // of the ceiling, gained by each good answer above it
	steadily    = 250    // good answers in a row after which the gain itself grows
	learned     = 0.95   // of the refused rate: the new ceiling
	lowest      = 0.02   // of the configured rate: the ceiling sinks no lower
	signInBurst = 4      // with signInEvery: at most ten sign-ins in any minute
	signInEvery = 10 * time.Second
)

// limit gives each attempt one of Concurrency slots and its turn at the rate.
func (c *Client) limit(next asker) asker {
	return func(x *exchange, req *http.Request) (*Answer, error) {
		if err := c.pace.enter(req.Context(), x.signIn); err != nil {
			return nil, err
		}
		defer c.pace.leave()
		sent := time.Now()
		answer, err := next(x, req)
		c.pace.learn(sent, answer, err)
		return answer, err
	}
}

// pace is the rate of one vendor, shared by all requests. On a refusal the rate
// halves and what was refused becomes a ceiling; good answers bring it back to
// the ceiling within some ten requests, and from there on upwards by so little
// that a vendor whose limit is lower than configured refuses about one request
// in three hundred.
type pace struct {
	slots   chan struct{}
	first   chan struct{} // held by the one who waits for a tick: nobody reserves ticks at a rate that may change
	ticks   *rate.Limiter
	signIns *rate.Limiter

	mu      sync.Mutex
	most    float64   // requests a second, as configured less slack
	ceiling float64   // what the vendor is believed to bear
	now     float64   // what is used
	row     float64   // good answers at the ceiling since the last refusal
	changed time.Time // of the last halving: refusals of older requests are the same news
	until   time.Time // nobody sends before
}

func newPace(perSecond float64, slots int) *pace {
	most := perSecond * slack
	if perSecond <= 0 {
		most = math.Inf(1)
	}
	return &pace{
		slots:   make(chan struct{}, slots),
		first:   make(chan struct{}, 1),
		ticks:   rate.NewLimiter(limitOf(most), 1),
		signIns: rate.NewLimiter(rate.Every(signInEvery), signInBurst),
		most:    most, ceiling: most, now: most,
	}
}

func limitOf(perSecond float64) rate.Limit {
	if math.IsInf(perSecond, 1) {
		return rate.Inf
	}
	return rate.Limit(perSecond)
}

// enter takes a slot, then waits for the turn.
func (p *pace) enter(ctx context.Context, signIn bool) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case p.slots <- struct{}{}:
	}
	err := p.wait(ctx, signIn)
	if err != nil {
		p.leave()
	}
	return err
}

func (p *pace) leave() { <-p.slots }

func (p *pace) wait(ctx context.Context, signIn bool) error {
	if signIn {
		if err := turn(ctx, p.signIns); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case p.first <- struct{}{}:
	}
	defer func() { <-p.first }()
	for held := p.held(); held > 0; held = p.held() {
		if err := sleep(ctx, held); err != nil {
			return err
		}
	}
	return turn(ctx, p.ticks)
}

// held is how long nobody may send.
func (p *pace) held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// turn waits for the limiter. Its own Wait gives up early where the deadline is
// near, with an error that is not the context's.
func turn(ctx context.Context, l *rate.Limiter) error {
	r := l.Reserve()
	if err := sleep(ctx, r.Delay()); err != nil {
		r.Cancel()
		return err
	}
	return nil
}

// learn adapts the rate to the answer of a request that was sent at that time.
func (p *pace) learn(sent time.Time, answer *Answer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if extract.KindOf(err) == extract.Throttled {
		var no *AnswerError
		if errors.As(err, &no) && no.wait > 0 && no.wait <= patience {
			p.hold(no.wait)
		}
		p.refused(sent)
		return
	}
	if err != nil {
		return
	}
	if wait := exhausted(answer.Header, time.Now()); wait <= patience {
		p.hold(wait)
	}
	p.good()
}

func (p *pace) hold(d time.Duration) {
	if until := time.Now().Add(d); d > 0 && until.After(p.until) {
		p.until = until
	}
}

func (p *pace) refused(sent time.Time) {
	if math.IsInf(p.most, 1) || sent.Before(p.changed) {
		return
	}
	p.changed, p.row = time.Now(), 0
	if p.now < p.ceiling { // on the way back up: the ceiling is too high, by how much is not known
		p.ceiling = (p.now + p.ceiling) / 2
	} else {
		p.ceiling *= learned
	}
	p.ceiling = max(p.ceiling, p.most*lowest)
	p.set(min(p.now, p.ceiling) / 2)
}

func (p *pace) good() {
	switch {
	case p.now >= p.most:
	case p.now < p.ceiling:
		p.set(min(p.now+p.ceiling*backUp, p.ceiling))
	default:
		p.row++
		p.ceiling = min(p.ceiling*(1+probe*max(1, p.row/steadily)), p.most)
		p.set(p.ceiling)
	}
}

func (p *pace) set(perSecond float64) {
	p.now = perSecond
	p.ticks.SetLimit(limitOf(perSecond))
}

// asked is how long the headers of a refusal ask to wait; zero where they do not.
func asked(h http.Header, now time.Time) time.Duration {
	return max(retryAfter(h, now), reset(h, now))
}

// exhausted is how long to wait where the headers of a good answer say that the
// next request would be refused.
func exhausted(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"X-Rate-Limit-Remaining", "X-RateLimit-Remaining", "RateLimit-Remaining"} {
		if strings.TrimSpace(h.Get(name)) == "0" {
			return reset(h, now)
		}
	}
	return 0
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return duration(seconds)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(vendorNow(h, now)), 0)
	}
	return 0
}

// reset reads the rate headers: seconds left, or an epoch in seconds or
// milliseconds; no limit resets after three years.
func reset(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"X-Rate-Limit-Reset", "X-RateLimit-Reset", "RateLimit-Reset"} {
		n, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64)
		switch {
		case err != nil:
			continue
		case n > 1e11:
			return max(time.UnixMilli(int64(n)).Sub(vendorNow(h, now)), 0)
		case n > 1e8:
			return max(time.Unix(int64(n), 0).Sub(vendorNow(h, now)), 0)
		}
		return duration(n)
	}
	return 0
}

// vendorNow is the vendor's clock where it shows one, so that a clock that is
// off, theirs or ours, does not lengthen a wait.
func vendorNow(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return now
}

// duration is seconds that came from outside: none below zero, a year at most.
func duration(seconds float64) time.Duration {
	const year = 365 * 24 * 3600
	if !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, year) * float64(time.Second))
}
