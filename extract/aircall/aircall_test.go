package aircall_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/aircall"
	"nightjar/extract/transport"
)

var now = time.Date(2026, 11, 20, 1, 30, 0, 0, time.UTC)

func config(f *fake) aircall.Config {
	return aircall.Config{
		Endpoint: f.url, Username: "u", Password: "secret", PageSize: 10,
		Transport: transport.Config{Concurrency: 3, Retries: 2, Timeout: 10 * time.Second},
	}
}

// walk plans and walks the window to its end.
func walk(t *testing.T, cfg aircall.Config, ask extract.Ask) ([]extract.Page, error) {
	t.Helper()
	ask.Now = now
	calls := aircall.New(cfg)
	windows, err := calls.Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(windows) != 1 || windows[0].ID != "sweep" {
		t.Fatalf("windows = %+v, want one sweep", windows)
	}
	var pages []extract.Page
	for page, err := range calls.Walk(t.Context(), windows[0]) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// ids returns the distinct ids of the pages.
func ids(t *testing.T, pages []extract.Page) []string {
	t.Helper()
	var all []string
	for _, page := range pages {
		var body struct {
			Data struct {
				PaginatedCalls struct{ Nodes []*struct{ ID string } }
			}
		}
		if err := json.Unmarshal(page.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, node := range body.Data.PaginatedCalls.Nodes {
			if node != nil {
				all = append(all, node.ID)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// complete fails the test unless every call of the vendor is on the pages and
// the last page, alone, has a bookmark.
func complete(t *testing.T, f *fake, pages []extract.Page, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock() // a request that nobody waits for any more may still be under way
	defer f.mu.Unlock()
	got := ids(t, pages)
	for _, id := range f.ids {
		if _, ok := slices.BinarySearch(got, id); !ok {
			t.Errorf("%s is missing", id)
		}
	}
	for n, page := range pages {
		if last := n == len(pages)-1; (page.After != nil) != last {
			t.Errorf("page %d of %d has bookmark %s", n+1, len(pages), page.After)
		}
	}
}

// Whatever happens between pages, every call arrives. Two sweeps cost twice as
// much; the second one mostly ends after its first page.
func TestSweepIsComplete(t *testing.T) {
	tests := []struct {
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
	for _, test := range tests {
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

func TestPage(t *testing.T) {
	f := newFake(t, 12)
	f.answer = func(n int, body string) string {
		if n == 1 {
			return strings.Replace(body, `[{`, `[null,{`, 1)
		}
		return body
	}
	pages, err := walk(t, config(f), extract.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	first, last := pages[0], pages[len(pages)-1]
	if first.Rows != 11 || first.Total != 12 {
		t.Errorf("rows %d of %d, want 11 (the null one counts) of 12", first.Rows, first.Total)
	}
	if r := first.Request; r.Operation != "Calls" || r.Status != 200 || r.At.IsZero() || r.Variables["offset"] != int64(0) {
		t.Errorf("request = %+v", r)
	}
	if got, want := string(last.After), `{"swept_at":"2026-11-20T01:30:00Z","calls":12}`; got != want {
		t.Errorf("bookmark = %s, want %s", got, want)
	}
}

// The forms in which the vendor says that a token has expired.
func TestExpiredToken(t *testing.T) {
	tests := []struct {
		name   string
		status int
		code   string
	}{
		{"newer, over 200", 200, `{"code":"UNAUTHENTICATED"}`},
		{"newer, over 401", 401, `{"code":"UNAUTHENTICATED"}`},
		{"older, over 200", 200, `{"code":"INTERNAL_SERVER_ERROR","exception":{"response":{"statusCode":401}}}`},
		{"older, over 401", 401, `{"code":"INTERNAL_SERVER_ERROR","exception":{"response":{"statusCode":401}}}`},
		{"without extensions", 200, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, 50)
			f.tamper = func(w http.ResponseWriter, n int) bool {
				if n != 3 {
					return false
				}
				w.WriteHeader(test.status)
				fmt.Fprintf(w, `{"errors":[{"message":"Unauthorized","extensions":%s}],"data":null}`, test.code)
				return true
			}
			cfg := config(f)
			cfg.Transport.Concurrency = 1
			pages, err := walk(t, cfg, extract.Ask{})
			complete(t, f, pages, err)
			if f.logins != 1 || f.renewals != 1 || f.auths[0] != "Bearer refresh-1" {
				t.Errorf("%d logins, %d renewals with %q; want one of each, with the refresh token", f.logins, f.renewals, f.auths)
			}
		})
	}
}

// A refresh token that is refused costs one more login.
func TestRefreshRefused(t *testing.T) {
	f := newFake(t, 50)
	f.before = func(f *fake, n int) {
		if n == 2 {
			f.access, f.refresh = "gone", "gone"
		}
	}
	cfg := config(f)
	cfg.Transport.Concurrency = 1
	pages, err := walk(t, cfg, extract.Ask{})
	complete(t, f, pages, err)
	if f.logins != 2 || f.renewals != 0 || len(f.auths) != 1 {
		t.Errorf("%d logins, %d renewals tried, want 2 and 1", f.logins, len(f.auths))
	}
}

func TestWrongPassword(t *testing.T) {
	f := newFake(t, 50)
	cfg := config(f)
	cfg.Password = "hunter2"
	_, err := walk(t, cfg, extract.Ask{})
	if extract.KindOf(err) != extract.Denied || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v, want denied, without the password", err)
	}
	if !strings.Contains(err.Error(), "aircall calls window sweep page 1") {
		t.Errorf("err = %v, want its place", err)
	}
}

// known is a warehouse that holds these ids.
type known map[string]bool

func (k known) HeldCalls(_ context.Context, ids []string) (int, error) {
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

func TestPlan(t *testing.T) {
	calls := aircall.New(aircall.Config{Endpoint: "http://127.0.0.1:1"})
	windows, err := calls.Plan(t.Context(), extract.Ask{Bookmark: extract.Bookmark(`{"swept_at":"2026-11-19T01:30:00Z","calls":25001}`), Now: now})
	if err != nil || windows[0].Calls != 251 {
		t.Errorf("plan = %+v, %v; want 251 requests", windows, err)
	}
	for _, bad := range []string{`{`, `[]`, `{"calls":-1}`, `{"swept_at":"yesterday"}`} {
		if _, err := calls.Plan(t.Context(), extract.Ask{Bookmark: extract.Bookmark(bad)}); err == nil {
			t.Errorf("bookmark %s is taken", bad)
		}
	}
}

func TestBackfillLeavesTheBookmark(t *testing.T) {
	f := newFake(t, 25)
	pages, err := walk(t, config(f), extract.Ask{From: now.AddDate(0, -1, 0), To: now})
	if err != nil || len(ids(t, pages)) != 25 {
		t.Fatalf("%d calls, %v", len(ids(t, pages)), err)
	}
	if after := pages[len(pages)-1].After; after != nil {
		t.Errorf("bookmark = %s, want none", after)
	}
}

func TestBreakEndsTheWalk(t *testing.T) {
	f := newFake(t, 500)
	calls := aircall.New(config(f))
	windows, _ := calls.Plan(t.Context(), extract.Ask{Now: now})
	for page, err := range calls.Walk(t.Context(), windows[0]) {
		if err != nil || page.After != nil {
			t.Fatalf("page = %+v, %v", page, err)
		}
		break
	}
	if n := f.asked(); n > 12 {
		t.Errorf("%d requests for one page", n)
	}
}

func TestCancelEndsTheWalk(t *testing.T) {
	f := newFake(t, 500)
	calls := aircall.New(config(f))
	windows, _ := calls.Plan(t.Context(), extract.Ask{Now: now})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var end error
	for _, err := range calls.Walk(ctx, windows[0]) {
		cancel()
		end = err
	}
	if !errors.Is(end, context.Canceled) {
		t.Errorf("err = %v, want canceled", end)
	}
}

// The schema of the contract, cut down to what introspection shows of it.
func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(string) string
		want   []extract.Finding
	}{
		{"as documented", func(s string) string { return s }, nil},
		{"a field gone", func(s string) string { return strings.Replace(s, `"name":"via"`, `"name":"line"`, 1) }, []extract.Finding{
			{Path: "Call.via", What: "is gone; it is not asked for"},
			{Path: "Call.line", What: "is new; it is not asked for"},
		}},
		{"a type changed", func(s string) string {
			return strings.Replace(s, `"name":"duration","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Float"}}`, `"name":"duration","type":{"kind":"SCALAR","name":"Int"}`, 1)
		}, []extract.Finding{{Path: "Call.duration", What: "is Int, documented as Float!"}}},
		{"an argument gone", func(s string) string { return strings.Replace(s, `"name":"offset"`, `"name":"skip"`, 1) }, []extract.Finding{
			{Breaking: true, Path: "Query.paginatedCalls(offset)", What: "is gone, and nothing can be asked without it"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, 0)
			f.answer = func(int, string) string { return test.change(introspected) }
			got, err := aircall.New(config(f)).Check(t.Context())
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("findings = %+v, %v; want %+v", got, err, test.want)
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
