package volt

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"nightjar/extract"
)

// search is one walk over wave ids. What it wants grows with what it finds: the
// ids within the gap of every wave that is new to it.
type search struct {
	batcher
	ask           extract.Ask
	warehouse     Warehouse
	gap           int64
	first         int64     // where the search begins
	settledBefore time.Time // waves scheduled before it do not change any more

	old    int64              // bookmark of the last run: nothing up to it need be searched again
	past   int64              // bookmark of this run
	named  map[int64]struct{} // by messages, not held
	found  []int64            // waves beyond past, in no order
	wanted spans
	asked  spans // a request is under way, or was
	seen   spans // answered: present or absent
	pages  int

	others    int   // ids that were answered with a wave of another id
	lastOther int64 // the latest of them
}

func newSearch(s *Waves, ask extract.Ask) *search {
	return &search{
		batcher:       batcher{fragment: s.fields(), endpoint: s.cfg.Endpoint, client: s.client, aliases: s.cfg.Aliases, workers: max(s.cfg.Transport.Concurrency, 1), budget: int64(s.cfg.Budget)},
		ask:           ask,
		warehouse:     s.cfg.Warehouse,
		gap:           int64(s.cfg.Gap),
		first:         s.cfg.FirstID,
		settledBefore: ask.Now.Add(-s.cfg.Settle),
		named:         map[int64]struct{}{},
	}
}

// start wants what is known to need a look: the waves that are not settled, those
// that only messages name, and the ids where the last run stopped.
func (s *search) start(ctx context.Context) error {
	f, err := readFrontier(s.ask.Bookmark)
	if err != nil {
		return err
	}
	s.past = f.ScannedThrough
	if !s.ask.Full && !s.ask.Backfill() {
		s.old = f.ScannedThrough
	}
	// Ids are given out in order but may appear out of it: the last batch is
	// looked at again.
	s.wanted.add(max(s.first, s.old+1-int64(s.aliases)), max(s.first-1, s.old)+s.gap)
	if s.warehouse == nil {
		return nil
	}
	held, named, err := s.warehouse.WaveIDs(ctx, s.old)
	if err != nil {
		return fmt.Errorf("read the known wave ids: %w", err)
	}
	for _, id := range named {
		s.named[id] = struct{}{}
		s.wanted.add(id, id)
	}
	for _, id := range held {
		s.around(id)
	}
	for _, id := range named {
		if id > s.old {
			s.around(id)
		}
	}
	return s.unsettled(ctx)
}

// unsettled wants every wave whose counters may still move.
func (s *search) unsettled(ctx context.Context) error {
	ids, err := s.warehouse.UnsettledWaves(ctx, s.settledBefore)
	if err != nil {
		return fmt.Errorf("read the unsettled wave ids: %w", err)
	}
	for _, id := range ids {
		s.wanted.add(id, id)
	}
	return nil
}

// around wants the ids within the gap of a wave.
func (s *search) around(id int64) {
	s.found = append(s.found, id)
	s.wanted.add(id, id)
	s.wanted.add(max(s.first, id-s.gap), id+s.gap)
}

// round is how many ids are asked for before the wanted ones are worked out anew.
func (s *search) round() int { return 4 * s.workers * s.aliases }

// look asks for the ids and gives their pages.
func (s *search) look(ctx context.Context, ids []int64, give func(extract.Page) error) error {
	for _, id := range ids {
		s.asked.add(id, id)
	}
	for got, err := range extract.InOrder(ctx, s.workers, s.batches(ids)) {
		if err != nil {
			return err
		}
		page := got.page
		for _, w := range got.waves {
			s.see(w)
			if w.row {
				page.Rows++
			}
		}
		page.After = s.bookmark()
		s.pages++
		if err := give(page); err != nil {
			return err
		}
		if s.others > mostOthers {
			return &extract.Error{Kind: extract.Stuck, Vendor: vendor, Err: fmt.Errorf("%d ids were answered with waves of other ids, the last is %d", s.others, s.lastOther)}
		}
	}
	return nil
}

func (s *search) see(w answered) {
	s.seen.add(w.id, w.id)
	if w.other {
		s.others++
		s.lastOther = w.id
	}
	_, named := s.named[w.id]
	if w.present && (named || w.id > s.old) {
		s.around(w.id)
	}
}

// batches cuts the ids into one task a request.
func (s *search) batches(ids []int64) iter.Seq[extract.TaskOf[answer]] {
	return func(yield func(extract.TaskOf[answer]) bool) {
		for len(ids) > 0 {
			n := min(len(ids), s.size())
			if !yield(s.batch(ids[:n])) {
				return
			}
			ids = ids[n:]
		}
	}
}

// bookmark moves to the highest wave below which nothing wanted is left unseen.
func (s *search) bookmark() extract.Bookmark {
	open := s.wanted.lowest(s.seen)
	s.found = slices.DeleteFunc(s.found, func(id int64) bool {
		if id < open {
			s.past = max(s.past, id)
		}
		return id < open
	})
	if s.past == 0 || s.ask.Backfill() {
		return nil
	}
	raw, err := json.Marshal(frontier{ScannedThrough: s.past})
	if err != nil {
		return nil
	}
	return raw
}

// verdict is the end of a walk that has asked for all it wanted.
func (s *search) verdict() error {
	if len(s.unreadable) == 0 {
		return nil
	}
	return &extract.IncompleteError{Reason: fmt.Sprintf("waves %v cannot be read: %v", s.unreadable, s.failure)}
}
