package ledger_test

import (
	"encoding/json"
	"slices"
	"testing"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/ref"
)

var calls = ref.Stream{Source: "aircall", Name: "calls"}

// counted are landed runs of one page each.
func counted(ids ...ref.RunID) ledger.Change {
	var c ledger.Change
	for _, id := range ids {
		c.Runs = append(c.Runs, ledger.Counted{ID: id, Pages: 1})
	}
	return c
}

func landed(ids ...ref.RunID) []ledger.Landed {
	var all []ledger.Landed
	var before ref.RunID
	for _, id := range ids {
		all = append(all, ledger.Landed{ID: id, Follows: before, Pages: 1, Mode: "nightly", Status: ledger.Whole})
		before = id
	}
	return all
}

func decide(kind ledger.Kind, run, parent ref.RunID, c ledger.Change) ledger.Decision {
	return ledger.Decision{Kind: kind, RunID: run, Parent: parent, Streams: map[ref.Stream]ledger.Change{calls: c}}
}

func at(c ledger.Change, bookmark string) ledger.Change {
	c.Bookmark = json.RawMessage(bookmark)
	return c
}

func read(t testing.TB, live ref.RunID, settled map[ref.Stream]ledger.Settled, all []ledger.Decision) *ledger.Book {
	t.Helper()
	b := ledger.Open(live, settled)
	for _, d := range all {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestAddRefusesWhatLeavesAGap(t *testing.T) {
	b := ledger.Open("", nil)
	for _, d := range []ledger.Decision{decide(ledger.Publish, "2", "1", counted("2")), decide(ledger.Rollback, "r", "1", counted()), {Kind: "wish"}} {
		if err := b.Add(d); err == nil {
			t.Errorf("%s is entered", d.Kind)
		}
	}
}

func addAll(b *ledger.Book, all []ledger.Decision) error {
	for _, d := range all {
		if err := b.Add(d); err != nil {
			return err // it goes on from a generation before the manifest's
		}
	}
	return nil
}

// Where the generations are lost, the decisions are entered from the first on; where
// some are lost too, what has landed before speaks for itself.
func TestRecall(t *testing.T) {
	statuses := func(all []ledger.Landed, words ...ledger.Status) []ledger.Landed {
		for i, word := range words {
			all[i].Status = word
		}
		return all
	}
	publish := func(run, parent ref.RunID, runs ...ref.RunID) ledger.Decision {
		return decide(ledger.Publish, run, parent, at(counted(runs...), `"`+string(run)+`"`))
	}
	for name, test := range map[string]struct {
		first         ref.RunID
		landed        []ledger.Landed
		decisions     []ledger.Decision
		counted, held []ref.RunID
		waiting       []ref.RunID
	}{
		"all decisions": {
			first: "1", landed: statuses(landed("1", "2", "3"), ledger.Incomplete, ledger.Whole, ledger.Died),
			decisions: []ledger.Decision{publish("1", "", "1"), publish("2", "1", "2")},
			counted:   []ref.RunID{"1", "2"}, waiting: []ref.RunID{"3"},
		},
		"no decisions": {
			landed:  statuses(landed("1", "2", "3", "4", "5"), ledger.Died, ledger.Incomplete, ledger.Accepted, ledger.Whole, ledger.Died),
			counted: []ref.RunID{"1", "3", "4"}, held: []ref.RunID{"2"}, waiting: []ref.RunID{"5"},
		},
		"recorded, and nothing published": {
			first: "1", landed: landed("1"), waiting: []ref.RunID{"1"},
		},
		"the oldest decisions are lost": {
			first: "3", landed: statuses(landed("1", "2", "3"), ledger.Whole, ledger.Withheld),
			decisions: []ledger.Decision{publish("3", "2", "3")},
			counted:   []ref.RunID{"1", "3"}, held: []ref.RunID{"2"},
		},
		"landed before anything was recorded": {
			first: "2", landed: landed("1", "2"),
			decisions: []ledger.Decision{publish("2", "", "2")},
			counted:   []ref.RunID{"1", "2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := ledger.Recall(test.first, test.decisions, map[ref.Stream][]ledger.Landed{calls: test.landed})
			if err != nil {
				t.Fatal(err)
			}
			s := b.Standing(calls, test.landed)
			var held []ref.RunID
			for _, h := range s.Held {
				held = append(held, h.ID)
			}
			if !slices.Equal(s.Counted, test.counted) || !slices.Equal(s.Waiting, test.waiting) || !slices.Equal(held, test.held) || len(s.Missing) > 0 {
				t.Errorf("%+v\nwant %v to count, %v to wait, %v to be held", s, test.counted, test.waiting, test.held)
			}
		})
	}
}
