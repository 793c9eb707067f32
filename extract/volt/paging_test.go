package volt_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/volt"
)

// byTime takes a time of the fake's own form as before, exclusive, or inclusive.
func byTime(f *fake, inclusive bool) func([]message, string) []message {
	return func(all []message, before string) []message {
		return slices.DeleteFunc(slices.Clone(all), func(m message) bool {
			at := f.stamp(m.at)
			return before != "" && (at > before || at == before && !inclusive)
		})
	}
}

// byCursor takes an opaque cursor; anything else is an empty page.
func byCursor(all []message, before string) []message {
	if before == "" {
		return all
	}
	id, ok := strings.CutPrefix(before, "opaque:")
	if !ok {
		return nil
	}
	return byID(all, id)
}

func opaque(name string, more bool) func(rows, left int, last message) string {
	return func(_, left int, last message) string {
		return fmt.Sprintf(`{%q:"opaque:%d","hasPreviousPage":%t}`, name, last.id, more || left > 0)
	}
}

// However the vendor pages, every message arrives.
func TestMessagesPaging(t *testing.T) {
	stamps := map[string]func(time.Time) string{
		"as documented":   func(t time.Time) string { return t.Format("2006-01-02 15:04:05") },
		"RFC 3339":        func(t time.Time) string { return t.Format(time.RFC3339) },
		"with a fraction": func(t time.Time) string { return t.Add(time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00") },
		"seconds":         func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
		"milliseconds":    func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
		"empty":           func(time.Time) string { return "" },
	}
	pagings := []struct {
		name    string
		timed   bool // needs times
		arrange func(*fake)
	}{
		{"ids, Relay's page info", false, func(*fake) {}},
		{"ids, no page info", false, func(f *fake) { f.pageInfo = nil }},
		{"cursor of another name", false, func(f *fake) { f.page, f.pageInfo = byCursor, opaque("startCursor", false) }},
		{"always says that there is more", false, func(f *fake) { f.page, f.pageInfo = byCursor, opaque("endCursor", true) }},
		{"always says that there is no more", false, func(f *fake) {
			f.pageInfo = func(int, int, message) string { return `{"hasNextPage":false}` }
		}},
		{"times, exclusive", true, func(f *fake) { f.page, f.pageInfo = byTime(f, false), nil }},
		{"times, inclusive", true, func(f *fake) { f.page, f.pageInfo = byTime(f, true), nil }},
	}
	for _, paging := range pagings {
		for name, stamp := range stamps {
			if paging.timed && name == "empty" {
				continue
			}
			t.Run(paging.name+"/"+name, func(t *testing.T) {
				f := newFake(t)
				f.stamp = stamp
				paging.arrange(f)
				f.converse()
				pages, err := collect(t, volt.NewMessages(f.config()), extract.Ask{})
				if err != nil {
					t.Fatal(err)
				}
				if got := texts(t, pages); !slices.Equal(got, sequence(1, 46)) {
					t.Errorf("%d messages, want 46: %v", len(got), got)
				}
				if got, want := string(pages[len(pages)-1].After), `{"walked_at":"2026-11-20T01:45:00Z","accounts":["+10003334444"]}`; got != want {
					t.Errorf("bookmark = %s, want %s", got, want)
				}
			})
		}
	}
}

func TestMessagesSides(t *testing.T) {
	tests := []struct {
		name     string
		arrange  func(*fake)
		requests int // for conversations, at most
	}{
		{"the account is from", func(*fake) {}, 7},
		{"the account is to", func(f *fake) { f.swapped = true }, 12},
		{"each way round shows its own direction", func(f *fake) { f.oneWay = true }, 14},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			test.arrange(f)
			f.converse()
			cfg := f.config()
			cfg.Transport.Concurrency = 1
			pages, err := collect(t, volt.NewMessages(cfg), extract.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(t, pages); !slices.Equal(got, sequence(1, 46)) {
				t.Errorf("%d messages, want 46: %v", len(got), got)
			}
			if n := f.count("Conversation"); n > test.requests {
				t.Errorf("%d requests, want at most %d", n, test.requests)
			}
		})
	}
}

// A message arrives between two pages; the inbox and the conversation shift.
func TestMessagesInsertedBetweenPages(t *testing.T) {
	f := newFake(t)
	f.size = 3
	for n := range 8 {
		f.exchange(fmt.Sprintf("+1555%04d", n), 7, now.Add(-time.Duration(9-n)*time.Hour), true)
	}
	held := int64(len(f.messages))
	inserted := 0
	f.after = func(f *fake, operation string) {
		if inserted++; inserted%4 == 0 && inserted < 40 {
			f.exchange("+15550000", 1, now.Add(time.Duration(inserted)*time.Minute), true)
		}
	}
	pages, err := collect(t, volt.NewMessages(f.config()), extract.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	got := texts(t, pages)
	for id := int64(1); id <= held; id++ {
		if _, ok := slices.BinarySearch(got, id); !ok {
			t.Errorf("message %d is missing", id)
		}
	}
}

func TestMessagesWithoutIntrospection(t *testing.T) {
	f := newFake(t)
	f.pageInfo = nil
	f.converse()
	f.noIntrospection = true
	pages, err := collect(t, volt.NewMessages(f.config()), extract.Ask{})
	if err != nil || len(texts(t, pages)) != 46 {
		t.Errorf("%d messages, %v; want 46", len(texts(t, pages)), err)
	}
}

// Lists that say for ever that there is more end where nothing older comes.
func TestListsThatComeAgain(t *testing.T) {
	for name, page := range map[string]func(all []message, n int) []message{
		"one page for ever": func(all []message, _ int) []message { return all[:min(10, len(all))] },
		"two pages in turn": func(all []message, n int) []message { return all[n%2*min(10, len(all)/2):] },
		"in another order": func(all []message, n int) []message {
			shuffled := slices.Clone(all)
			rand.New(rand.NewPCG(1, uint64(n))).Shuffle(len(all), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			return shuffled
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			for i := range 15 {
				f.exchange(fmt.Sprintf("+1555000%04d", i), 30, now.Add(-time.Duration(i)*time.Hour), true)
			}
			n := 0
			f.page = func(all []message, _ string) []message { n++; return page(all, n) }
			f.pageInfo = func(int, int, message) string { return fmt.Sprintf(`{"hasNextPage":true,"endCursor":"cursor-%d"}`, n) }
			f.after = func(f *fake, _ string) {
				if n > 3000 {
					t.Error("no end")
					f.page = func([]message, string) []message { return nil }
				}
			}
			_, err := collect(t, volt.NewMessages(f.config()), extract.Ask{})
			var incomplete *extract.IncompleteError
			if err != nil && !errors.As(err, &incomplete) {
				t.Error(err)
			}
		})
	}
}
