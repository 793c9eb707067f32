package iadvize_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
	"nightjar/extract/coverage"
	"nightjar/extract/iadvize"
)

// wholly checks what pages promise to show whole: every transaction, up to now, of
// the conversations that closed in that time. It returns how many those are.
func wholly(t *testing.T, v *vendor, s *iadvize.ClosedConversations, ask extract.Ask) int {
	t.Helper()
	windows, err := s.Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	looked := map[string]bool{}
	for _, w := range windows {
		for page, err := range s.Walk(t.Context(), w) {
			if err != nil {
				break // what came before it counts
			}
			shown := landed{ids: map[string]int{}, transactions: map[string]int{}}
			shown.take(t, page)
			for _, c := range v.chats {
				if span := page.Request.Whole; span == nil || shown.ids[c.id] == 0 || c.closed.Before(span.From) || !c.closed.Before(span.To) {
					continue
				}
				looked[c.id] = true
				if !c.bought.After(ask.Now) && shown.transactions["t-"+c.id] == 0 {
					t.Errorf("%s closed %s, in [%s, %s), and its transaction of %s is not shown", c.id, c.closed, page.Request.Whole.From, page.Request.Whole.To, c.bought)
				}
			}
		}
	}
	return len(looked)
}

// askedUntil is a bookmark of which everything was asked for up to an instant, then.
func askedUntil(at time.Time) extract.Bookmark {
	return coverage.Of(coverage.Interval{From: day("2026-10-01"), To: at}, at, 72*time.Hour, int64(9999)).Bookmark()
}

// A page says of which conversations it shows every transaction: of all that a
// window is for, however the window is divided, and of none that lie in a tail or
// were asked for without one.
func TestPagesSayWhatTheyShowWhole(t *testing.T) {
	longer := func(d time.Duration, kinds bool) func(http.ResponseWriter, asked) bool {
		return func(w http.ResponseWriter, a asked) bool {
			if a.to.Sub(a.from) <= d || kinds && len(a.channels) > 0 {
				return false
			}
			w.WriteHeader(http.StatusGatewayTimeout)
			return true
		}
	}
	for name, c := range map[string]struct {
		fault func(http.ResponseWriter, asked) bool
		ask   extract.Ask
		all   bool
	}{
		"a night":            {nil, extract.Ask{Now: now, Bookmark: askedUntil(time.Date(2026, 11, 19, 1, 15, 0, 0, time.UTC))}, false},
		"everything":         {nil, extract.Ask{Now: now}, true},
		"a backfill":         {nil, extract.Ask{Now: now, From: day("2026-11-03"), To: day("2026-11-08")}, false},
		"in halves":          {longer(5*24*time.Hour, false), extract.Ask{Now: now}, true},
		"kind by kind":       {longer(36*time.Hour, true), extract.Ask{Now: now}, true},
		"with half the tail": {longer(24*time.Hour, false), extract.Ask{Now: now}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				v.fill(day("2026-11-01"), now.Add(-time.Second), 37*time.Minute)
				v.fault = c.fault
				s := v.stream(func(c *iadvize.Config) { c.Transport.Budget = 1000 })
				if n := wholly(t, v, s, c.ask); n == 0 && name != "with half the tail" || c.all && n < len(v.chats) {
					t.Errorf("%d conversations of %d are shown whole", n, len(v.chats))
				}
			})
		})
	}
}

// A run by a clock that is behind that of an earlier one does not see all that the
// earlier one has seen.
func TestAClockThatIsBehindShowsNothingWhole(t *testing.T) {
	v := newVendor(t)
	v.fill(day("2026-11-10"), now.Add(-time.Second), 37*time.Minute)
	if n := wholly(t, v, v.stream(), extract.Ask{Now: now, Bookmark: askedUntil(now.Add(time.Hour))}); n > 0 {
		t.Errorf("%d conversations are shown whole", n)
	}
}
