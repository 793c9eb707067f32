package ledger_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestStanding(t *testing.T) {
	hold := func(c ledger.Change) ledger.Change {
		c.Word, c.Reason = "held", "too few"
		return c
	}
	for name, test := range map[string]struct {
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
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, "", nil, test.decisions).Standing(calls, test.landed)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
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

// world is a warehouse that keeps its state itself, as one that lives through a
// history does, and writes down what it decides.
type world struct {
	rng       *rand.Rand
	clock     int
	landed    []ledger.Landed
	decisions []ledger.Decision
	made      []made // generations on disk, in order
	live      int    // index in made, -1 for none
	held      map[ref.RunID]bool
	discarded map[ref.RunID]bool
}

// made is a generation: what counts in it, and where it stands.
type made struct {
	run      ref.RunID
	counts   map[ref.RunID]bool
	bookmark string
}

func (w *world) id() ref.RunID {
	w.clock++
	return ref.RunID(fmt.Sprintf("%05d", w.clock))
}

func (w *world) now() made {
	if w.live < 0 {
		return made{counts: map[ref.RunID]bool{}}
	}
	return w.made[w.live]
}

func (w *world) land(id ref.RunID) {
	var follows ref.RunID
	if n := len(w.landed); n > 0 {
		follows = w.landed[n-1].ID
	}
	w.landed = append(w.landed, ledger.Landed{ID: id, Follows: follows, Pages: 1})
}

func (w *world) waiting() []ref.RunID {
	var all []ref.RunID
	for _, l := range w.landed {
		if !w.now().counts[l.ID] && !w.held[l.ID] && !w.discarded[l.ID] {
			all = append(all, l.ID)
		}
	}
	return all
}

// night lands a run, and holds it, fails, dies, or publishes it with what waits.
func (w *world) night() {
	id := w.id()
	w.land(id)
	switch w.rng.IntN(6) {
	case 0: // it dies before anything is decided
	case 1:
		c := counted(id)
		c.Word = ledger.Withheld
		w.decisions = append(w.decisions, decide(ledger.Hold, id, "", c))
		w.held[id] = true
	default:
		w.publish(id, w.waiting(), w.rng.IntN(6) > 0)
	}
}

// publish decides, and where it comes to the rename, lives on in the new generation.
func (w *world) publish(run ref.RunID, runs []ref.RunID, comes bool) {
	next := made{run: run, counts: maps.Clone(w.now().counts), bookmark: `"` + string(run) + `"`}
	for _, id := range runs {
		next.counts[id] = true
	}
	w.decisions = append(w.decisions, decide(ledger.Publish, run, w.now().run, at(counted(runs...), next.bookmark)))
	if comes {
		w.made = append(w.made, next)
		w.live = len(w.made) - 1
	}
}

// judge accepts or discards one of the held runs.
func (w *world) judge() {
	held := slices.Sorted(maps.Keys(w.held))
	if len(held) == 0 {
		return
	}
	id := held[w.rng.IntN(len(held))]
	delete(w.held, id)
	if w.rng.IntN(2) == 0 {
		w.decisions = append(w.decisions, decide(ledger.Discard, w.id(), "", counted(id)))
		w.discarded[id] = true
		return
	}
	w.decisions = append(w.decisions, decide(ledger.Accept, w.id(), "", counted(id)))
	if w.rng.IntN(3) > 0 {
		w.publish(w.id(), w.waiting(), w.rng.IntN(4) > 0)
	}
}

func (w *world) rollback() {
	if len(w.made) == 0 {
		return
	}
	to := w.rng.IntN(len(w.made))
	var gone []ref.RunID
	for id := range w.now().counts {
		if !w.made[to].counts[id] {
			gone = append(gone, id)
			w.held[id] = true
		}
	}
	slices.Sort(gone)
	w.decisions = append(w.decisions, decide(ledger.Rollback, w.id(), w.made[to].run, counted(gone...)))
	w.live = to
	for id := range w.made[to].counts {
		delete(w.held, id)
	}
}

// replay makes the tables anew of what counts.
func (w *world) replay() {
	if w.live < 0 {
		return
	}
	id := w.id()
	c := counted(slices.Sorted(maps.Keys(w.now().counts))...)
	c.Anew, c.Bookmark = true, json.RawMessage(w.now().bookmark)
	next := made{run: id, counts: maps.Clone(w.now().counts), bookmark: w.now().bookmark}
	w.decisions = append(w.decisions, decide(ledger.Publish, id, w.now().run, c))
	w.made = append(w.made, next)
	w.live = len(w.made) - 1
}

// check compares what the ledger says with what the world knows.
func (w *world) check(t testing.TB, b *ledger.Book) {
	t.Helper()
	if err := b.Came(w.now().run); err != nil {
		t.Fatal(err)
	}
	s := b.Standing(calls, w.landed)
	sorted := func(set map[ref.RunID]bool) []ref.RunID { return slices.Sorted(maps.Keys(set)) }
	var held []ref.RunID
	for _, h := range s.Held {
		held = append(held, h.ID)
	}
	if !slices.Equal(s.Counted, sorted(w.now().counts)) || !slices.Equal(s.Waiting, w.waiting()) ||
		!slices.Equal(held, sorted(w.held)) || string(s.Bookmark) != w.now().bookmark || len(s.Missing) > 0 {
		t.Fatalf("the ledger says %+v\nof a world whose runs %v count, %v wait, %v are held, at %s\nafter %+v",
			s, sorted(w.now().counts), w.waiting(), sorted(w.held), w.now().bookmark, w.decisions)
	}
}

// Whatever happens to a warehouse, what has landed and what was decided say how it
// stands: from the first decision on, and from any generation's manifest on.
func TestTheLedgerFollowsEveryHistory(t *testing.T) {
	histories := 10_000
	if testing.Short() {
		histories = 1_000
	}
	shortcuts := 0
	for seed := range uint64(histories) {
		w := &world{rng: rand.New(rand.NewPCG(seed, 1)), live: -1, held: map[ref.RunID]bool{}, discarded: map[ref.RunID]bool{}}
		manifests := map[ref.RunID]map[ref.Stream]ledger.Settled{}
		after := map[ref.RunID]int{} // decisions taken when the manifest was written
		for range 12 {
			switch w.rng.IntN(8) {
			case 0:
				w.judge()
			case 1:
				w.rollback()
			case 2:
				w.replay()
			default:
				w.night()
			}
			b := read(t, "", nil, w.decisions)
			w.check(t, b)
			if run := w.now().run; run != "" && manifests[run] == nil {
				manifests[run], after[run] = map[ref.Stream]ledger.Settled{calls: b.Settle(calls, w.landed)}, len(w.decisions)
			}
		}
		for run, settled := range manifests {
			later := w.decisions[after[run]:]
			if b := ledger.Open(run, settled); addAll(b, later) == nil && b.Came(w.now().run) == nil {
				shortcuts++
				w.check(t, b)
			}
		}
	}
	if shortcuts < histories {
		t.Errorf("%d of %d histories go on from a manifest: this proves little", shortcuts, histories)
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
