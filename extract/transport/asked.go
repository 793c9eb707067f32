package transport

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

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
