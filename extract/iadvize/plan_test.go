package iadvize_test

import (
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/iadvize"
)

var plans = []struct {
	name   string
	ask    extract.Ask
	change func(*iadvize.Config)
	want   string // IDs, a settled one with a star
	from   string // of the first window, UTC
	err    string
}{
	// The days of a night are one window, from the midnight before the lookback.
	{"a night", extract.Ask{Bookmark: mark("2026-11-19T01:15:00Z")}, nil, "2026-11-16..2026-11-20", "2026-11-15T23:00:00Z", ""},
	{"an hour later", extract.Ask{Bookmark: mark("2026-11-20T00:15:00Z")}, nil, "2026-11-17..2026-11-20", "2026-11-16T23:00:00Z", ""},
	{"not before the start", extract.Ask{Bookmark: mark("2026-11-02T00:00:00Z")}, nil, "2026-11-01..2026-11-20", "2026-10-31T23:00:00Z", ""},

	// A longer stretch is cut at months; a short last month joins the one before.
	{"first run", extract.Ask{}, start("2026-08-15"), "2026-08-15..2026-08-31* 2026-09-01..2026-09-30* 2026-10-01..2026-10-31* 2026-11-01..2026-11-20", "2026-08-14T22:00:00Z", ""},
	{"full", extract.Ask{Full: true, Bookmark: mark("2026-11-19T01:15:00Z")}, start("2026-10-20"), "2026-10-20..2026-10-31* 2026-11-01..2026-11-20", "2026-10-19T22:00:00Z", ""},
	{"backfill", extract.Ask{From: day("2026-09-28"), To: day("2026-11-02")}, nil, "2026-09-28..2026-09-30* 2026-10-01..2026-11-01*", "2026-09-27T22:00:00Z", ""},
	{"backfill of a day", extract.Ask{From: day("2026-11-10"), To: day("2026-11-11")}, nil, "2026-11-10*", "2026-11-09T23:00:00Z", ""},
	{"backfill beyond now", extract.Ask{From: day("2026-11-19"), To: day("2027-01-01")}, nil, "2026-11-19..2026-11-20", "2026-11-18T23:00:00Z", ""},

	// Widths that are asked for.
	{"weeks", extract.Ask{From: day("2026-10-20"), To: day("2026-10-31")}, width(7 * 24 * time.Hour), "2026-10-20..2026-10-26* 2026-10-27..2026-10-30*", "2026-10-19T22:00:00Z", ""},
	{"hours, the night that is an hour longer", extract.Ask{From: day("2026-10-25"), To: day("2026-10-26")}, width(6 * time.Hour),
		"2026-10-25T00:00:00+02:00* 2026-10-25T05:00:00+01:00* 2026-10-25T11:00:00+01:00* 2026-10-25T17:00:00+01:00* 2026-10-25T23:00:00+01:00*", "2026-10-24T22:00:00Z", ""},

	// More windows than anyone can have meant.
	{"hours since 1970", extract.Ask{}, func(c *iadvize.Config) { start("1970-01-01")(c); width(time.Hour)(c) },
		"", "", "plan closed_conversations: 1970-01-01 to 2026-11-20 takes more than 10000 windows of 1h0m0s; want a wider window, or a later first day"},
	{"months since the year 1", extract.Ask{Full: true}, start("0001-01-02"), "", "", "more than 10000 windows of a month"},

	// Bookmarks that cannot be.
	{"malformed", extract.Ask{Bookmark: extract.Bookmark(`{"covered":12}`)}, nil, "", "", "read bookmark"},
	{"malformed, and full", extract.Ask{Full: true, Bookmark: extract.Bookmark(`{"covered":12}`)}, nil, "2026-11-01..2026-11-20", "2026-10-31T23:00:00Z", ""},
	{"backwards", extract.Ask{Bookmark: told("2026-11-03T00:00:00Z", "2026-11-03T00:00:00Z", "2026-11-02T00:00:00Z", 9999)}, nil, "", "", "do not follow one another"},
	{"no project", extract.Ask{Bookmark: told("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z", 0)}, nil, "", "", "there is no 0 to be asked"},
	{"another's", extract.Ask{Bookmark: extract.Bookmark(`{"offset":12}`)}, nil, "", "", "read bookmark"},
	{"empty", extract.Ask{Bookmark: extract.Bookmark(`{}`)}, nil, "", "", "covered is missing"},
	{"no start", extract.Ask{}, func(c *iadvize.Config) { c.Start = time.Time{} }, "", "", "neither a bookmark nor a start"},
}

func TestPlan(t *testing.T) {
	for _, c := range plans {
		t.Run(c.name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*iadvize.Config) {}
			}
			c.ask.Now = now
			windows, err := newVendor(t).stream(c.change).Plan(t.Context(), c.ask)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v", err)
				}
				return
			}
			var ids []string
			for i, w := range windows {
				if i > 0 && !w.From.Equal(windows[i-1].To) {
					t.Errorf("gap before %s", w.ID)
				}
				id := w.ID
				if w.Settled {
					id += "*"
				}
				ids = append(ids, id)
			}
			if got := strings.Join(ids, " "); got != c.want || windows[0].From.Format(time.RFC3339) != c.from {
				t.Errorf("got %s from %s: %v", got, windows[0].From, err)
			}
		})
	}
}

// Where the clock skips midnight, the business day begins an hour later and no
// second is in two days or in none.
func TestMidnightThatIsSkipped(t *testing.T) {
	beirut := location("Asia/Beirut")
	s := newVendor(t).stream(func(c *iadvize.Config) { c.Location, c.Start = beirut, time.Time{} })
	windows, err := s.Plan(t.Context(), extract.Ask{
		Now: time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC), Bookmark: mark("2026-04-01T01:00:00Z"), // 29 March has no 00:00
	})
	if err != nil || windows[0].From.Format(time.RFC3339) != "2026-03-28T22:00:00Z" {
		t.Errorf("%v %v", windows, err)
	}
}
