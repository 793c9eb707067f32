package iadvize

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightjar/extract"
	"nightjar/extract/coverage"
)

// part is a stretch of a window that is asked for as one.
type part struct {
	from, to time.Time
	tail     time.Duration // how much later the interval ends
	projects []int64       // none: all that the account sees
	only     *kind         // nil: all kinds
	bare     bool          // the rows alone are wanted; tail is zero
}

// kind is what the vendor's filters tell apart; zero where a row lacks either.
type kind struct {
	project int64
	channel string
}

// whole is the times of close of the conversations that a part shows with all their
// transactions: its own, if the interval ends late enough. One that ends now does,
// unless an earlier run, by a clock ahead of this one, has seen later.
func (s *ClosedConversations) whole(p part) *extract.Span {
	if p.tail < s.tail(p.to) {
		return nil
	}
	if seen, err := coverage.Read(s.ask.Bookmark, isProject); err != nil || seen.AsOf.After(s.ask.Now) {
		return nil
	}
	return &extract.Span{From: p.from.UTC(), To: p.to.UTC()}
}

// halves reports whether asking in two is worth it. Halving a part that is
// shorter than its tail gains little: it is done for a single kind, for want of
// anything better, and only so far.
func (p part) halves() bool {
	width := p.to.Sub(p.from)
	return width >= 2*narrow && (width >= p.tail || p.only != nil && width >= p.tail/16)
}

// splits reports whether the part can be asked for kind by kind.
func (w *walk) splits(p part) bool {
	return p.tail > 0 && p.only == nil && w.question.kinds
}

// part walks p, and divides it where the vendor cannot answer.
func (w *walk) part(ctx context.Context, p part) error {
	err := w.walkOnce(ctx, p)
	switch {
	case !divisible(err) || ctx.Err() != nil:
		return err
	case p.halves():
		return w.inHalves(ctx, p)
	case w.splits(p):
		return w.byKind(ctx, p)
	case p.tail > 0:
		return w.shortened(ctx, p, err)
	}
	return err
}

func (w *walk) inHalves(ctx context.Context, p part) error {
	first, second := p, p
	first.to = p.from.Add(p.to.Sub(p.from) / 2).Truncate(narrow)
	second.from = first.to
	if p.tail == w.stream.tail(p.to) && !p.bare {
		// Where the part ends less than 48 hours ago, its first half needs more.
		first.tail = w.stream.tail(first.to)
	}
	if err := w.part(ctx, first); err != nil {
		return err
	}
	return w.part(ctx, second)
}

// byKind asks for all rows without the tail, which tells what kinds there are,
// and then for each kind with it.
func (w *walk) byKind(ctx context.Context, p part) error {
	rows := p
	rows.tail, rows.bare = 0, true
	w.kinds = map[kind]bool{}
	err := w.part(ctx, rows)
	seen := slices.SortedFunc(maps.Keys(w.kinds), func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.channel, b.channel))
	})
	w.kinds = nil
	if err != nil {
		return err
	}
	for _, k := range seen {
		if k == (kind{}) {
			w.hidden = "transactions of conversations that lack a project or a channel are hidden: the vendor cannot answer an interval that is long enough"
			continue
		}
		one := p
		one.only = &k
		if err := w.part(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// shortened asks with half the tail, and notes what that hides.
func (w *walk) shortened(ctx context.Context, p part, why error) error {
	if p.tail /= 2; p.tail < narrow {
		p.tail = 0
	}
	w.hidden = fmt.Sprintf("transactions later than %s after parts of the window are hidden: the vendor cannot answer an interval that is long enough: %v", p.tail, why)
	return w.part(ctx, p)
}

// divisible reports whether a smaller question may be answered.
func divisible(err error) bool {
	switch extract.KindOf(err) {
	case extract.TooLarge, extract.TimedOut, extract.Failing, extract.Stuck:
		return true
	}
	return false
}
