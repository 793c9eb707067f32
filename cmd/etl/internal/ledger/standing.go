package ledger

import (
	"fmt"
	"maps"
	"slices"

	"nightjar/load/ref"
)

// Standing says how a stream stands, by the live generation, by what was said of its
// runs, and by what has landed, which ascends.
func (b *Book) Standing(s ref.Stream, landed []Landed) Standing {
	a := b.live.account(s)
	out := Standing{Bookmark: a.bookmark}
	modes := map[ref.RunID]string{}
	for _, l := range landed {
		modes[l.ID] = l.Mode
		switch word := b.word(s, l); {
		case a.holds(l.ID):
			out.Counted = append(out.Counted, l.ID)
		case word.Status == Discarded:
			out.Discarded = append(out.Discarded, l.ID)
		case word.Status.waits():
			out.Held = append(out.Held, Held{l.ID, string(word.Status), word.Reason})
		default:
			out.Waiting = append(out.Waiting, l.ID)
			if word.Status == Accepted {
				out.Accepted = append(out.Accepted, l.ID)
			}
		}
	}
	supersede(out.Held, modes)
	out.Missing, out.Lost = missing(a, landed)
	return out
}

// waits reports whether a run of that word counts on someone's word alone.
func (s Status) waits() bool { return s == Withheld || s == Incomplete || s == RolledBack }

// word is the last one said of a landed run: by a decision or, where there is none,
// by the landing zone.
func (b *Book) word(s ref.Stream, l Landed) Word {
	if said, ok := b.words[s][l.ID]; ok {
		return said
	}
	return Word{l.Status, l.Reason}
}

// supersede marks the held runs that a newer held one has made idle: it asked for what
// they had asked for, and for more. What was rolled back and what a backfill brought
// are no part of that.
func supersede(held []Held, modes map[ref.RunID]string) {
	for i := range held {
		for _, newer := range held[i+1:] {
			if held[i].Word != string(RolledBack) && (modes[newer.ID] == Full || modes[newer.ID] == modes[held[i].ID] && modes[newer.ID] != Backfill) {
				held[i].Word = Superseded
			}
		}
	}
}

// missing says what the tables were made of and the landing zone no longer has, and which
// runs of that are not there at all.
func missing(a account, landed []Landed) (all []string, lost []ref.RunID) {
	have := make(map[ref.RunID]Landed, len(landed))
	for _, l := range landed {
		have[l.ID] = l
	}
	gone := func(run ref.RunID, what string) {
		if _, there := have[run]; run != "" && !there && !slices.Contains(lost, run) && !slices.Contains(a.lost, run) {
			lost, all = append(lost, run), append(all, what)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.pages)) {
		gone(id, fmt.Sprintf("run %s with its %d pages is not there", id, a.pages[id]))
		if l, ok := have[id]; ok && l.Pages < a.pages[id] {
			all = append(all, fmt.Sprintf("run %s has %d of its %d pages", id, l.Pages, a.pages[id]))
		}
	}
	gone(a.settled.Through, fmt.Sprintf("run %s is not there", a.settled.Through))
	for _, l := range landed {
		gone(l.Follows, fmt.Sprintf("run %s, which run %s follows, is not there", l.Follows, l.ID))
	}
	return all, lost
}

// Settle is what the manifest of a generation keeps of a stream, of which landed has
// landed.
func (b *Book) Settle(s ref.Stream, landed []Landed) Settled {
	now := b.Standing(s, landed)
	kept := Settled{Bookmark: now.Bookmark, Lost: b.live.account(s).lost}
	if n := len(now.Counted); n > 0 {
		kept.Through = now.Counted[n-1]
	}
	for _, l := range landed {
		if _, counts := slices.BinarySearch(now.Counted, l.ID); counts {
			continue
		}
		if l.ID <= kept.Through {
			kept.Except = append(kept.Except, l.ID)
		}
		if said, ok := b.words[s][l.ID]; ok {
			if kept.Words == nil {
				kept.Words = map[ref.RunID]Word{}
			}
			kept.Words[l.ID] = said
		}
	}
	return kept
}
