package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// sessions is the scene of the tests of ClientLoop.
func sessions(contacts string) scene {
	return scene{Options: sandbox.Options{Seed: 1, Scale: 0.05, Waves: 2, WaveSize: 5}, days: 5, contacts: contacts}
}

// A contact has one session; another is asked for once it has expired.
func TestASessionPerContact(t *testing.T) {
	play(t, sessions(""), func(h *theatre) {
		request := pipeline.Request{Pipelines: []string{"clientloop"}}
		for range 2 {
			h.run(request)
			if n := len(h.records("clientloop/sessions")); n != 5 {
				t.Fatalf("%d sessions for 5 contacts", n)
			}
			h.later(time.Minute)
		}
		h.later(60 * 24 * time.Hour)
		h.run(request)
		if n := len(h.records("clientloop/sessions")); n != 10 {
			t.Errorf("%d sessions in all for 5 contacts whose first ones have expired", n)
		}
		h.sessionsOnce()
		h.tokenless()
	})
}

// A run that dies between landing and publishing leaves sessions that no
// generation has; the next run adopts them and asks for none again.
func TestSessionsOfADeadRunAreNotAskedForAgain(t *testing.T) {
	play(t, sessions(""), func(h *theatre) {
		request := pipeline.Request{Pipelines: []string{"clientloop"}}
		h.run(request)
		// As if the run had died before its rename: the pages are there, the
		// generation is not.
		for _, name := range []string{"current", "generations"} {
			if err := os.RemoveAll(filepath.Join(h.runner.Config.Warehouse, name)); err != nil {
				t.Fatal(err)
			}
		}
		h.later(time.Minute)
		l := legOf(t, h.run(request), "clientloop")
		if n := len(h.records("clientloop/sessions")); n != 5 || l.Adopted != 1 {
			t.Errorf("%d sessions for 5 contacts, %d runs adopted", n, l.Adopted)
		}
		if rows := h.query("SELECT count(*) FROM clientloop.idv_sessions"); rows[0][0] != "5" {
			t.Errorf("%s sessions in the warehouse", rows[0][0])
		}
	})
}

// A connection that breaks leaves open whether there is a session: it is said,
// and not tried again in the run.
func TestAnUnknownOutcomeIsSaidAndNotRepeated(t *testing.T) {
	play(t, sessions(""), func(h *theatre) {
		broken := 0
		h.asked.set(func(w http.ResponseWriter, r *http.Request) bool {
			if broken++; broken != 2 {
				return false
			}
			h.box.Handler().ServeHTTP(discard{http.Header{}}, r) // the vendor acts, and its answer is lost
			panic(http.ErrAbortHandler)
		})
		run := h.run(pipeline.Request{Pipelines: []string{"clientloop"}})
		l := legOf(t, run, "clientloop")
		if l.Status != summary.Incomplete || !strings.Contains(l.Reason, "1 of 5") || !strings.Contains(l.Reason, "unknown") {
			t.Errorf("the run is %s: %s", l.Status, l.Reason)
		}
		if n := len(h.records("clientloop/sessions")); n != 5 || h.asked.count("clientloop") > 6 { // one looks at the schema
			t.Errorf("%d sessions and %d requests for 5 contacts", n, h.asked.count("clientloop"))
		}
		if rows := h.query("SELECT count(*) FROM clientloop.idv_sessions"); len(rows) == 0 || rows[0][0] != "4" {
			t.Errorf("%v sessions in the warehouse, want 4", rows)
		}
		if rows := h.query("SELECT status, reason FROM etl.reconciliation WHERE pipeline = 'clientloop'"); len(rows) != 1 || rows[0][0] != "incomplete" {
			t.Errorf("the ledger says %v", rows)
		}
		h.tokenless()
	})
}

// A request whose outcome is unknown is not repeated on any night, whatever becomes
// of the warehouse: what the vendor may have done is in the landing zone. With
// retry_unknown it is repeated once that time has passed.
func TestAnUnknownOutcomeIsNeverRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		keys   string
		before func(h *theatre) // the later nights
		nights int
		want   int // sessions that the vendor has made for c2
	}{
		"the next nights": {"", func(*theatre) {}, 2, 1},
		"rebuilt": {"", func(h *theatre) {
			h.rebuild()
			if rows := h.query("SELECT contact_id, outcome FROM clientloop.idv_requests ORDER BY 1"); fmt.Sprint(rows) != "[[c1 session] [c2 unknown] [c3 session]]" {
				h.t.Errorf("rebuilt: %v", rows)
			}
		}, 1, 1},
		"nothing published": {"", func(h *theatre) {
			for _, name := range []string{"current", "generations"} {
				if err := os.RemoveAll(filepath.Join(h.runner.Config.Warehouse, name)); err != nil {
					h.t.Fatal(err)
				}
			}
		}, 1, 1},
		"before its time":    {", retry_unknown: 3d", func(*theatre) {}, 2, 1},
		"after its time":     {", retry_unknown: 30h", func(*theatre) {}, 2, 2},
		"for ever uncertain": {", retry_unknown: 1s", func(h *theatre) { h.asked.set(h.lose(nil)) }, 3, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, sessions("contacts: [c1, c2, c3]"+c.keys), func(h *theatre) {
				request := pipeline.Request{Pipelines: []string{"clientloop"}}
				h.asked.set(h.lose(func(n int) bool { return n == 2 }))
				h.run(request)
				h.asked.set(nil)
				h.unknown("c2")
				c.before(h)
				for range c.nights {
					h.nightLater()
					h.run(request)
				}
				if n := h.madeFor("c2"); n != c.want {
					h.t.Errorf("%d sessions, want %d", n, c.want)
				}
				switch c.want {
				case 1:
					h.unknown("c2")
				case 2:
					h.unknown()
				default:
					h.unknown("c1", "c2", "c3")
				}
				h.tokenless()
			})
		})
	}
}

