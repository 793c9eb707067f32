package desk_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightjar/extract"
	"nightjar/extract/desk"
)

// from has the history begin on a day; empty: everything.
func from(t *testing.T, date string) func(*desk.Config) {
	t.Helper()
	return func(c *desk.Config) {
		if date == "" {
			return
		}
		start, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		c.Start = start
	}
}

// sum is several bookmarks in one.
func sum(all ...extract.Bookmark) (b extract.Bookmark) {
	for _, covers := range all {
		b = desk.Extend(b, covers)
	}
	return b
}

// What the windows of a night are once the start has changed, or a window failed.
func TestPlanOfWhatIsNotCovered(t *testing.T) {
	const settled, last = "2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z"
	const night = "updated 2026-11-20T01 deleted 2026-11-20T01"
	one := func(list string) extract.Bookmark {
		return extract.Bookmark(strings.Replace(string(told("2026-03-01T00:00:00Z", settled, last)), `"deleted","updated"`, `"`+list+`"`, 1))
	}
	for _, c := range []struct {
		name  string
		have  extract.Bookmark
		start string
		full  bool
		want  string // id and beginning of each window
	}{
		{"as it was", told("2026-03-01T00:00:00Z", settled, last), "2026-03-01", false, night},
		{"from the beginning, as it was", told("", settled, last), "", false, night},
		{"earlier", told("2026-03-01T00:00:00Z", settled, last), "2026-01-01", false,
			"updated 2026-01-01..2026-02-28 2026-01-01T00 updated 2026-11-20T01 deleted 2026-01-01..2026-02-28 2026-01-01T00 deleted 2026-11-20T01"},
		{"everything", told("2026-03-01T00:00:00Z", settled, last), "", false,
			"updated ..2026-02-28 0001-01-01T00 updated 2026-11-20T01 deleted ..2026-02-28 0001-01-01T00 deleted 2026-11-20T01"},
		{"later", told("2026-01-01T00:00:00Z", settled, last), "2026-03-01", false, night},
		{"later, after everything", told("", settled, last), "2026-03-01", false, night},
		{"full", told("2026-03-01T00:00:00Z", settled, last), "2026-01-01", true, "updated 2026-01-01T00 deleted 2026-01-01T00"},
		{"the deletions failed", one("updated"), "2026-03-01", false, "updated 2026-11-20T01 deleted 2026-03-01T00"},
		{"the changes failed", one("deleted"), "2026-03-01", false, "updated 2026-03-01T00 deleted 2026-11-20T01"},
		{"a hole within a day", sum(told("", "2026-11-10T01:00:00Z", "2026-11-10T01:00:00Z"), told("2026-11-10T05:00:00Z", settled, last)), "", false,
			"updated 2026-11-10T01:00:00Z..2026-11-10T05:00:00Z 2026-11-10T01 updated 2026-11-20T01 deleted 2026-11-10T01:00:00Z..2026-11-10T05:00:00Z 2026-11-10T01 deleted 2026-11-20T01"},
	} {
		windows, err := (&site{t: t}).stream(from(t, c.start)).Plan(t.Context(), extract.Ask{Now: now, Full: c.full, Bookmark: c.have})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range windows {
			got = append(got, w.ID+" "+w.From.Format("2006-01-02T15"))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A start that lies behind what is covered, by 39 hours, leaves a gap, which an
// earlier one fills: that and nothing else again.
func TestStartBeyondTheBookmark(t *testing.T) {
	s := &site{t: t}
	s.fill(3000)
	since := func(minutes int) func(*desk.Config) {
		return func(c *desk.Config) { c.Start = now.Add(-time.Duration(minutes) * time.Minute) }
	}
	old := told("2026-11-01T00:00:00Z", "2026-11-18T11:00:00Z", "2026-11-18T12:00:00Z")
	got := run(t, s.stream(since(600)), extract.Ask{Now: now, Bookmark: old})
	if got.err != nil || len(got.ids) < 600 || len(got.ids) > 602 {
		t.Fatalf("%d conversations: %v", len(got.ids), got.err)
	}
	seen := got.ids
	got = run(t, s.stream(since(2900)), extract.Ask{Now: now, Bookmark: got.after})
	for id := range got.ids {
		seen[id]++
	}
	if got.err != nil || len(seen) < 39*60 || len(got.ids) > 39*60-600+2*60+2 {
		t.Errorf("%d conversations, %d of them now: %v", len(seen), len(got.ids), got.err)
	}
}

func TestAsOf(t *testing.T) {
	const settled, last = "2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z"
	for _, c := range []struct {
		name  string
		have  extract.Bookmark
		start string
		want  string // empty: zero
	}{
		{"nothing", nil, "2026-03-01", ""},
		{"unreadable", extract.Bookmark(`{}`), "2026-03-01", ""},
		{"a night", told("2026-03-01T00:00:00Z", settled, last), "2026-03-01", last},
		{"everything", told("", settled, last), "", last},
		{"an earlier start", told("2026-03-01T00:00:00Z", settled, last), "2026-01-01", ""},
		{"the deletions failed", sum(told("", "2026-11-18T01:00:00Z", "2026-11-18T02:00:00Z"),
			extract.Bookmark(strings.Replace(string(told("", settled, last)), `"deleted",`, "", 1))), "", "2026-11-18T02:00:00Z"},
	} {
		var cfg desk.Config
		from(t, c.start)(&cfg)
		got := desk.AsOf(c.have, cfg.Start)
		if text := got.Format(time.RFC3339); text != c.want && (c.want != "" || !got.IsZero()) {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// The order in which windows end decides nothing, and neither does which of them fail:
// what did not end is asked for again, until all is covered.
func TestExtendKnowsNoOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var all []extract.Bookmark
		var have extract.Bookmark
		for at := now.AddDate(0, 0, -10); at.Before(now); at = at.Add(time.Duration(rapid.IntRange(1, 40).Draw(r, "hours")) * time.Hour) {
			start := rapid.SampledFrom([]string{"2026-03-01", "2026-01-01", "2026-11-15"}).Draw(r, "start")
			windows, err := (&site{t: t}).stream(from(t, start)).Plan(t.Context(), extract.Ask{Now: at, Bookmark: have})
			if err != nil {
				r.Fatal(err)
			}
			for _, w := range windows {
				if rapid.Bool().Draw(r, "ends") {
					all = append(all, w.Covers)
				}
			}
			have = sum(all...)
			if got := sum(append(rapid.Permutation(all).Draw(r, "order"), all...)...); string(got) != string(have) {
				r.Fatalf("in another order\n%s\nis not\n%s", got, have)
			}
		}
		windows, err := (&site{t: t}).stream(from(t, "2026-01-01")).Plan(t.Context(), extract.Ask{Now: now, Bookmark: have})
		if err != nil {
			r.Fatal(err)
		}
		for _, w := range windows {
			have = desk.Extend(have, w.Covers)
		}
		var cfg desk.Config
		from(t, "2026-01-01")(&cfg)
		if got := desk.AsOf(have, cfg.Start); !got.Equal(now) {
			r.Fatalf("after a night without a failure all is known as of %s: %s", got, have)
		}
	})
}
