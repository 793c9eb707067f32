package volt_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/volt"
)

// texts returns the distinct message ids of the pages, ascending.
func texts(t *testing.T, pages []extract.Page) []int64 {
	t.Helper()
	var ids []int64
	for _, page := range pages {
		var body struct {
			Data struct {
				Conversation struct{ Messages []struct{ ID string } }
			}
		}
		if err := json.Unmarshal(page.Body, &body); err != nil {
			t.Fatal(err)
		}
		if page.Rows != int64(len(body.Data.Conversation.Messages)) {
			t.Errorf("%s page has %d rows, want %d", page.Request.Operation, page.Rows, len(body.Data.Conversation.Messages))
		}
		for _, m := range body.Data.Conversation.Messages {
			id, err := strconv.ParseInt(m.ID, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// three conversations: 3 pages and a bit with replies, one exact page, one message.
func (f *fake) converse() {
	f.exchange("+15550001", 35, now.Add(-time.Hour), true)
	f.exchange("+15550002", 10, now.Add(-2*time.Hour), false)
	f.exchange("+15550003", 1, now.Add(-30*24*time.Hour), false)
}

// A night asks the inbox, and a page of each contact that moved.
func TestMessagesNight(t *testing.T) {
	const bookmark = `{"walked_at":"2026-11-19T01:45:00Z","accounts":["+10003334444"]}`
	arrange := func(f *fake) {
		f.exchange("+15550001", 35, now.Add(-time.Hour), true)        // one of today
		f.exchange("+15550002", 35, now.Add(-100*24*time.Hour), true) // old
		f.exchange("+15550003", 35, now.Add(-3*24*time.Hour), true)   // not settled
	}
	tests := []struct {
		name          string
		bookmark      string
		full          bool
		arrange       func(*fake)
		conversations int // requests, at most
		want          int // messages, at least
	}{
		{"as usual", bookmark, false, nil, 8, 70},
		{"lastMessageTime that tells too little", bookmark, false, func(f *fake) {
			f.lastTime = func(string, time.Time) string { return "2026-01-01 00:00:00" }
		}, 10, 0},
		{"lastMessageTime that is none", bookmark, false, func(f *fake) { f.lastTime = func(string, time.Time) string { return "yesterday" } }, 12, 80},
		{"an account that was not walked", `{"walked_at":"2026-11-19T01:45:00Z","accounts":["+1999"]}`, false, nil, 14, 105},
		{"full", bookmark, true, nil, 14, 105},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			arrange(f)
			if test.arrange != nil {
				test.arrange(f)
			}
			cfg := f.config()
			cfg.Warehouse = warehouse{settled: func(id int64, before time.Time) bool { return f.messages[id-1].at.Before(before) }}
			pages, err := collect(t, volt.NewMessages(cfg), extract.Ask{Bookmark: extract.Bookmark(test.bookmark), Full: test.full})
			if err != nil {
				t.Fatal(err)
			}
			if n := f.count("Conversation"); n > test.conversations {
				t.Errorf("%d requests, want at most %d", n, test.conversations)
			}
			if got := texts(t, pages); len(got) < test.want {
				t.Errorf("%d messages, want at least %d", len(got), test.want)
			}
		})
	}
}

// A lastMessageTime that is found wrong sends the walk to the contacts it had
// left out.
func TestMessagesMisleadingInbox(t *testing.T) {
	f := newFake(t)
	f.exchange("+15550002", 5, now.Add(-2*time.Hour), true)
	f.exchange("+15550001", 5, now.Add(-time.Hour), true)
	f.lastTime = func(contact string, _ time.Time) string {
		if contact == "+15550001" {
			return "2026-11-19 12:00:00" // visited, and an hour ago is later
		}
		return "2026-01-01 00:00:00" // left out
	}
	cfg := f.config()
	cfg.Warehouse = warehouse{settled: func(int64, time.Time) bool { return false }}
	pages, err := collect(t, volt.NewMessages(cfg), extract.Ask{Bookmark: extract.Bookmark(`{"walked_at":"2026-11-19T01:45:00Z","accounts":["+10003334444"]}`)})
	if err != nil || len(texts(t, pages)) != 10 {
		t.Errorf("%d messages, %v; want 10", len(texts(t, pages)), err)
	}
}

func TestMessagesIncomplete(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(*fake)
		want    string
	}{
		{"the same page again, though there is more", func(f *fake) { f.page = func(all []message, _ string) []message { return all } }, "no value of before"},
		{"the same page again, without a word", func(f *fake) {
			f.page, f.pageInfo = func(all []message, _ string) []message { return all }, nil
		}, "no value of before"},
		{"no such account", func(f *fake) { f.t.Helper() }, "volt has no inbox for +1777"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			test.arrange(f)
			f.converse()
			cfg := f.config()
			if test.name == "no such account" {
				cfg.Accounts = []string{"+1777"}
			}
			pages, err := collect(t, volt.NewMessages(cfg), extract.Ask{})
			var incomplete *extract.IncompleteError
			if !errors.As(err, &incomplete) || !strings.Contains(incomplete.Reason, test.want) {
				t.Errorf("err = %v, want incomplete with %q", err, test.want)
			}
			for _, page := range pages {
				if page.After != nil {
					t.Errorf("bookmark %s", page.After)
				}
			}
		})
	}
}

// The last page of the last account has the bookmark; a break ends the walk.
func TestMessagesAccounts(t *testing.T) {
	f := newFake(t)
	f.converse()
	cfg := f.config()
	cfg.Accounts = []string{account, account + "0"}
	s := volt.NewMessages(cfg)
	windows, err := s.Plan(t.Context(), extract.Ask{Now: now})
	if err != nil || len(windows) != 2 || windows[0].ID != account {
		t.Fatalf("windows = %+v, %v", windows, err)
	}
	for page, err := range s.Walk(t.Context(), windows[0]) {
		if err != nil || page.After != nil {
			t.Errorf("page with %s, %v; want no bookmark before the last window", page.After, err)
		}
	}
	for page, err := range s.Walk(t.Context(), windows[0]) {
		if err != nil || page.Request.Operation != "Inbox" || page.Request.Variables["from"] != account {
			t.Errorf("first page = %+v, %v; want the inbox", page.Request, err)
		}
		break
	}
	for _, bad := range []string{`{`, `{"walked_at":1}`} {
		if _, err := s.Plan(t.Context(), extract.Ask{Now: now, Bookmark: extract.Bookmark(bad)}); err == nil {
			t.Errorf("bookmark %s is taken", bad)
		}
	}
}
