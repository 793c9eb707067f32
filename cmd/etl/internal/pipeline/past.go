package pipeline

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// past is what the warehouse knows of earlier runs: which landed ones count, and what
// became of each.
type past struct {
	book     *ledger.Book
	recorded []runlog.Record               // of the runs after the one that made the live generation, oldest first
	streams  map[ref.Stream]*landed        // as far as anyone has asked
	settled  map[ref.Stream]ledger.Settled // by the live generation
	// unrecorded says that there is neither a record nor a live generation: what counted
	// is told by the landing zone alone.
	unrecorded bool
}

// landed is one stream's runs in the landing zone.
type landed struct {
	told  []ledger.Landed            // ascending; of those that the live generation holds, the name alone
	runs  map[ref.RunID]*landing.Run // the others; all of them once whole is set
	whole bool
}

func (r *Runner) log() *runlog.Log { return runlog.Open(filepath.Join(r.Config.Warehouse, "runs")) }

// remember reads what was decided since the live generation was made. All that was ever
// decided is read where there is none, or where the tables are to be made anew.
func (r *run) remember() error {
	r.past = past{streams: map[ref.Stream]*landed{}}
	var err error
	var live ref.RunID
	if r.parent != nil {
		live = r.parent.Manifest.RunID
		if r.settled, err = settledOf(r.parent.Manifest); err != nil {
			return err
		}
	}
	if r.recorded, err = r.records(live); err != nil {
		return err
	}
	if live != "" && !r.request.anew {
		if r.book, err = r.bookOf(live, r.recorded); err == nil {
			return r.book.Came(live)
		}
	}
	return r.recall(live)
}

// bookOf opens the book of the live generation. Other generations on disk are known to
// it too: a rollback may have gone there.
func (r *run) bookOf(live ref.RunID, records []runlog.Record) (*ledger.Book, error) {
	book, decisions := ledger.Open(live, r.settled), decisionsOf(records)
	if len(decisions) == 0 {
		return book, nil
	}
	numbers, err := r.store.Numbers()
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		if g, err := r.store.Get(n); err == nil && g.Manifest.RunID != live {
			if settled, err := settledOf(g.Manifest); err == nil {
				book.Know(g.Manifest.RunID, settled)
			}
		}
	}
	for _, d := range decisions {
		if err := book.Add(d); err != nil {
			return nil, err
		}
	}
	return book, nil
}

// recall opens the book from all that was ever recorded and has landed.
func (r *run) recall(live ref.RunID) error {
	all, err := r.records("")
	if err != nil {
		return err
	}
	streams, err := r.zone.Streams()
	if err != nil {
		return err
	}
	told := map[ref.Stream][]ledger.Landed{}
	for _, s := range streams {
		l, err := r.landedOf(s, true)
		if err != nil {
			return err
		}
		told[s] = l.told
	}
	var first ref.RunID
	if len(all) > 0 {
		first = all[0].RunID
	}
	r.unrecorded = first == "" && live == ""
	if r.book, err = ledger.Recall(first, decisionsOf(all), told); err != nil {
		return err
	}
	if live == "" && !r.request.anew {
		return r.book.Came("") // nothing is in any table: what counted waits to be taken over
	}
	if live == "" || r.book.Came(live) == nil {
		return nil
	}
	// The records lead to another generation: of this one its own word counts, and what
	// was said since.
	r.book = ledger.Open(live, r.settled)
	for _, d := range decisionsOf(r.recorded) {
		if d.Kind == ledger.Hold || d.Kind == ledger.Accept || d.Kind == ledger.Discard {
			if err := r.book.Add(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// records reads the records of the runs after one, oldest first. One that is damaged
// is told of, and left out.
func (r *run) records(after ref.RunID) ([]runlog.Record, error) {
	records, err := r.log().After(after)
	if err != nil {
		return nil, err
	}
	var all []runlog.Record
	for record, err := range records {
		if err != nil {
			r.found("%v", err)
			continue
		}
		all = append(all, record)
	}
	return all, nil
}

func decisionsOf(records []runlog.Record) []ledger.Decision {
	var all []ledger.Decision
	for _, record := range records {
		var decisions []ledger.Decision
		if json.Unmarshal(record.Decisions, &decisions) == nil {
			all = append(all, decisions...)
		}
	}
	return all
}

// settledOf is what the manifest of a generation keeps of the ledger.
func settledOf(m *generation.Manifest) (map[ref.Stream]ledger.Settled, error) {
	settled := map[ref.Stream]ledger.Settled{}
	if len(m.Ledger) > 0 {
		if err := json.Unmarshal(m.Ledger, &settled); err != nil {
			return nil, fmt.Errorf("read the ledger of generation %d: %w", m.Generation, err)
		}
	}
	for key, b := range m.Bookmarks {
		s := settled[key]
		s.Bookmark = json.RawMessage(compactJSON(b.Value))
		settled[key] = s
	}
	return settled, nil
}

// newestRun is the newest run that has left anything, so that the next one is named after
// it.
func (r *run) newestRun() (ref.RunID, error) {
	ids, err := r.log().IDs()
	var last ref.RunID
	if len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	if r.parent != nil {
		last = max(last, r.parent.Manifest.RunID)
	}
	return last, err
}

// lastLanded is the newest landed run of a stream; empty where there is none.
func (r *run) lastLanded(s ref.Stream) (ref.RunID, error) {
	l, err := r.landedOf(s, false)
	if err != nil || len(l.told) == 0 {
		return "", err
	}
	return l.told[len(l.told)-1].ID, nil
}

// streamsKnown lists the streams that have landed or of which anything is decided.
func (r *run) streamsKnown() ([]ref.Stream, error) {
	all, err := r.zone.Streams()
	if err != nil {
		return nil, err
	}
	for _, s := range r.book.Streams() {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all, nil
}
