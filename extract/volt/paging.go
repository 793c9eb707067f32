package volt

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"nightjar/extract"
)

// how is a value that the argument before may take to page backwards.
type how int

const (
	unproven how = iota
	byCursor     // a cursor of pageInfo
	byID         // the id of the oldest row
	byTime       // the time of the oldest row, and before it a second later: rows of one second may lie on two pages
)

// paging is what the walks of one kind of list have found out about it. The
// vendor documents neither PageInfo nor before, so that nothing is believed until
// it has had an effect.
type paging struct {
	enough int // lists of one length that make it suspect

	mu       sync.Mutex
	proven   how          // the value of before that led to older rows
	refused  map[how]bool // values of before that the vendor does not take; of times, it may take another form
	truthful bool         // pageInfo said that there is more, and there was
	wrong    bool         // pageInfo said that there is no more, and there was
	saidNo   bool         // pageInfo said somewhere that there is no more
	longest  int          // rows of the longest page
	cut      int          // lists that end although pageInfo says that there is more
	lost     int          // lists that end because the vendor took no value of before
	repeated map[int]int  // length of a list → how many ended because every before gave the same page again
}

func newPaging(enough int) *paging {
	return &paging{enough: enough, refused: map[how]bool{}, repeated: map[int]int{}}
}

// list is one inbox or conversation to walk.
type list struct {
	ask  func(ctx context.Context, before string) (extract.Page, listing, error)
	take func(extract.Page, listing) (goOn bool, err error) // every page, in order of asking
	seen *recall
}

// walk asks for the pages of a list until there is nothing older.
func (p *paging) walk(ctx context.Context, l list) error {
	page, got, err := l.ask(ctx, "")
	if err != nil {
		return err
	}
	goOn, err := l.take(page, got)
	if fresh, _ := l.fresh(got, time.Time{}); fresh == 0 {
		return err
	}
	for goOn && err == nil && p.mayGoOn(got) {
		var next *listing
		if next, goOn, err = p.older(ctx, l, got); next == nil {
			return err
		}
		got = *next
	}
	return err
}

// fresh counts the rows that are new, and those of them that are not later than
// the given time.
func (l list) fresh(got listing, oldest time.Time) (fresh, older int) {
	for _, r := range got.rows {
		if !l.seen.add(r.key()) {
			continue
		}
		fresh++
		if at := instant(r.at); at.IsZero() || oldest.IsZero() || !at.After(oldest) {
			older++
		}
	}
	return fresh, older
}

// older asks for the page before got, in every way that may lead to it. It
// returns nil where none does: got was the last one.
func (p *paging) older(ctx context.Context, l list, got listing) (next *listing, goOn bool, err error) {
	old := got.oldest()
	answered, empty := false, false
	for _, try := range p.tries(got, old) {
		page, answer, err := l.ask(ctx, try.before)
		if err != nil && p.refuse(try.how, err) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if goOn, err = l.take(page, answer); err != nil {
			return nil, false, err
		}
		if _, older := l.fresh(answer, instant(old.at)); older > 0 {
			p.learn(try.how, got)
			return &answer, goOn, nil
		}
		if !goOn {
			return nil, false, nil
		}
		answered, empty = true, empty || len(answer.rows) == 0
	}
	p.end(got, answered, empty)
	return nil, true, nil
}

type try struct {
	how    how
	before string
}

// tries lists the values of before to try: all, until one is proven.
func (p *paging) tries(got listing, old row) []try {
	var all []try
	for _, cursor := range got.cursors {
		all = append(all, try{byCursor, cursor})
	}
	all = append(all, try{byID, old.id})
	if at, write := form(old.at); !at.IsZero() {
		later := at.Add(time.Second)
		for _, before := range []string{write(later), later.UTC().Format(spaced), old.at, at.UTC().Format(spaced)} {
			if !slices.Contains(all, try{byTime, before}) {
				all = append(all, try{byTime, before})
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var chosen []try
	for _, t := range all {
		if t.before != "" && !p.refused[t.how] && p.fits(t.how, len(got.cursors)) {
			chosen = append(chosen, t)
		}
	}
	return chosen
}

// fits reports whether a value is worth a request. A cursor that is missing where
// cursors have led on says nothing: the others are tried.
func (p *paging) fits(h how, cursors int) bool {
	switch p.proven {
	case unproven:
		return true
	case byCursor:
		return h == byCursor || cursors == 0
	}
	return h == p.proven
}

// refuse notes a value that the vendor does not take, and reports whether the
// walk can go on without it.
func (p *paging) refuse(h how, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	kind := extract.KindOf(err)
	if kind != extract.Refused && kind != extract.Failing {
		return false
	}
	if h != byTime && h != p.proven {
		p.refused[h] = true
	}
	return true
}

// learn notes that there were older rows.
func (p *paging) learn(h how, before listing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proven == unproven {
		p.proven = h
	}
	if before.more != nil {
		p.truthful = p.truthful || *before.more
		p.wrong = p.wrong || !*before.more
	}
}

// end notes how a list ended: whether any value of before was answered, and
// whether any answer was empty, as it is where nothing is older.
func (p *paging) end(got listing, answered, empty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if got.more != nil && !*got.more {
		return
	}
	switch {
	case got.more != nil:
		p.cut++
	case !answered:
		p.lost++
	}
	if !empty {
		p.repeated[len(got.rows)]++
	}
}

// mayGoOn reports whether it is worth asking for rows before these. A no of
// pageInfo is believed where its yes has proven true, and where the page is short
// or shorter than others were.
func (p *paging) mayGoOn(got listing) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(got.rows)
	p.longest = max(p.longest, n)
	if n == 0 || got.more == nil || *got.more || p.wrong {
		return n > 0
	}
	p.saidNo = true
	return !p.truthful && n == p.longest && n >= shortList
}

// shortList is a length that no vendor pages at: a list shorter than it is
// whole where pageInfo says so, and not suspect where nothing can be said.
const shortList = 10

// honest reports whether a yes of pageInfo means something: it also says no.
func (p *paging) honest() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saidNo && !p.wrong
}

// doubt says why rows may be missing, "" if nothing speaks for it: lists end
// where an honest pageInfo says that there is more, or lists stop at the length
// of the longest page while no value of before has any effect.
func (p *paging) doubt(honest bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut > 0 && honest {
		return "the vendor says that there is more, and no value of before leads to it"
	}
	if p.lost > 0 && p.longest >= shortList {
		return "the vendor takes no value of before"
	}
	if n := p.longest; p.proven == unproven && n >= shortList && p.repeated[n] >= p.enough {
		return fmt.Sprintf("pages of %d end where no value of before has any effect", n)
	}
	return ""
}
