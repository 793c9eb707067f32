package iadvize_test

import (
	"context"
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
