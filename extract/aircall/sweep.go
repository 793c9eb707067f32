package aircall

import (
	"cmp"
	"context"
	"iter"

	"nightjar/extract"
)

// emptyEnds is how many pages in a row must be empty before the total is reached
// for the rest of a sweep to be given up.
const emptyEnds = 2

// circleEnds is how many full pages of rows in a row must bring nothing that the
// sweep has not seen for the rest of it to be given up. Calls that come while it
// runs push rows to the next page; no vendor has so many of them meanwhile.
const circleEnds = 10

// sweep is one pass over all offsets.
type sweep struct {
	walk  *walk
	give  func(extract.Page) error
	again bool // not the first: ends as soon as the count is right

	total   int64 // on the first page
	offset  int64 // of the next row to ask for
	hasNext bool  // on the latest page
	gained  int   // ids that the latest page was the first to show
	empties int   // empty pages in a row, before the total
	empty   bool  // given up over empty pages
	stale   int64 // rows in a row that the sweep has seen before, or that have no id
	circles bool  // given up over pages that come again
}

func (s *sweep) run(ctx context.Context) error {
	if err := s.first(ctx); err != nil {
		return err
	}
	for !s.done() {
		if err := s.stretch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// first asks for the first page, which tells the total, and goes on page by page
// while an early end is possible.
func (s *sweep) first(ctx context.Context) error {
	size := s.walk.size()
	watch := newest{possible: !s.again && s.walk.calls.cfg.Warehouse != nil && s.walk.plan.mayStopEarly(s.walk.calls.cfg.FullEvery)}
	for {
		got, err := s.walk.ask(ctx, s.offset, size)
		if err != nil {
			return err
		}
		if s.offset == 0 {
			s.total = got.total
			s.walk.begin(got.total)
		}
		s.take(got.reading)
		s.offset += cmp.Or(got.step(), size)
		if err := s.give(got.page); err != nil {
			return err
		}
		if s.walk.early, err = watch.ends(ctx, s.walk, got.reading); err != nil || !watch.possible || s.done() {
			return err
		}
	}
}

// stretch asks for the rows from offset to the total as it is known now, several
// pages at a time, and beyond it where the vendor says that there is more.
func (s *sweep) stretch(ctx context.Context) error {
	from, to, size := s.offset, max(s.walk.total, s.offset+1), s.walk.size()
	s.offset = from + (to-from+size-1)/size*size
	for got, err := range extract.InOrder(ctx, s.walk.calls.cfg.Transport.Concurrency, s.pieces(from, to, size)) {
		if err != nil {
			return err
		}
		s.take(got.reading)
		if err := s.give(got.page); err != nil {
			return err
		}
		if s.empties >= emptyEnds {
			s.empty = true
			return nil
		}
		if s.circles || s.again && s.walk.counted() {
			return nil
		}
	}
	return nil
}

// pieces cuts [from, to) into pieces of size rows.
func (s *sweep) pieces(from, to, size int64) iter.Seq[extract.TaskOf[answer]] {
	return func(yield func(extract.TaskOf[answer]) bool) {
		for at := from; at < to; at += size {
			if !yield(s.piece(at, size)) {
				return
			}
		}
	}
}

// piece asks for rows [at, at+want), with more requests where the vendor gives
// fewer rows than asked. An empty page ends it.
func (s *sweep) piece(at, want int64) extract.TaskOf[answer] {
	return func(ctx context.Context) iter.Seq2[answer, error] {
		return func(yield func(answer, error) bool) {
			for offset := at; offset < at+want; {
				got, err := s.walk.ask(ctx, offset, at+want-offset)
				if !yield(got, err) || err != nil || got.rows == 0 {
					return
				}
				offset += got.step()
				if offset >= got.total && !got.hasNext {
					return
				}
			}
		}
	}
}

// take counts a page in, in the order of offsets.
func (s *sweep) take(got reading) {
	before := len(s.walk.seen)
	fresh := s.walk.take(got, s.total)
	s.gained = len(s.walk.seen) - before
	s.hasNext = got.hasNext
	if s.empties++; got.rows > 0 {
		s.empties = 0
	}
	if s.stale += got.rows; fresh > 0 {
		s.stale = 0
	}
	s.circles = s.stale >= circleEnds*s.walk.size()
}

// done reports whether the sweep has reached its end: the count is right again,
// or the total is reached and the vendor shows nothing new beyond it.
func (s *sweep) done() bool {
	if s.walk.early || s.empty || s.circles || s.again && s.walk.counted() {
		return true
	}
	return s.offset >= s.walk.total && (!s.hasNext || s.gained <= 0)
}

// newest watches whether pages come newest first, which lets a sweep end where
// it meets what is held.
type newest struct {
	possible bool   // nothing seen so far speaks against it
	oldest   string // created_at of the last row so far
	fresh    int64  // rows that the warehouse does not hold
}

// ends reports whether the walk is whole after this page: the rows came newest
// first, all of this page are held, and the new ones are as many as the total has
// grown since the last sweep.
func (n *newest) ends(ctx context.Context, w *walk, got reading) (bool, error) {
	n.possible = n.possible && got.sorted && got.rows > 0 && got.rows == int64(len(got.ids)) && (n.oldest == "" || got.newest <= n.oldest)
	if !n.possible {
		return false, nil
	}
	n.oldest = got.oldest
	from, to, ok := got.span()
	if n.possible = ok; !ok {
		return false, nil
	}
	held, err := w.calls.cfg.Warehouse.HeldCalls(ctx, got.ids, from, to)
	if err != nil {
		return false, err
	}
	n.fresh += got.rows - int64(held)
	return held == len(got.ids) && n.fresh == got.total-w.plan.last.Calls, nil
}
