package aircall_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/aircall"
)

var sweeps = []struct {
	name     string
	calls    int
	arrange  func(*fake)
	requests int // at most
}{
	{"no calls", 0, nil, 1},
	{"one page", 7, nil, 1},
	{"full pages", 40, nil, 4},
	{"a last page that is not full", 95, nil, 10},

	// The vendor gives less than it was asked for.
	{"four rows a page", 50, func(f *fake) { f.most = 4 }, 16},
	{"null nodes once", 50, func(f *fake) {
		f.answer = func(n int, body string) string {
			if n == 3 {
				return `{"data":{"paginatedCalls":{"totalCount":50,"hasNextPage":true,"nodes":null}}}`
			}
			return body
		}
	}, 10},
	{"a null node once", 50, func(f *fake) {
		f.answer = func(n int, body string) string {
			if n == 2 {
				return strings.Replace(body, `[{`, `[null,{`, 1)
			}
			return body
		}
	}, 5},

	// Rows move while they are read.
	{"a call inserted in front", 50, func(f *fake) {
		f.before = func(f *fake, n int) {
			if n == 3 {
				f.insert("new")
			}
		}
	}, 12},
	{"calls inserted in front of several pages", 80, func(f *fake) {
		f.before = func(f *fake, n int) {
			if n == 2 || n == 5 || n == 7 {
				f.insert(fmt.Sprint("new-", n))
			}
		}
	}, 30},
	{"a call appended", 50, func(f *fake) {
		f.before = func(f *fake, n int) {
			if n == 3 {
				f.ids = append(f.ids, "new")
			}
		}
	}, 12},
	{"a call gone", 50, func(f *fake) {
		f.before = func(f *fake, n int) {
			if n == 3 {
				f.ids = f.ids[1:]
			}
		}
	}, 18},
	{"reordered between pages", 50, func(f *fake) {
		f.before = func(f *fake, n int) {
			if n == 3 {
				slices.Reverse(f.ids)
			}
		}
	}, 18},

	// A page is too much for the vendor.
	{"no more than three rows", 12, func(f *fake) {
		f.tamper = func(w http.ResponseWriter, n int) bool {
			if n == 1 {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
			return n == 1
		}
	}, 5},
}

// Whatever happens between pages, every call arrives. Two sweeps cost twice as
// much; the second one mostly ends after its first page.
func TestSweepIsComplete(t *testing.T) {
	for _, test := range sweeps {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, test.calls)
			if test.arrange != nil {
				test.arrange(f)
			}
			pages, err := walk(t, config(f), extract.Ask{})
			complete(t, f, pages, err)
			if n := f.asked(); n > test.requests {
				t.Errorf("%d requests, want at most %d", n, test.requests)
			}
		})
	}
}

// What cannot be reached is said, with figures, and there is no bookmark.
func TestSweepIsIncomplete(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(*fake)
		want    string
	}{
		{"capped", func(f *fake) { f.cap = 60 }, "60 distinct calls seen in 2 sweeps where the vendor counts 150; its pages are empty"},
		{"counts too many", func(f *fake) { f.total = func(n int) int { return n + 1 } }, "150 distinct calls seen in 2 sweeps where the vendor counts 151"},
		{"counts too few", func(f *fake) { f.total = func(n int) int { return n - 50 } }, "150 distinct calls seen in 2 sweeps where the vendor counts 100"},
		{"never stands still", func(f *fake) { f.before = func(f *fake, n int) { f.insert(fmt.Sprint("new-", n)) } }, "in 3 sweeps"},
		{"rows without id", func(f *fake) {
			f.answer = func(_ int, body string) string {
				return strings.Replace(body, `{"id":"call-00003"`, `{"id":null`, 1)
			}
		}, "149 distinct calls seen in 2 sweeps where the vendor counts 150; 1 rows have no id"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, 150)
			test.arrange(f)
			pages, err := walk(t, config(f), extract.Ask{})
			var incomplete *extract.IncompleteError
			if !errors.As(err, &incomplete) || !strings.Contains(incomplete.Reason, test.want) {
				t.Errorf("err = %v, want incomplete with %q", err, test.want)
			}
			for n, page := range pages {
				if page.After != nil {
					t.Errorf("page %d has bookmark %s", n+1, page.After)
				}
			}
		})
	}
}

// known is a warehouse that holds these ids.
type known map[string]bool

