package warehouse

import (
	"encoding/json"
	"fmt"
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// landed is one stream's runs in the landing zone.
type landed struct {
	told  []ledger.Landed            // ascending; of those that the live generation holds, the name alone
	runs  map[ref.RunID]*landing.Run // the others; all of them once whole is set
	whole bool
}

// remember reads what was decided since the live generation was made. All that was ever
// decided is read where there is none, or where the tables are to be made anew.
func (v *View) remember() error {
	v.landed = map[ref.Stream]*landed{}
	var err error
	var live ref.RunID
	if v.Live != nil {
		live = v.Live.Manifest.RunID
		if v.settled, err = SettledOf(v.Live.Manifest); err != nil {
			return err
		}
	}
	if v.recorded, err = v.Recorded(live); err != nil {
		return err
	}
	if live != "" && !v.whole {
		if v.book, err = v.bookOf(live, v.recorded); err == nil {
			return v.book.Came(live)
		}
	}
	return v.recall(live)
}

// bookOf opens the book of the live generation. Other generations on disk are known to
// it too: a rollback may have gone there.
func (v *View) bookOf(live ref.RunID, records []runlog.Record) (*ledger.Book, error) {
	book, decisions := ledger.Open(live, v.settled), decisionsOf(records)
	if len(decisions) == 0 {
		return book, nil
	}
	numbers, err := v.Store.Numbers()
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		if g, err := v.Store.Get(n); err == nil && g.Manifest.RunID != live {
			if settled, err := SettledOf(g.Manifest); err == nil {
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
func (v *View) recall(live ref.RunID) error {
	all, err := v.Recorded("")
	if err != nil {
		return err
	}
	streams, err := v.Zone.Streams()
	if err != nil {
		return err
	}
	told := map[ref.Stream][]ledger.Landed{}
	for _, s := range streams {
		l, err := v.landedOf(s, true)
		if err != nil {
			return err
		}
		told[s] = l.told
	}
	var first ref.RunID
	if len(all) > 0 {
		first = all[0].RunID
	}
	v.Unrecorded = first == "" && live == ""
	if v.book, err = ledger.Recall(first, decisionsOf(all), told); err != nil {
		return err
	}
	if live == "" && !v.whole {
		return v.book.Came("") // nothing is in any table: what counted waits to be taken over
	}
	if live == "" || v.book.Came(live) == nil {
		return nil
	}
	// The records lead to another generation: of this one its own word counts, and what
	// was said since.
	v.book = ledger.Open(live, v.settled)
	for _, d := range decisionsOf(v.recorded) {
		if d.Kind == ledger.Hold || d.Kind == ledger.Accept || d.Kind == ledger.Discard {
			if err := v.book.Add(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// Recorded reads the records of the runs after one, oldest first. One that is damaged
// is told of, and left out.
func (v *View) Recorded(after ref.RunID) ([]runlog.Record, error) {
	records, err := v.Records().After(after)
	if err != nil {
		return nil, err
	}
	var all []runlog.Record
	for record, err := range records {
		if err != nil {
			v.Found("%v", err)
			continue
		}
		all = append(all, record)
	}
	return all, nil
}

func decisionsOf(records []runlog.Record) []ledger.Decision {
	var all []ledger.Decision
	for _, record := range records {
		all = append(all, DecisionsIn(record)...)
	}
	return all
}

// DecisionsIn reads the decisions in a record, in order; none where there are none.
func DecisionsIn(record runlog.Record) []ledger.Decision {
	var all []ledger.Decision
	if json.Unmarshal(record.Decisions, &all) != nil {
		return nil
	}
	return all
}

// SettledOf is what the manifest of a generation keeps of the ledger.
func SettledOf(m *generation.Manifest) (map[ref.Stream]ledger.Settled, error) {
	settled := map[ref.Stream]ledger.Settled{}
	if len(m.Ledger) > 0 {
		if err := json.Unmarshal(m.Ledger, &settled); err != nil {
			return nil, fmt.Errorf("read the ledger of generation %d: %w", m.Generation, err)
		}
	}
	for key, b := range m.Bookmarks {
		s := settled[key]
		s.Bookmark = json.RawMessage(Compact(b.Value))
		settled[key] = s
	}
	return settled, nil
}

// newestRun is the newest run that has left anything, so that the next one is named after
// it.
func (v *View) newestRun() (ref.RunID, error) {
	ids, err := v.Records().IDs()
	var last ref.RunID
	if len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	if v.Live != nil {
		last = max(last, v.Live.Manifest.RunID)
	}
	return last, err
}

// LastLanded is the newest landed run of a stream; empty where there is none.
func (v *View) LastLanded(s ref.Stream) (ref.RunID, error) {
	l, err := v.landedOf(s, false)
	if err != nil || len(l.told) == 0 {
		return "", err
	}
	return l.told[len(l.told)-1].ID, nil
}

// Streams lists the streams that have landed or of which anything is decided.
func (v *View) Streams() ([]ref.Stream, error) {
	all, err := v.Zone.Streams()
	if err != nil {
		return nil, err
	}
	for _, s := range v.book.Streams() {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all, nil
}

// Know tells the ledger of another generation that is on disk, and what its manifest keeps.
func (v *View) Know(run ref.RunID, settled map[ref.Stream]ledger.Settled) { v.book.Know(run, settled) }
