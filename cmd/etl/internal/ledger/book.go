package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightjar/load/ref"
)

// Settled is what a generation's manifest keeps of a stream, so that the decisions
// before it need not be read: the runs that count are those up to Through, but for
// Except.
type Settled struct {
	Through  ref.RunID          `json:"through"`
	Except   []ref.RunID        `json:"except,omitempty"`
	Lost     []ref.RunID        `json:"lost,omitempty"` // runs that are not there, as someone knows
	Bookmark json.RawMessage    `json:"bookmark,omitempty"`
	Words    map[ref.RunID]Word `json:"words,omitempty"` // by landed run that does not count
	AsOf     time.Time          `json:"as_of,omitzero"`  // up to when the rows are proven, for streams whose bookmark does not tell
}

// Word is the last one said of a landed run.
type Word struct {
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// Holds reports whether the run counts.
func (s Settled) Holds(run ref.RunID) bool {
	return run <= s.Through && !slices.Contains(s.Except, run)
}

// Book is the ledger of one warehouse.
type Book struct {
	live  *generation
	known map[ref.RunID]*generation // by the run that made it
	words map[ref.Stream]map[ref.RunID]Word
}

// generation is what a decision to publish added to its parent.
type generation struct {
	run     ref.RunID
	parent  *generation
	settled map[ref.Stream]Settled // of the one that the book begins with
	added   map[ref.Stream]Change
}

// Open begins a book with the generation that run made, and what its manifest keeps.
// A book without one, for run empty, is fed all decisions from the first on.
func Open(run ref.RunID, settled map[ref.Stream]Settled) *Book {
	b := &Book{known: map[ref.RunID]*generation{}, words: map[ref.Stream]map[ref.RunID]Word{}}
	if run != "" {
		b.live = &generation{run: run, settled: settled}
		b.known[run] = b.live
	}
	for s, kept := range settled {
		b.words[s] = maps.Clone(kept.Words)
	}
	return b
}

// Know tells the book of another generation that is on disk, and what its manifest
// keeps: a decision may be built on it.
func (b *Book) Know(run ref.RunID, settled map[ref.Stream]Settled) {
	if b.known[run] == nil {
		b.known[run] = &generation{run: run, settled: settled}
	}
}

// Add enters a decision, the next in order. One whose parent the book does not know
// is an error: what lies between is missing.
func (b *Book) Add(d Decision) error {
	switch d.Kind {
	case Publish:
		parent, err := b.generation(d.Parent)
		if err != nil {
			return fmt.Errorf("enter the generation of run %s: %w", d.RunID, err)
		}
		b.live = &generation{run: d.RunID, parent: parent, added: d.Streams}
		b.known[d.RunID] = b.live
	case Rollback:
		target, err := b.generation(d.Parent)
		if err != nil {
			return fmt.Errorf("enter the rollback %s: %w", d.RunID, err)
		}
		b.live = target
	case Hold, Accept, Discard:
	default:
		return fmt.Errorf("enter decision %s: %q is no decision", d.RunID, d.Kind)
	}
	if d.Kind != Publish {
		b.say(d)
	}
	return nil
}

func (b *Book) generation(run ref.RunID) (*generation, error) {
	if run == "" {
		return nil, nil
	}
	g := b.known[run]
	if g == nil {
		return nil, fmt.Errorf("nothing is recorded of run %s, whose generation it is built on", run)
	}
	return g, nil
}

// say notes the word of a decision on each of its runs.
func (b *Book) say(d Decision) {
	for s, c := range d.Streams {
		if b.words[s] == nil {
			b.words[s] = map[ref.RunID]Word{}
		}
		for _, r := range c.Runs {
			b.words[s][r.ID] = d.Word(c)
		}
	}
}

// Came tells the book which generation is live in truth. Where a run died between its
// decision to publish and the rename, that is the parent of the last one; what the
// decision was about waits then, and what was accepted stays accepted.
func (b *Book) Came(run ref.RunID) error {
	g, err := b.generation(run)
	if err != nil {
		return fmt.Errorf("find the live generation in the ledger: %w", err)
	}
	b.live = g
	return nil
}

// Streams lists the streams of which anything is decided, sorted.
func (b *Book) Streams() []ref.Stream {
	all := map[ref.Stream]bool{}
	for g := b.live; g != nil; g = g.parent {
		for s := range g.settled {
			all[s] = true
		}
		for s := range g.added {
			all[s] = true
		}
	}
	for s := range b.words {
		all[s] = true
	}
	return slices.SortedFunc(maps.Keys(all), ref.Stream.Compare)
}

// account is what a generation holds of a stream.
type account struct {
	lost     []ref.RunID // runs that are not there, as someone knows
	settled  Settled
	pages    map[ref.RunID]int // of the runs that count beyond settled
	bookmark json.RawMessage
}

func (a account) holds(run ref.RunID) bool {
	_, added := a.pages[run]
	return added || a.settled.Holds(run)
}

// account adds up what the generation and those behind it say of the stream. What is
// known to be lost stays so, whatever is made anew.
func (g *generation) account(s ref.Stream) account {
	a := account{pages: map[ref.RunID]int{}}
	for anew := false; g != nil; g = g.parent {
		settled, begins := g.settled[s]
		c := g.added[s]
		a.lost = slices.Concat(a.lost, settled.Lost, c.Lost)
		if anew {
			continue
		}
		if a.bookmark == nil {
			a.bookmark = c.Bookmark
		}
		if begins {
			a.settled = settled
			if a.bookmark == nil {
				a.bookmark = settled.Bookmark
			}
		}
		for _, r := range c.Runs {
			if _, newer := a.pages[r.ID]; !newer {
				a.pages[r.ID] = r.Pages
			}
		}
		anew = c.Anew
	}
	slices.Sort(a.lost)
	a.lost = slices.Compact(a.lost)
	return a
}
