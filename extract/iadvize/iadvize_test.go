package iadvize_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
	"nightjar/extract/iadvize"
)

var (
	_ extract.Stream  = (*iadvize.ClosedConversations)(nil)
	_ extract.Checker = (*iadvize.ClosedConversations)(nil)
)

var now = time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)

// mark is the bookmark of a night at the given instant, with a lookback of three
// days, of project 9999 and others.
func mark(at string, others ...int64) extract.Bookmark {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return told("2025-01-01T00:00:00Z", t.Add(-72*time.Hour).Format(time.RFC3339), at, append([]int64{9999}, others...)...)
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

func TestPlan(t *testing.T) {
	for _, c := range []struct {
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
	} {
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

func start(date string) func(*iadvize.Config) { return func(c *iadvize.Config) { c.Start = day(date) } }
func width(d time.Duration) func(*iadvize.Config) {
	return func(c *iadvize.Config) { c.Window = d }
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

// Nothing is lost, in any shape that the vendor may take.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*vendor)
		config func(*iadvize.Config)
		root   string
	}{
		{"newer", func(*vendor) {}, nil, "closedConversations"},
		{"older, by choice", func(*vendor) {}, func(c *iadvize.Config) { c.Query = "searchClosedConversations" }, "searchClosedConversations"},
		{"older alone", func(v *vendor) { v.without("  closedConversations(", "  notThisOne(") }, nil, "searchClosedConversations"},
		{"no introspection", func(v *vendor) { v.blind = true }, nil, "closedConversations"},
		{"no introspection, older alone", func(v *vendor) { v.blind = true; v.without("  closedConversations(", "  notThisOne(") }, nil, "searchClosedConversations"},
		{"exclusive ends", func(v *vendor) { v.exclusive = true }, nil, "closedConversations"},
		{"fields missing", func(v *vendor) {
			v.without("  language: String", "  tongue: String", "type Transaction {\n  id: UUID!", "type Transaction {\n  uid: UUID!")
		}, nil, "closedConversations"},
		{"fields missing, no introspection", func(v *vendor) {
			v.blind = true
			v.without("  language: String", "  tongue: String", "type Transaction {\n  id: UUID!", "type Transaction {\n  uid: UUID!")
		}, nil, "closedConversations"},
		{"tags as text", func(v *vendor) { v.without("tags: [ConversationTag!]!", "tags: [String!]!") }, nil, "closedConversations"},
		{"types of other names", func(v *vendor) {
			v.sdl = strings.ReplaceAll(strings.ReplaceAll(v.sdl, "DateTimeInterval", "Span"), "ClosedConversationsFilters", "Sieve")
		}, nil, "closedConversations"},
		{"no paging", func(v *vendor) { v.without(newerArgs, seedArgs) }, nil, "closedConversations"},
		{"no paging, a hundred rows at most", func(v *vendor) { v.without(newerArgs, seedArgs); v.most = 100 }, nil, "closedConversations"},
		{"no paging, fewer than the 48 hours hold", func(v *vendor) { v.without(newerArgs, seedArgs); v.most = 40 }, nil, "closedConversations"},
		{"no paging, no introspection", func(v *vendor) { v.blind = true; v.without(newerArgs, seedArgs) }, nil, "closedConversations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				c.change(v)
				v.fill(day("2026-11-01"), now.Add(-time.Second), 53*time.Minute)
				if c.config == nil {
					c.config = func(*iadvize.Config) {}
				}
				got := run(t, v.stream(c.config), extract.Ask{Now: now})
				got.whole(t, v, now)
				if last := v.asked[len(v.asked)-1]; last.root != c.root || v.logins != 1 {
					t.Errorf("asked %s, signed in %d times", last.root, v.logins)
				}
				if want := told("2026-10-31T23:00:00Z", "2026-11-17T01:15:00Z", "2026-11-20T01:15:00Z", 9999); string(got.after) != string(want) {
					t.Errorf("bookmark %s", got.after)
				}
			})
		})
	}
}

func TestNoShape(t *testing.T) {
	v := newVendor(t).without("  closedConversations(", "  one(", "  searchClosedConversations(", "  two(")
	got := run(t, v.stream(), extract.Ask{Now: now})
	if extract.KindOf(got.err) != extract.Refused || !strings.Contains(got.err.Error(), "neither closedConversations nor") {
		t.Fatal(got.err)
	}
}

