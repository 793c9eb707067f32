package desk

import (
	"fmt"
	"time"
)

const (
	mostIdle  = 3  // pages in a row that bring nothing new and lead nowhere
	mostStale = 10 // pages without a new conversation that are borne in any sweep
)

// progress tells a sweep that goes on from one that goes in circles. A page goes on
// where it lists a conversation that the sweep has not listed, or ends later than
// all pages before it: conversations that change during the sweep are listed again,
// at the list's new end.
type progress struct {
	position     time.Time // the latest that a page of the sweep has ended at
	fresh, stale int       // pages with and without a new conversation
	idle         int       // pages in a row that did not go on
}

// step counts a page in, and fails where the sweep would go in circles. New is how
// many conversations of the page the sweep has not listed before. That all have
// changed during the sweep doubles its pages, so that many more say nothing new.
func (p *progress) step(seen reading, new int) error {
	later := seen.ordered && seen.last.After(p.position)
	if later {
		p.position = seen.last
	}
	switch {
	case new > 0:
		p.fresh++
		p.idle = 0
		return nil
	case later:
		p.idle = 0
	default:
		p.idle++
	}
	p.stale++
	if p.idle >= mostIdle {
		return fmt.Errorf("there is a next page, but %d pages in a row brought no conversation that was not listed before", p.idle)
	}
	if p.stale > mostStale+2*p.fresh {
		return fmt.Errorf("there is a next page, but %d of %d pages brought no conversation that was not listed before", p.stale, p.stale+p.fresh)
	}
	return nil
}