func (k known) HeldCalls(_ context.Context, ids []string, _, _ time.Time) (int, error) {
	n := 0
	for _, id := range ids {
		if k[id] {
			n++
		}
	}
	return n, nil
}

func holding(ids []string) known {
	k := known{}
	for _, id := range ids {
		k[id] = true
	}
	return k
}

func TestEarlyStop(t *testing.T) {
	const last = `{"swept_at":"2026-11-19T01:30:00Z","calls":200,"since_full":%d}`
	tests := []struct {
		name     string
		since    int
		arrange  func(*fake)
		full     bool
		requests int
		bookmark string
	}{
		{"nothing new", 0, nil, false, 1, `"calls":200,"since_full":1`},
		{"three new", 1, func(f *fake) { f.insert("a"); f.insert("b"); f.insert("c") }, false, 2, `"calls":203,"since_full":2`},
		{"time for a full sweep", 6, nil, false, 20, `"calls":200}`},
		{"asked for all", 0, nil, true, 20, `"calls":200}`},
		{"not newest first", 0, func(f *fake) { slices.Reverse(f.ids) }, false, 20, `"calls":200}`},
		// The total has grown by one that is nowhere near the front.
		{"one new at the end", 0, func(f *fake) { f.ids = append(f.ids, "call-00200") }, false, 21, `"calls":201}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, 200)
			cfg := config(f)
			cfg.FullEvery, cfg.Warehouse = 7, holding(f.ids)
			if test.arrange != nil {
				test.arrange(f)
			}
			pages, err := walk(t, cfg, extract.Ask{Bookmark: extract.Bookmark(fmt.Sprintf(last, test.since)), Full: test.full})
			if err != nil {
				t.Fatal(err)
			}
			if n := f.asked(); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			if got := string(pages[len(pages)-1].After); !strings.Contains(got, test.bookmark) {
				t.Errorf("bookmark = %s, want %s", got, test.bookmark)
			}
			if early := aircall.StoppedEarly(pages[len(pages)-1].After); early != (test.requests < 20) {
				t.Errorf("of a walk of %d requests, the bookmark says that it stopped early: %t", test.requests, early)
			}
		})
	}
}

// A vendor whose pages come again is left after a few of them, however many calls
// it counts.
func TestPagesThatComeAgain(t *testing.T) {
	page := func(ids ...int) string {
		var nodes []string
		for _, id := range ids {
			nodes = append(nodes, fmt.Sprintf(`{"id":"call-%d","created_at":"2026-11-19T10:00:00.000Z","notes":[]}`, id))
		}
		return fmt.Sprintf(`{"data":{"paginatedCalls":{"totalCount":9000000000,"hasNextPage":true,"nodes":[%s]}}}`, strings.Join(nodes, ","))
	}
	for name, answer := range map[string]func(n int) string{
		"one page for ever":         func(int) string { return page(1, 2, 3, 4, 5) },
		"two pages in turn":         func(n int) string { return page(n%2, n%2+2, n%2+4, n%2+6, n%2+8) },
		"the same in another order": func(n int) string { return page(n%5, (n+1)%5, (n+2)%5, (n+3)%5, (n+4)%5) },
		"null nodes":                func(int) string { return strings.Replace(page(), "[]", "[null,null,null,null,null]", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, 0)
			f.answer = func(n int, _ string) string {
				if n > 200 {
					t.Error("no end")
					return `{"data":{"paginatedCalls":{"totalCount":0,"hasNextPage":false,"nodes":[]}}}`
				}
				return answer(n)
			}
			pages, err := walk(t, config(f), extract.Ask{})
			var incomplete *extract.IncompleteError
			if !errors.As(err, &incomplete) || f.asked() > 100 {
				t.Errorf("%d pages in %d requests: %v", len(pages), f.asked(), err)
			}
			for _, p := range pages {
				if p.After != nil {
					t.Errorf("bookmark %s", p.After)
				}
			}
		})
	}
}

// A list that is null where nothing is counted is a quiet night.
func TestNullWhereNothingIsCounted(t *testing.T) {
	f := newFake(t, 0)
	f.answer = func(int, string) string {
		return `{"data":{"paginatedCalls":{"totalCount":0,"hasNextPage":false,"nodes":null}}}`
	}
	pages, err := walk(t, config(f), extract.Ask{})
	if err != nil || len(pages) != 1 || pages[0].After == nil {
		t.Errorf("%d pages: %v", len(pages), err)
	}
}