// A process that is killed between a request and its answer has announced it: the
// next one knows what it does not know.
func TestARequestUnderWayIsKnownAfterAKill(t *testing.T) {
	play(t, sessions("contacts: [c1, c2, c3]"), func(h *theatre) {
		request := pipeline.Request{Pipelines: []string{"clientloop"}}
		landing, kept := filepath.Join(h.runner.Config.Warehouse, "landing"), filepath.Join(h.t.TempDir(), "landing")
		n := 0
		h.asked.set(func(_ http.ResponseWriter, r *http.Request) bool {
			if writes(r) {
				if n++; n == 2 { // what is on the disk now is all that a kill would leave
					if err := os.CopyFS(kept, os.DirFS(landing)); err != nil {
						h.t.Error(err)
					}
				}
			}
			return false
		})
		h.run(request)
		h.asked.set(nil)
		if err := errors.Join(os.RemoveAll(h.runner.Config.Warehouse), os.CopyFS(landing, os.DirFS(kept))); err != nil {
			h.t.Fatal(err)
		}
		h.unknown("c2")
		h.nightLater()
		l := legOf(h.t, h.run(request), "clientloop")
		if made := h.madeFor("c2"); made != 1 || l.Adopted != 1 {
			h.t.Errorf("%d sessions, %d runs adopted", made, l.Adopted)
		}
		h.unknown("c2")
	})
}

// A run that is held has written all the same: neither its sessions nor its unknown
// outcomes are asked for again, also where the warehouse is rebuilt without it.
func TestAHeldRunHasWritten(t *testing.T) {
	play(t, sessions("contacts: [c1, c2, c3]"), func(h *theatre) {
		request := pipeline.Request{Pipelines: []string{"clientloop"}}
		h.asked.set(h.lose(func(n int) bool { return n == 2 }))
		h.run(request)
		h.asked.set(nil)
		zone, err := landing.Open(filepath.Join(h.runner.Config.Warehouse, "landing"))
		if err != nil {
			h.t.Fatal(err)
		}
		runs, err := zone.Runs(ref.Stream{Source: "clientloop", Name: "idv_sessions"}, nil)
		if err == nil {
			err = zone.Mark(runs[0], landing.Mark{Status: landing.StatusHeld, Reason: "a test", At: h.clock.now()})
		}
		if err != nil {
			h.t.Fatal(err)
		}
		for _, name := range []string{"current", "generations"} {
			if err := os.RemoveAll(filepath.Join(h.runner.Config.Warehouse, name)); err != nil {
				h.t.Fatal(err)
			}
		}
		h.later(time.Minute)
		h.run(request)
		if made := len(h.records("clientloop/sessions")); made != 3 {
			h.t.Errorf("%d sessions for 3 contacts that have one, or may", made)
		}
		h.runner.Config.Pipelines[5].Contacts = append(h.runner.Config.Pipelines[5].Contacts, "c4")
		for range 2 { // the second time after a rebuild that leaves the held run out
			h.nightLater()
			h.run(request)
			if made := h.madeFor("c2"); made != 1 {
				h.t.Errorf("%d sessions", made)
			}
			h.unknown("c2")
			h.rebuild()
		}
	})
}

// madeFor is how many sessions the vendor has made for a contact.
func (h *theatre) madeFor(contact string) int {
	n := 0
	for _, s := range h.records("clientloop/sessions") {
		if say(s["contactId"]) == contact {
			n++
		}
	}
	return n
}

// unknown fails the test where the status lists other contacts as uncertain.
func (h *theatre) unknown(want ...string) {
	h.t.Helper()
	state, err := operate.Status(h.t.Context(), h.runner.Site)
	if err != nil {
		h.t.Fatal(err)
	}
	var got []string
	for _, p := range state.Pipelines {
		for _, u := range p.Unknown {
			got = append(got, u.Contact)
			if u.RunID == "" || u.At.IsZero() {
				h.t.Errorf("the status says %+v", u)
			}
		}
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("the outcome is unknown for %v, want %v", got, want)
	}
}

// writes reports whether a request is for a session.
func writes(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte("mutation ")) && bytes.Contains(body, []byte("contactCreateIdvSession"))
}

// lose loses the answer to the requests for sessions that which picks by number; nil
// picks all. The vendor has acted.
func (h *theatre) lose(which func(n int) bool) func(http.ResponseWriter, *http.Request) bool {
	n := 0
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if !writes(r) {
			return false
		}
		if n++; which != nil && !which(n) {
			return false
		}
		h.box.Handler().ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
}

// discard takes an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