// What a night and what a year cost, against the pages that hold the rows once.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  extract.Ask
		most float64 // times the fewest
	}{
		{"a night", extract.Ask{Bookmark: mark("2026-11-19T01:15:00Z")}, 1},
		{"a year", extract.Ask{From: day("2025-11-01"), To: day("2026-11-01")}, 1.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVendor(t)
			v.fill(day("2025-10-20"), now, 17*time.Minute)
			s := v.stream()
			windows, err := s.Plan(t.Context(), extract.Ask{Now: now, Bookmark: c.ask.Bookmark, From: c.ask.From, To: c.ask.To})
			if err != nil {
				t.Fatal(err)
			}
			rows := 0
			for _, chat := range v.chats {
				if !chat.closed.Before(windows[0].From) && chat.closed.Before(windows[len(windows)-1].To) {
					rows++
				}
			}
			c.ask.Now = now
			got := run(t, s, c.ask)
			fewest := (rows + 99) / 100
			t.Logf("%d requests, the fewest are %d", len(v.asked), fewest)
			if got.err != nil || float64(len(v.asked)) > c.most*float64(fewest) {
				t.Errorf("%d requests, the fewest are %d: %v", len(v.asked), fewest, got.err)
			}
			if c.ask.Backfill() != (got.after == nil) {
				t.Errorf("bookmark %s", got.after)
			}
		})
	}
}

// Nights in a row, each from the bookmark of the one before, see every
// conversation and, two days on, every transaction.
func TestNights(t *testing.T) {
	v := newVendor(t)
	v.fill(day("2026-11-01"), day("2026-11-18"), 31*time.Minute)
	seen := landed{ids: map[string]int{}, transactions: map[string]int{}}
	ask := extract.Ask{Now: time.Date(2026, 11, 3, 1, 15, 0, 0, time.UTC)}
	for ; ask.Now.Before(day("2026-11-22")); ask.Now = ask.Now.Add(24 * time.Hour) {
		got := run(t, v.stream(), ask)
		if got.err != nil {
			t.Fatal(got.err)
		}
		for id := range got.ids {
			seen.ids[id]++
		}
		for id := range got.transactions {
			seen.transactions[id]++
		}
		ask.Bookmark = got.after
	}
	seen.whole(t, v, ask.Now)
}

// A window that cannot be answered whole is halved until it can.
func TestHalving(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code); _, _ = w.Write([]byte("{}")) }
	}
	for name, no := range map[string]func(http.ResponseWriter){
		"504":  status(504),
		"500":  status(500),
		"413":  status(413),
		"size": func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 2<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				v.fill(day("2026-10-01"), now.Add(-time.Second), 37*time.Minute)
				v.fault = func(w http.ResponseWriter, a asked) bool {
					if a.to.Sub(a.from) > 5*24*time.Hour {
						no(w)
						return true
					}
					return false
				}
				s := v.stream(start("2026-10-01"), func(c *iadvize.Config) { c.Transport.MaxBody, c.Transport.Budget = 1<<20, 1000 })
				got := run(t, s, extract.Ask{Now: now})
				got.whole(t, v, now)
				if want := told("2026-09-30T22:00:00Z", "2026-11-17T01:15:00Z", "2026-11-20T01:15:00Z", 9999); string(got.after) != string(want) {
					t.Errorf("bookmark %s", got.after)
				}
			})
		})
	}
}

// Where even 48 hours are too much, the rows arrive and the window says what is
// missing; the bookmark stays.
func TestTailThatCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.fill(day("2026-11-01"), now.Add(-time.Second), 37*time.Minute)
		v.fault = func(w http.ResponseWriter, a asked) bool {
			if a.to.Sub(a.from) > 24*time.Hour {
				w.WriteHeader(http.StatusGatewayTimeout)
				return true
			}
			return false
		}
		got := run(t, v.stream(func(c *iadvize.Config) { c.Transport.Budget = 1000 }), extract.Ask{Now: now})
		var incomplete *extract.IncompleteError
		if !errors.As(got.err, &incomplete) || !strings.Contains(got.err.Error(), "transactions later than") {
			t.Fatal(got.err)
		}
		if len(got.ids) != len(v.chats) {
			t.Errorf("%d conversations of %d", len(got.ids), len(v.chats))
		}
		if strings.Contains(string(got.after), "2026-11-20") {
			t.Errorf("bookmark %s", got.after)
		}
	})
}

func TestVendorThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.fault = func(w http.ResponseWriter, _ asked) bool { w.WriteHeader(500); return true }
		got := run(t, v.stream(), extract.Ask{Now: now})
		if extract.KindOf(got.err) != extract.Failing || len(v.asked) > 200 || got.pages != 0 {
			t.Fatalf("%d requests: %v", len(v.asked), got.err)
		}
		if !strings.Contains(got.err.Error(), "iadvize closed_conversations window 2026-11-01..2026-11-20 page 1: failing") {
			t.Errorf("place is missing: %v", got.err)
		}
	})
}

