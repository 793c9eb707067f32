package ledger_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/ref"
)

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
