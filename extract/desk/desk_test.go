package desk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
	"nightjar/extract/desk"
)

var _ extract.Stream = (*desk.Conversations)(nil)

func TestEveryFormOfPaging(t *testing.T) {
	for _, paging := range []string{"pagination", "meta", "none"} {
		s := &site{t: t, paging: paging}
		s.fill(1234)
		got := run(t, s.stream(), extract.Ask{Now: now})
		if got.err != nil || len(got.ids) != 1234 {
			t.Errorf("%s: %d conversations: %v", paging, len(got.ids), got.err)
		}
		if want := told("", "2026-11-20T02:00:00Z", "2026-11-20T03:00:00Z"); string(got.after) != string(want) {
			t.Errorf("bookmark %s", got.after)
		}
		if s.pages > 18 {
			t.Errorf("%s: %d requests", paging, s.pages)
		}
	}
}

// A night asks for what changed since the last one, and for deletions, which do
// not touch updatedAt.
func TestNight(t *testing.T) {
	s := &site{t: t}
	s.fill(5000)
	s.talks[41].deleted = now.Add(-30 * time.Minute) // an old one
	got := run(t, s.stream(), extract.Ask{Now: now, Bookmark: told("", "2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z")})
	if got.err != nil || got.ids[42] != 1 || got.ids[4999] != 1 || len(got.ids) > 130 || s.pages != 3 {
		t.Errorf("%d conversations in %d requests: %v", len(got.ids), s.pages, got.err)
	}
}

// Conversations that change while the list is walked move to its end; none slips
// through.
func TestRowsThatMove(t *testing.T) {
	s := &site{t: t}
	s.fill(1000)
	s.moves = func(s *site) {
		for i := range 5 {
			s.talks[(s.pages*7+i)%1000].updated = now.Add(time.Duration(s.pages) * time.Second)
		}
	}
	got := run(t, s.stream(), extract.Ask{Now: now})
	if got.err != nil || len(got.ids) != 1000 {
		t.Errorf("%d conversations: %v", len(got.ids), got.err)
	}
}

// More rows of one and the same time than a page holds are paged by number.
func TestTies(t *testing.T) {
	s := &site{t: t}
	s.fill(200)
	for i := range 450 {
		s.talks = append(s.talks, talk{id: 1000 + i, updated: now.Add(-time.Hour)})
	}
	got := run(t, s.stream(), extract.Ask{Now: now})
	if got.err != nil || len(got.ids) != 650 {
		t.Errorf("%d conversations: %v", len(got.ids), got.err)
	}
}

func TestCountThatIsNotReached(t *testing.T) {
	s := &site{t: t, lies: 3}
	s.fill(100)
	got := run(t, s.stream(), extract.Ask{Now: now})
	var incomplete *extract.IncompleteError
	if !errors.As(got.err, &incomplete) || got.after != nil || len(got.ids) != 100 {
		t.Errorf("bookmark %s: %v", got.after, got.err)
	}
}

func TestBackfill(t *testing.T) {
	s := &site{t: t}
	s.fill(5000)
	got := run(t, s.stream(), extract.Ask{Now: now, From: now.Add(-2000 * time.Minute), To: now.Add(-1000 * time.Minute)})
	if got.err != nil || len(got.ids) < 1000 || len(got.ids) > 1010 || got.after != nil {
		t.Errorf("%d conversations, bookmark %s: %v", len(got.ids), got.after, got.err)
	}
}

func TestHistories(t *testing.T) {
	tokens := func(c *desk.Config) { c.Tokens = true }
	s := &site{t: t}
	s.fill(15)
	got := run(t, s.stream(tokens), extract.Ask{Now: now})
	if got.err != nil || got.histories != 13 || s.posts != 13 { // two are deleted
		t.Errorf("%d histories, %d tokens: %v", got.histories, s.posts, got.err)
	}

	s = &site{t: t}
	s.fill(15)
	if run(t, s.stream(), extract.Ask{Now: now}); s.posts != 0 {
		t.Errorf("%d tokens generated where none are wanted", s.posts)
	}

	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		s := &site{t: t, bad: map[string]int{"/s3cret-3.json": 500}}
		s.fill(15)
		got := run(t, s.stream(tokens, func(c *desk.Config) { c.Transport.Log = slog.New(slog.NewTextHandler(&logs, nil)) }), extract.Ask{Now: now})
		var incomplete *extract.IncompleteError
		if !errors.As(got.err, &incomplete) || got.histories != 12 {
			t.Errorf("%d histories: %v", got.histories, got.err)
		}
		if logs.Len() == 0 || strings.Contains(logs.String()+fmt.Sprint(got.err), "s3cret") {
			t.Errorf("token shown, or nothing logged: %v\n%s", got.err, &logs)
		}
	})
}

