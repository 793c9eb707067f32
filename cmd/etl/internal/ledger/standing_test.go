package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/ref"
)

func hold(c ledger.Change) ledger.Change {
	c.Word, c.Reason = "held", "too few"
	return c
}

var standings = map[string]struct {
	landed    []ledger.Landed
	decisions []ledger.Decision
	want      ledger.Standing
}{
	"nothing decided": {
		landed: landed("1", "2"),
		want:   ledger.Standing{Waiting: []ref.RunID{"1", "2"}},
	},
	"a walk that found rows missing": {
		landed: []ledger.Landed{{ID: "1", Pages: 1, Status: ledger.Incomplete, Reason: "a cap"}},
		want:   ledger.Standing{Held: []ledger.Held{{ID: "1", Word: "incomplete", Reason: "a cap"}}},
	},
	"a night takes over a dead run": {
		landed:    landed("1", "2", "3"),
		decisions: []ledger.Decision{decide(ledger.Publish, "2", "", at(counted("1", "2"), "2"))},
		want:      ledger.Standing{Counted: []ref.RunID{"1", "2"}, Waiting: []ref.RunID{"3"}, Bookmark: json.RawMessage("2")},
	},
	"a night passes a held run": {
		landed: landed("1", "2"),
		decisions: []ledger.Decision{
			decide(ledger.Hold, "1", "", hold(counted("1"))),
			decide(ledger.Publish, "2", "", counted("2")),
		},
		want: ledger.Standing{Counted: []ref.RunID{"2"}, Held: []ledger.Held{{ID: "1", Word: "held", Reason: "too few"}}},
	},
	"a newer held run makes the older idle": {
		landed: landed("1", "2"),
		decisions: []ledger.Decision{
			decide(ledger.Hold, "1", "", hold(counted("1"))),
			decide(ledger.Hold, "2", "", hold(counted("2"))),
		},
		want: ledger.Standing{Held: []ledger.Held{{ID: "1", Word: "superseded", Reason: "too few"}, {ID: "2", Word: "held", Reason: "too few"}}},
	},
	"accepted, and its generation never came": {
		landed: landed("1", "2"),
		decisions: []ledger.Decision{
			decide(ledger.Publish, "2", "", at(counted("2"), "2")),
			decide(ledger.Hold, "1", "", hold(counted("1"))),
			decide(ledger.Accept, "a", "", counted("1")),
		},
		want: ledger.Standing{Counted: []ref.RunID{"2"}, Waiting: []ref.RunID{"1"}, Accepted: []ref.RunID{"1"}, Bookmark: json.RawMessage("2")},
	},
	"a newer night makes no backfill idle": {
		landed: []ledger.Landed{{ID: "1", Mode: "backfill", Status: ledger.Withheld}, {ID: "2", Mode: "nightly", Status: ledger.Withheld}},
		want:   ledger.Standing{Held: []ledger.Held{{ID: "1", Word: "held"}, {ID: "2", Word: "held"}}},
	},
	"discarded": {
		landed: landed("1"),
		decisions: []ledger.Decision{
			decide(ledger.Hold, "1", "", hold(counted("1"))),
			decide(ledger.Discard, "d", "", counted("1")),
		},
		want: ledger.Standing{Discarded: []ref.RunID{"1"}},
	},
	"a rollback holds what it takes out": {
		landed: landed("1", "2"),
		decisions: []ledger.Decision{
			decide(ledger.Publish, "1", "", at(counted("1"), "1")),
			decide(ledger.Publish, "2", "1", at(counted("2"), "2")),
			decide(ledger.Rollback, "r", "1", counted("2")),
		},
		want: ledger.Standing{Counted: []ref.RunID{"1"}, Bookmark: json.RawMessage("1"), Held: []ledger.Held{{ID: "2", Word: "rolled back"}}},
	},
	"and one forward again gives it back": {
		landed: landed("1", "2"),
		decisions: []ledger.Decision{
			decide(ledger.Publish, "1", "", counted("1")),
			decide(ledger.Publish, "2", "1", counted("2")),
			decide(ledger.Rollback, "r", "1", counted("2")),
			decide(ledger.Rollback, "s", "2", ledger.Change{}),
		},
		want: ledger.Standing{Counted: []ref.RunID{"1", "2"}},
	},
	"lost and cut": {
		landed:    []ledger.Landed{{ID: "2", Follows: "1"}, {ID: "4", Follows: "3"}},
		decisions: []ledger.Decision{decide(ledger.Publish, "2", "", counted("1", "2"))},
		want: ledger.Standing{Counted: []ref.RunID{"2"}, Waiting: []ref.RunID{"4"}, Missing: []string{
			"run 1 with its 1 pages is not there", "run 2 has 0 of its 1 pages",
			"run 3, which run 4 follows, is not there",
		}, Lost: []ref.RunID{"1", "3"}},
	},
	"lost, and gone on without": {
		landed: []ledger.Landed{{ID: "2", Follows: "1", Pages: 1}},
		decisions: []ledger.Decision{
			decide(ledger.Publish, "2", "", counted("1", "2")),
			decide(ledger.Publish, "r", "2", func() ledger.Change {
				c := counted("2")
				c.Anew, c.Lost = true, []ref.RunID{"1"}
				return c
			}()),
		},
		want: ledger.Standing{Counted: []ref.RunID{"2"}},
	},
}

func TestStanding(t *testing.T) {
	for name, test := range standings {
		t.Run(name, func(t *testing.T) {
			got := read(t, "", nil, test.decisions).Standing(calls, test.landed)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}
