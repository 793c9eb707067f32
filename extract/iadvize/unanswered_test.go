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
