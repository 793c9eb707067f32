package volt

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"nightjar/extract"
)

const (
	// recallBound is how many contacts of an inbox are remembered, twice over.
	recallBound = 1 << 15

	// slack is how much older than a message its contact's lastMessageTime may be
	// without being wrong: fractions of a second may be cut.
	slack = time.Second

	// mostLooks is how often the top of an inbox is looked at again.
	mostLooks = 3

	// young is how fresh a message may be to have come after its inbox page, with
	// clocks that differ.
	young = 10 * time.Minute
)

// accountWalk is the walk of one account.
type accountWalk struct {
	stream  *Messages
	plan    plan
	account string
	since   time.Time // of the last walk; zero: everything is asked for
	settled time.Time // messages sent before it, and held, do not change any more; zero where none are

	misleading atomic.Bool // lastMessageTime is older than the messages it should tell
	skipped    bool        // a contact was not visited, by its lastMessageTime
	visited    recall
	visits     int
	turned     bool // the inbox has more than one page
	nameless   int  // items of the inbox that name no contact
	pages      int
	give       func(extract.Page) error
}

func newAccountWalk(s *Messages, p plan, account string, give func(extract.Page) error) *accountWalk {
	a := &accountWalk{stream: s, plan: p, account: account, since: p.since(account), visited: recall{bound: recallBound}, give: give}
	if !a.since.IsZero() && s.cfg.Warehouse != nil {
		a.settled = p.ask.Now.Add(-s.cfg.Settle)
		if a.since.Before(a.settled) {
			a.settled = a.since // what came later may never have been walked to its end
		}
	}
	return a
}

// run walks the inbox, and once more where contacts were left out by a
// lastMessageTime that proved wrong.
func (a *accountWalk) run(ctx context.Context) error {
	if err := a.inbox(ctx, false); err != nil {
		return err
	}
	if a.skipped && a.misleading.Load() {
		if err := a.inbox(ctx, false); err != nil {
			return err
		}
	}
	if err := a.moved(ctx); err != nil {
		return err
	}
	return a.verdict()
}

// moved looks at the top of the inbox again: a contact whose message came during
// the walk may have gone there from a page that was not yet read. An inbox of one
// page, read at once, hides none.
func (a *accountWalk) moved(ctx context.Context) error {
	for again := 0; a.turned && again < mostLooks; again++ {
		before := a.visits
		if err := a.inbox(ctx, true); err != nil || a.visits == before {
			return err
		}
	}
	return nil
}

// verdict is the end of a walk that met no error.
func (a *accountWalk) verdict() error {
	honest := a.stream.inboxes.honest() || a.stream.conversations.honest()
	if a.nameless > 0 {
		return &extract.IncompleteError{Reason: fmt.Sprintf("%d items of the inbox of %s name no contact", a.nameless, a.account), Final: true}
	}
	if why := a.stream.inboxes.doubt(honest); why != "" {
		return &extract.IncompleteError{Reason: "inbox of " + a.account + ": " + why, Final: true}
	}
	if why := a.stream.conversations.doubt(honest); why != "" {
		return &extract.IncompleteError{Reason: "conversations of " + a.account + ": " + why, Final: true}
	}
	return nil
}

func (a *accountWalk) emit(page extract.Page) error {
	a.pages++
	return a.give(page)
}

// inbox walks the inbox, and the conversations of each of its pages before the
// next one. Of the top alone it walks the pages that name a contact not visited.
func (a *accountWalk) inbox(ctx context.Context, top bool) error {
	if !top {
		a.skipped, a.nameless = false, 0
	}
	return a.stream.inboxes.walk(ctx, list{
		seen: &recall{bound: recallBound},
		ask: func(ctx context.Context, before string) (extract.Page, listing, error) {
			a.turned = a.turned || before != ""
			return a.stream.askInbox(ctx, a.account, before)
		},
		take: func(page extract.Page, got listing) (bool, error) {
			if err := a.emit(page); err != nil {
				return false, err
			}
			if got.absent {
				return false, &extract.IncompleteError{Reason: "volt has no inbox for " + a.account, Final: true}
			}
			before := a.visits
			err := a.visit(ctx, got)
			return !top || a.visits > before, err
		},
	})
}

// visit walks the conversations that an inbox page names, several at a time.
func (a *accountWalk) visit(ctx context.Context, got listing) error {
	for page, err := range extract.InOrder(ctx, a.stream.cfg.Transport.Concurrency, a.tasks(got)) {
		if err == nil {
			err = a.emit(page)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *accountWalk) tasks(got listing) iter.Seq[extract.Task] {
	return func(yield func(extract.Task) bool) {
		for _, item := range got.rows {
			if !a.due(item) {
				continue
			}
			c := &conversation{accountWalk: a, contact: item.contact, last: instant(item.at)}
			if !yield(c.task) {
				return
			}
		}
	}
}

// due reports whether the contact of an inbox item must be visited: not yet
// visited in this walk, and with a message that is new or may have changed since
// the last one.
func (a *accountWalk) due(item row) bool {
	if item.contact == "" {
		a.nameless++
		return false
	}
	last := instant(item.at)
	if !a.since.IsZero() && !last.IsZero() && !a.misleading.Load() && last.Add(slack).Before(a.since.Add(-a.stream.cfg.Settle)) {
		a.skipped = true
		return false
	}
	if !a.visited.add(row{id: item.contact}.key()) {
		return false
	}
	a.visits++
	return true
}