func TestBookmarks(t *testing.T) {
	for text, says := range map[string]string{
		`{"covered":[{"of":["updated"],"before":"yesterday"}]}`:            "read bookmark",
		`{"covered":[{"of":["renamed"],"before":"2026-11-19T00:00:00Z"}]}`: "there is no renamed",
		`{"covered":[{"before":"2026-11-19T00:00:00Z"}]}`:                  "there is no",
		`{}`:           "covered is missing",
		`{"offset":1}`: "unknown field",
	} {
		_, err := (&site{t: t}).stream().Plan(t.Context(), extract.Ask{Now: now, Bookmark: extract.Bookmark(text)})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestEndsEarly(t *testing.T) {
	s := &site{t: t}
	s.fill(1000)
	stream := s.stream()
	windows, _ := stream.Plan(t.Context(), extract.Ask{Now: now})
	for range stream.Walk(t.Context(), windows[0]) {
		break
	}
	if s.pages != 1 {
		t.Errorf("%d requests for one page", s.pages)
	}
}

// listed is a page of the conversations with these ids, each a second later than the
// one before, that says that there is more.
func listed(at time.Time, ids ...int) string {
	rows := []any{}
	for i, id := range ids {
		rows = append(rows, map[string]any{"id": id, "updatedAt": at.Add(time.Duration(i) * time.Second).Format(time.RFC3339)})
	}
	body, _ := json.Marshal(map[string]any{"conversations": rows, "pagination": map[string]any{"records": 1 << 40, "hasMorePages": true}})
	return string(body)
}

// A vendor whose pages bring nothing new is left after a few of them, with the
// place where it went in circles.
func TestPagesThatRepeat(t *testing.T) {
	for _, c := range []struct {
		name string
		page func(n int) string
		most int
	}{
		{"one page for ever", func(int) string { return listed(now, 1, 2, 3, 4) }, 4},
		{"two pages in turn", func(n int) string { return listed(now.Add(time.Duration(n%2)*time.Hour), 4*(n%2), 4*(n%2)+1) }, 5},
		{"the same in another order", func(n int) string { return listed(now, 1+n%4, 1+(n+1)%4, 1+(n+2)%4) }, 7},
		{"the same, later and later", func(n int) string { return listed(now.Add(time.Duration(n)*time.Hour), 1, 2, 3) }, 15},
		{"without an id", func(int) string { return strings.ReplaceAll(listed(now, 1, 2), `"id"`, `"number"`) }, 4},
		{"without a row", func(int) string { return listed(now) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &site{t: t, fixed: func(n int) string {
				if n > 100 {
					t.Fatal("no end")
				}
				return c.page(n)
			}}
			stream := s.stream()
			windows, err := stream.Plan(t.Context(), extract.Ask{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			for _, err = range stream.Walk(t.Context(), windows[0]) {
			}
			var e *extract.Error
			if !errors.As(err, &e) || e.Kind != extract.Stuck || e.Stream != "conversations" || e.Window != "updated" || e.Page != s.pages+1 || s.pages > c.most {
				t.Errorf("after %d pages, want %d at most: %v", s.pages, c.most, err)
			}
		})
	}
}

// A quiet night comes as an empty list, as null, or with no list at all; where the
// page counts records, a list that is missing is an error.
func TestQuietNight(t *testing.T) {
	for body, good := range map[string]bool{
		`{"conversations":[],"pagination":{"records":0,"hasMorePages":false}}`:   true,
		`{"conversations":null,"pagination":{"records":0,"hasMorePages":false}}`: true,
		`{"conversations":null,"meta":{"page":{"count":0,"hasMore":false}}}`:     true,
		`{"pagination":{"records":0,"hasMorePages":false}}`:                      true,
		`{"conversations":null,"pagination":{"records":7,"hasMorePages":false}}`: false,
		`{"pagination":{"records":7,"hasMorePages":false}}`:                      false,
		`{"conversations":null,"pagination":{"hasMorePages":false}}`:             false,
		`{"conversations":null}`: false,
		`{"conversations":{"id":1},"pagination":{"records":0,"hasMorePages":false}}`: false,
	} {
		s := &site{t: t, fixed: func(int) string { return body }}
		got := run(t, s.stream(), extract.Ask{Now: now})
		if (got.err == nil) != good || !good && extract.KindOf(got.err) != extract.Garbled {
			t.Errorf("%s: %v", body, got.err)
		}
		if good && got.after == nil {
			t.Errorf("%s: the bookmark stays", body)
		}
		if findings, err := s.stream().Check(t.Context()); (err == nil) != good || len(findings) > 0 {
			t.Errorf("%s: checked: %v, %v", body, findings, err)
		}
	}
}