// Paging that goes in circles is noticed; smaller windows get round it, and
// where none do, it is an error and no endless loop.
func TestStuck(t *testing.T) {
	for _, c := range []struct {
		name string
		hide func(a asked, more bool, cursor string) (bool, string)
		ok   bool
	}{
		{"the same cursor", func(_ asked, more bool, _ string) (bool, string) { return more, "again" }, true},
		{"the first page for ever", func(a asked, more bool, _ string) (bool, string) { return more, "0" + a.after }, true},
		{"no cursor", func(_ asked, more bool, _ string) (bool, string) { return more, "" }, true},
		{"always more", func(_ asked, _ bool, cursor string) (bool, string) { return true, cursor }, false},
		{"always more, new cursors", func(a asked, _ bool, _ string) (bool, string) { return true, "0" + a.after }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				v.fill(now.Add(-7*24*time.Hour), now.Add(-time.Second), 61*time.Minute)
				v.hide = c.hide
				got := run(t, v.stream(start("2026-11-13")), extract.Ask{Now: now})
				if c.ok {
					got.whole(t, v, now)
				} else if extract.KindOf(got.err) != extract.Stuck {
					t.Errorf("%d requests: %v", len(v.asked), got.err)
				}
				if len(v.asked) > 2000 {
					t.Errorf("%d requests", len(v.asked))
				}
			})
		})
	}
}

// Rows that come again and again are no progress, whatever their order and company
// and however new the cursor.
func TestRowsThatComeAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		rows func(n int, shuffled []int) []int // of the nth page
	}{
		{"one page in any order", func(_ int, shuffled []int) []int { return shuffled }},
		{"two pages in turn, in any order", func(n int, shuffled []int) []int {
			return slices.DeleteFunc(shuffled, func(id int) bool { return id%2 == n%2 })
		}},
		{"some of them", func(_ int, shuffled []int) []int { return shuffled[:80] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVendor(t)
			random, n := rand.New(rand.NewPCG(1, 2)), 0
			v.fault = func(w http.ResponseWriter, _ asked) bool {
				n++
				edges := []any{}
				for _, id := range c.rows(n, random.Perm(100)) {
					edges = append(edges, map[string]any{"node": map[string]any{"id": strconv.Itoa(id)}})
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"closedConversations": map[string]any{
					"edges": edges, "pageInfo": map[string]any{"hasNextPage": n < 5000, "endCursor": strconv.Itoa(n)},
				}}})
				return true
			}
			got := run(t, v.stream(start("2026-11-13")), extract.Ask{Now: now})
			var e *extract.Error
			if !errors.As(got.err, &e) || e.Kind != extract.Stuck || e.Window == "" || e.Page == 0 || n > 1000 {
				t.Errorf("%d requests: %v", n, got.err)
			}
		})
	}
}

