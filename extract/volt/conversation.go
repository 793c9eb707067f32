package volt

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"nightjar/extract"
)

// sides is what is known of the arguments to and from of conversation(). The
// vendor does not say which of them is the account: inbox(from:) and
// createMessage(to:, from:) suggest from. Nor does it say that one conversation
// holds the messages of both directions.
type sides struct {
	mu       sync.Mutex
	reversed bool // the account is to
	proven   bool // one way round shows both directions, so that the other adds nothing
}

// ways returns the ways round to ask: true for the account as to.
func (s *sides) ways() []bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proven {
		return []bool{s.reversed}
	}
	return []bool{s.reversed, !s.reversed}
}

// prefer notes that one way round is the better one: proven, if it shows both
// directions, and otherwise the only one that gave anything.
func (s *sides) prefer(reversed, proven bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.proven {
		s.reversed, s.proven = reversed, proven
	}
}

// conversation is the walk of the messages with one contact.
type conversation struct {
	*accountWalk
	contact string
	last    time.Time // lastMessageTime; zero where none can be read
}

// way is what one way round has shown.
type way struct {
	rows, fresh       int
	outbound, inbound bool // a message from, or to, the account
}

// task yields the pages of the conversation. While it is not proven that one way
// round shows everything, it is walked both ways.
func (c *conversation) task(ctx context.Context) iter.Seq2[extract.Page, error] {
	return extract.Sequence(func(give func(extract.Page) error) error { return c.both(ctx, give) })
}

func (c *conversation) both(ctx context.Context, give func(extract.Page) error) error {
	seen, ways := &recall{}, c.stream.sides.ways()
	first, refusal, err := c.try(ctx, ways[0], len(ways) > 1, seen, give)
	if err != nil || len(ways) == 1 {
		return err
	}
	if first.bothWays() {
		c.stream.sides.prefer(ways[0], true)
		return nil
	}
	second, refusal2, err := c.try(ctx, ways[1], true, seen, give)
	switch {
	case err != nil:
		return err
	case refusal != nil && refusal2 != nil:
		return refusal
	case second.bothWays(), refusal != nil && second.rows > 0:
		c.stream.sides.prefer(ways[1], true)
	case refusal2 != nil && first.rows > 0, second.rows > 0 && second.fresh == 0:
		c.stream.sides.prefer(ways[0], true)
	case first.rows == 0 && second.rows > 0:
		c.stream.sides.prefer(ways[1], false)
	}
	return nil
}

// try walks the conversation one way round. Where the other way is open too, that
// the vendor does not take this one is no error but a refusal.
func (c *conversation) try(ctx context.Context, reversed, open bool, seen *recall, give func(extract.Page) error) (w way, refusal, err error) {
	w, err = c.walk(ctx, reversed, seen, give)
	if err == nil || !open || w.rows > 0 {
		return w, nil, err
	}
	switch extract.KindOf(err) {
	case extract.Refused, extract.Failing, extract.Denied:
		return w, err, nil
	}
	return w, nil, err
}

// walk walks the conversation one way round.
func (c *conversation) walk(ctx context.Context, reversed bool, seen *recall, give func(extract.Page) error) (way, error) {
	var w way
	first := true
	from, to := c.account, c.contact
	if reversed {
		from, to = to, from
	}
	counted := &recall{}
	err := c.stream.conversations.walk(ctx, list{
		seen: seen,
		ask: func(ctx context.Context, before string) (extract.Page, listing, error) {
			return c.stream.askConversation(ctx, from, to, before)
		},
		take: func(page extract.Page, got listing) (bool, error) {
			w.note(got, c.account, seen, counted)
			if first {
				c.compare(got)
			}
			first = false
			if err := give(page); err != nil {
				return false, err
			}
			done, err := c.done(ctx, got)
			return !done, err
		},
	})
	return w, err
}

// bothWays reports whether messages of both directions were seen.
func (w way) bothWays() bool { return w.outbound && w.inbound }

// note counts a page in, before the walk does.
func (w *way) note(got listing, account string, seen, counted *recall) {
	for _, r := range got.rows {
		w.rows++
		w.outbound = w.outbound || samePhone(r.from, account)
		w.inbound = w.inbound || samePhone(r.to, account)
		if _, old := seen.recent[r.key()]; !old && counted.add(r.key()) {
			w.fresh++
		}
	}
}

// compare notes where lastMessageTime is older than the messages it should tell.
func (c *conversation) compare(got listing) {
	newest := got.newest()
	if c.last.IsZero() || newest.After(c.plan.ask.Now.Add(-young)) {
		return
	}
	if newest.After(c.last.Add(slack)) {
		c.misleading.Store(true)
	}
}

// done reports whether the page, and with it all that is older, is held and
// settled since a walk that came to its end.
func (c *conversation) done(ctx context.Context, got listing) (bool, error) {
	if c.settled.IsZero() || len(got.rows) == 0 {
		return false, nil
	}
	var ids []int64
	for _, r := range got.rows {
		id, err := strconv.ParseInt(r.id, 10, 64)
		if err != nil {
			return false, nil
		}
		ids = append(ids, id)
	}
	settled, err := c.stream.cfg.Warehouse.SettledMessages(ctx, ids, c.settled)
	if err != nil {
		return false, fmt.Errorf("read which messages are settled: %w", err)
	}
	for _, id := range ids {
		if !settled[id] {
			return false, nil
		}
	}
	return true, nil
}

// samePhone compares two numbers by their digits.
func samePhone(a, b string) bool {
	digits := func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}
	return a == b || a != "" && strings.Map(digits, a) == strings.Map(digits, b)
}
