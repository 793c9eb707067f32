// Package ledger says which landed runs count, which wait and for what, and where
// each stream stands. It is pure: it knows neither disk nor clock. What it says
// follows from what has landed and from what was decided, so a warehouse that is
// rebuilt from the two comes to where the one stood that lived through it.
//
// Glossary. A landed run is one walk of a stream, as its journal tells of it. A
// landed run counts when its rows are in the live tables. It waits when nothing has
// been decided of it: it died, failed or was stopped, and the next run takes it over.
// It is held when its rows are not to be trusted, or when a rollback took them out
// again: then it counts on someone's word alone. It is discarded when someone said
// that it never shall. A decision is one of these words, with the runs it is about;
// decisions are kept in the order in which they were taken. A generation goes by the
// run that made it.
package ledger

import (
	"encoding/json"

	"nightjar/load/ref"
)

// Kind is what a decision does.
type Kind string

const (
	// Publish makes a generation of the parent's rows and of those of the runs named.
	// It is written before the generation becomes live, so that the last one may have
	// been in vain: the next decision's parent tells.
	Publish Kind = "publish"
	// Hold lets the runs named count on someone's word alone.
	Hold Kind = "hold"
	// Accept is that word. It is good for as long as the runs do not count.
	Accept Kind = "accept"
	// Discard is the word that they never shall.
	Discard Kind = "discard"
	// Rollback makes an earlier generation live again. The runs named are those that
	// counted and no longer do; they are held.
	Rollback Kind = "rollback"
)

// Decision is one entry of the ledger.
type Decision struct {
	RunID   ref.RunID             `json:"run_id"`           // of the run or command that decided; decisions are in its order
	Kind    Kind                  `json:"kind"`             //
	Parent  ref.RunID             `json:"parent,omitempty"` // Publish: the generation built on, empty for none; Rollback: the one that is live again
	Streams map[ref.Stream]Change `json:"streams"`
}

// Change is what a decision means to one stream.
type Change struct {
	Runs   []Counted   `json:"runs,omitempty"`   // landed runs, ascending
	Anew   bool        `json:"anew,omitempty"`   // Publish: the tables hold the rows of Runs and of no others, and Bookmark is all there is
	Lost   []ref.RunID `json:"lost,omitempty"`   // Publish: runs that are lost, and that someone goes on without
	Word   Status      `json:"word,omitempty"`   // Hold: Withheld or Incomplete
	Reason string      `json:"reason,omitempty"` // for people; not of a Publish
	// Bookmark is where the stream stands with a Publish; nil leaves it where it is.
	Bookmark json.RawMessage `json:"bookmark,omitempty"`
}

// Word is what the decision says of each run of a change; a Publish says none.
func (d Decision) Word(c Change) Word {
	switch d.Kind {
	case Accept:
		return Word{Accepted, c.Reason}
	case Discard:
		return Word{Discarded, c.Reason}
	case Rollback:
		return Word{RolledBack, c.Reason}
	}
	return Word{c.Word, c.Reason}
}

// Counted is a landed run as it was when it was decided about.
type Counted struct {
	ID    ref.RunID `json:"id"`
	Pages int       `json:"pages"` // whole ones; fewer later on are a loss
}

// The modes of a run that asks the vendors.
const (
	Nightly  = "nightly"
	Full     = "full"     // asks for everything from the configured start
	Backfill = "backfill" // names its own interval, and leaves the bookmark where it is
)

// Landed is what the landing zone tells of one run.
type Landed struct {
	ID      ref.RunID
	Follows ref.RunID // the run of the stream that had landed before it; empty for the first, or where nobody looked
	Pages   int       // whole ones
	Mode    string    // Nightly, Full or Backfill
	// Status is the last word that the landing zone itself has of the run; it counts
	// where no decision says more.
	Status Status
	Reason string // of Status, for people
}

// Status is a word of the landing zone.
type Status string

const (
	Whole      Status = "landed"      // the walk came to its end
	Died       Status = "died"        // it did not, and nobody knows why
	Failed     Status = "failed"      // nor did this, for a reason
	Incomplete Status = "incomplete"  // rows are known to be missing
	Withheld   Status = "held"        // not to be trusted
	Accepted   Status = "accepted"    // somebody's word
	Discarded  Status = "discarded"   // somebody's word
	RolledBack Status = "rolled back" // its generation was taken back
)

// Held is a landed run that waits for someone's word.
type Held struct {
	ID     ref.RunID
	Word   string // a Status, or Superseded
	Reason string
}

// Superseded is the word for a held run that a newer one has made idle.
const Superseded = "superseded"

// Standing is how a stream stands. Ids ascend.
type Standing struct {
	Counted   []ref.RunID // runs whose rows are in the live tables
	Waiting   []ref.RunID // runs that the next one takes over
	Accepted  []ref.RunID // those of Waiting that someone has accepted
	Held      []Held
	Discarded []ref.RunID
	Bookmark  json.RawMessage // nil before the first
	// Missing says, in words for the operator, what counted and is not in the landing
	// zone, or not whole. The tables cannot be made anew without it.
	Missing []string
	Lost    []ref.RunID // the runs of Missing that are not there at all
}
