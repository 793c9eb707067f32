package transport

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"nightjar/extract"
)

// The rate follows CUBIC, as TCP's window does (Ha, Rhee and Xu, 2008; RFC 9438),
// in good answers instead of seconds: a rate that was refused is come back to
// quickly, stayed at, and passed ever faster. TestRateIsUsed shows what comes of it.
const (
	decrease = 0.8  // of the rate that was refused is left, as in CUBIC's paper
	regain   = 250  // good answers until it is reached again: one request in some 220 is refused
	lowest   = 0.02 // of the configured rate: it sinks no lower, so that it can rise again within minutes
)

// At most ten sign-ins in any minute.
const (
	signInBurst = 4
	signInEvery = 10 * time.Second
)

// limit gives each attempt one of Concurrency slots and its turn at the rate.
func (c *Client) limit(next asker) asker {
	return func(x *exchange, req *http.Request) (*Answer, error) {
		if err := c.pace.slots.Acquire(req.Context(), 1); err != nil {
			return nil, err
		}
		defer c.pace.slots.Release(1)
		if err := c.pace.wait(req.Context(), x.signIn); err != nil {
			return nil, err
		}
		sent := time.Now()
		answer, err := next(x, req)
		c.pace.learn(sent, answer, err)
		return answer, err
	}
}

// pace is the rate of one vendor, shared by all requests.
type pace struct {
	slots   *semaphore.Weighted
	first   *semaphore.Weighted // held by the one who waits for a tick: nobody reserves ticks at a rate that may change
	ticks   *rate.Limiter
	signIns *rate.Limiter

	mu      sync.Mutex
	most    float64   // requests a second, as configured; zero is no limit
	now     float64   // what is used
	peak    float64   // what the vendor refused last, and is believed to bear
	plateau float64   // good answers after the last refusal that bring the rate back to the peak
	good    float64   // good answers since the last refusal
	changed time.Time // of the last refusal: those of older requests are the same news
	until   time.Time // nobody sends before
}

func newPace(perSecond float64, slots int) *pace {
	return &pace{
		slots:   semaphore.NewWeighted(int64(slots)),
		first:   semaphore.NewWeighted(1),
		ticks:   rate.NewLimiter(cmp.Or(rate.Limit(perSecond), rate.Inf), 1),
		signIns: rate.NewLimiter(rate.Every(signInEvery), signInBurst),
		most:    perSecond, peak: perSecond, now: perSecond,
	}
}

// wait waits for the turn at the rate.
func (p *pace) wait(ctx context.Context, signIn bool) error {
	if signIn {
		if err := turn(ctx, p.signIns); err != nil {
			return err
		}
	}
	if err := p.first.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.first.Release(1)
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
	switch {
	case err == nil:
		if wait := exhausted(answer.Header, time.Now()); wait <= patience {
			p.hold(wait)
		}
		p.answered()
	case extract.KindOf(err) == extract.Throttled:
		if no, ok := errors.AsType[*AnswerError](err); ok && no.wait <= patience {
			p.hold(no.wait)
		}
		p.refused(sent)
	}
}

func (p *pace) hold(d time.Duration) {
	if until := time.Now().Add(d); d > 0 && until.After(p.until) {
		p.until = until
	}
}

func (p *pace) refused(sent time.Time) {
	if p.most == 0 || sent.Before(p.changed) {
		return
	}
	if p.good > 0 { // otherwise the vendor is still in trouble, and bears what it bore before
		p.peak = p.now
	}
	p.changed, p.good = time.Now(), 0
	p.set(max(p.now*decrease, p.most*lowest))
	p.plateau = regain * math.Cbrt((1-p.now/p.peak)/(1-decrease))
}

func (p *pace) answered() {
	p.good++
	if p.now < p.most {
		x := (p.good - p.plateau) / regain
		p.set(min(p.peak*(1+(1-decrease)*x*x*x), p.most))
	}
}

func (p *pace) set(perSecond float64) {
	p.now = perSecond
	p.ticks.SetLimit(rate.Limit(perSecond))
}