func TestEndsEarly(t *testing.T) {
	v := newVendor(t)
	v.fill(day("2026-11-01"), now, 11*time.Minute)
	s := v.stream()
	windows, err := s.Plan(t.Context(), extract.Ask{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for range s.Walk(t.Context(), windows[0]) {
		break
	}
	if len(v.asked) != 1 {
		t.Errorf("%d requests for one page", len(v.asked))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range s.Walk(ctx, windows[0]) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("after a cancel: %v", last)
	}
}

// A page's answer decides; what is no list of edges is never an empty window.
func TestAnswersThatAreNone(t *testing.T) {
	for body, says := range map[string]string{
		`{"data":{"closedConversations":null}}`:                                    "no list of edges",
		`{"data":{"closedConversations":{"edges":null}}}`:                          "no list of edges",
		`{"data":{"closedConversations":{"edges":[],"pageInfo":null}}}`:            "does not say whether",
		`{"data":{"closedConversations":{"edges":[],"pageInfo":{}}}}`:              "does not say whether",
		`{"data":{"somethingElse":{"edges":[],"pageInfo":{"hasNextPage":false}}}}`: "no list of edges",
	} {
		v := newVendor(t)
		v.fault = func(w http.ResponseWriter, _ asked) bool { fmt.Fprint(w, body); return true }
		if got := run(t, v.stream(), extract.Ask{Now: now}); extract.KindOf(got.err) != extract.Garbled || !strings.Contains(got.err.Error(), says) {
			t.Errorf("%s: %v", body, got.err)
		}
	}
	v := newVendor(t)
	v.fault = func(w http.ResponseWriter, _ asked) bool {
		fmt.Fprint(w, `{"data":{"closedConversations":{"edges":[null,{"node":null}],"pageInfo":{"hasNextPage":false}}}}`)
		return true
	}
	if got := run(t, v.stream(), extract.Ask{Now: now}); got.err != nil || got.rows != 2 {
		t.Errorf("null edges: %d rows, %v", got.rows, got.err)
	}
}

// holding is a warehouse with transactions by the vendor's id, or without.
type holding bool

func (h holding) TransactionsHaveIDs(context.Context) (bool, error) { return bool(h), nil }

// Transactions that the warehouse holds by the vendor's id are not asked for without
// one: each would be there twice.
func TestIDsOfTransactionsThatAreGone(t *testing.T) {
	for _, blind := range []bool{false, true} {
		for _, held := range []holding{false, true} {
			v := newVendor(t)
			v.blind = blind
			v.without("type Transaction {\n  id: UUID!", "type Transaction {")
			s := v.stream(func(c *iadvize.Config) { c.Warehouse = held })
			findings, err := s.Check(t.Context())
			breaks := err != nil && strings.Contains(err.Error(), "twice")
			for _, f := range findings {
				breaks = breaks || f.Breaking && strings.Contains(f.What, "twice")
			}
			if breaks != bool(held) {
				t.Errorf("blind %t, held by id %t: %v, %v", blind, held, findings, err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*vendor)
		want   string // "path: what", a breaking one with a bang
	}{
		{"as documented", func(*vendor) {}, ""},
		{"gone", func(v *vendor) { v.without("  language: String", "") }, "Conversation.language: is gone; it is not asked for"},
		{"new", func(v *vendor) { v.without("  language: String", "  language: String mood: Int") }, "Conversation.mood: is new; it is not asked for"},
		{"null", func(v *vendor) { v.without("currency: String!", "currency: String") }, "Transaction.currency: may be null now"},
		{"retyped", func(v *vendor) { v.without("amount: Float!", "amount: String!") }, "Transaction.amount: is String!, documented as Float!"},
		{"no list", func(v *vendor) { v.without("tags: [ConversationTag!]!", "tags: String!") }, "!Conversation.tags: is String!, documented as [ConversationTag!]!"},
		{"no id", func(v *vendor) { v.without("type Conversation {\n  id: UUID!", "type Conversation {\n  uid: UUID!") },
			"!Query.closedConversations: the schema has no closedConversations.edges.node.id; Conversation.id: is gone; it is not asked for; Conversation.uid: is new; it is not asked for"},
		{"no date to file by", func(v *vendor) { v.without("  closedAt: DateTime", "") },
			"!Query.closedConversations: the schema has no closedConversations.edges.node.closedAt; Conversation.closedAt: is gone; it is not asked for"},
		{"transactions without ids", func(v *vendor) { v.without("type Transaction {\n  id: UUID!", "type Transaction {") },
			"Transaction.id: is gone; it is not asked for"},
		{"transactions that nothing tells apart", func(v *vendor) {
			v.without("type Transaction {\n  id: UUID!", "type Transaction {", "  currency: String!   ", "  #")
		}, "!Query.closedConversations: the schema has neither closedConversations.edges.node.conversions.transactions.id nor currency: transactions cannot be told apart; " +
			"Transaction.id: is gone; it is not asked for; Transaction.currency: is gone; it is not asked for"},
		{"no query", func(v *vendor) {
			v.without("  closedConversations(", "  one(", "  searchClosedConversations(", "  two(")
		},
			"!Query: the vendor has neither closedConversations nor searchClosedConversations"},
		{"no introspection", func(v *vendor) { v.blind = true }, "__schema: the vendor does not show its schema; the query is answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVendor(t)
			c.change(v)
			findings, err := v.stream().Check(t.Context())
			var all []string
			for _, f := range findings {
				text := f.Path + ": " + f.What
				if f.Breaking {
					text = "!" + text
				}
				all = append(all, text)
			}
			if got := strings.Join(all, "; "); got != c.want || err != nil {
				t.Errorf("got %s: %v", got, err)
			}
		})
	}
}

// What a check has found out is not found out again by the walk after it.
func TestACheckedVendorIsNotAskedAgain(t *testing.T) {
	for _, blind := range []bool{false, true} {
		v := newVendor(t)
		v.blind = blind
		v.fill(now.Add(-time.Hour), now.Add(-time.Second), time.Minute)
		s := v.stream()
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		tried := len(v.asked)
		run(t, s, extract.Ask{Now: now}).whole(t, v, now)
		probes := slices.DeleteFunc(slices.Clone(v.asked[tried:]), func(a asked) bool { return a.to.Sub(a.from) > 2*time.Second })
		if v.looks != 1 || len(probes) > 0 {
			t.Errorf("blind %t: asked %d times for the schema, and again %v", blind, v.looks, probes)
		}
	}
}
