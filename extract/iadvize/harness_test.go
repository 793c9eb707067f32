package iadvize_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/iadvize"
)

var paris = location("Europe/Paris")

func location(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

func day(date string) time.Time {
	t, err := time.ParseInLocation("2006-01-02", date, paris)
	if err != nil {
		panic(err)
	}
	return t
}

// landed is what pages tell, as a warehouse would gather it.
type landed struct {
	ids, transactions map[string]int // times seen
	pages             int
	rows              int64
	after             extract.Bookmark
	windows           []extract.Window
	err               error
}

// run plans and walks as a pipeline does.
func run(t *testing.T, s *iadvize.ClosedConversations, ask extract.Ask) landed {
	t.Helper()
	got := landed{ids: map[string]int{}, transactions: map[string]int{}, after: ask.Bookmark}
	got.windows, got.err = s.Plan(t.Context(), ask)
	for _, w := range got.windows {
		whole := true
		for page, err := range s.Walk(t.Context(), w) {
			if err != nil {
				got.err, whole = err, false
				break
			}
			got.take(t, page)
		}
		if whole && w.Covers != nil {
			got.after = iadvize.Extend(got.after, w.Covers)
		}
	}
	return got
}

func (l *landed) take(t *testing.T, page extract.Page) {
	t.Helper()
	l.pages++
	l.rows += page.Rows
	var body struct {
		Data map[string]struct {
			Edges []*struct {
				Node struct {
					ID           string
					Conversation struct{ ID string }
					Conversions  struct{ Transactions []struct{ ID string } }
				}
			}
		}
	}
	if err := json.Unmarshal(page.Body, &body); err != nil {
		t.Fatal(err)
	}
	for _, connection := range body.Data {
		for _, e := range connection.Edges {
			if e == nil {
				continue
			}
			l.ids[e.Node.ID+e.Node.Conversation.ID]++
			for _, tr := range e.Node.Conversions.Transactions {
				l.transactions[tr.ID]++
			}
		}
	}
	request, _ := json.Marshal(page.Request)
	for _, secret := range []string{"c0rrect", "robin", "good"} {
		if strings.Contains(string(request), secret) {
			t.Errorf("request record shows %q: %s", secret, request)
		}
	}
}

// whole fails the test unless every conversation and every transaction up to
// now was seen.
func (l landed) whole(t *testing.T, v *vendor, now time.Time) {
	t.Helper()
	if l.err != nil {
		t.Fatal(l.err)
	}
	for _, c := range v.chats {
		if l.ids[c.id] == 0 {
			t.Fatalf("%s, closed %s, is lost", c.id, c.closed)
		}
		if !c.bought.IsZero() && !c.bought.After(now) && l.transactions["t-"+c.id] == 0 {
			t.Fatalf("the transaction of %s, %s, is lost", c.id, c.bought)
		}
	}
	if n := len(slices.Collect(maps.Keys(l.ids))); n != len(v.chats) {
		t.Fatalf("%d conversations of %d", n, len(v.chats))
	}
}

var now = time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)

// mark is the bookmark of a night at the given instant, with a lookback of three
// days, of project 9999 and others.
func mark(at string, others ...int64) extract.Bookmark {
	return since("2025-01-01T00:00:00Z", at, append([]int64{9999}, others...)...)
}

// since is the bookmark of a night at the instant before, of all since from, with the
// same lookback.
func since(from, before string, projects ...int64) extract.Bookmark {
	at, err := time.Parse(time.RFC3339, before)
	if err != nil {
		panic(err)
	}
	return told(from, at.Add(-72*time.Hour).Format(time.RFC3339), before, projects...)
}

// told is the bookmark that says this of the projects, or of all where none are named.
func told(from, settled, before string, projects ...int64) extract.Bookmark {
	of := ""
	if len(projects) > 0 {
		ids, _ := json.Marshal(slices.Sorted(slices.Values(projects)))
		of = fmt.Sprintf(`"of":%s,`, ids)
	}
	return extract.Bookmark(fmt.Sprintf(`{"as_of":%q,"covered":[{%s"from":%q,"settled_before":%q,"before":%q}]}`, before, of, from, settled, before))
}

func start(date string) func(*iadvize.Config) { return func(c *iadvize.Config) { c.Start = day(date) } }
func width(d time.Duration) func(*iadvize.Config) {
	return func(c *iadvize.Config) { c.Window = d }
}
