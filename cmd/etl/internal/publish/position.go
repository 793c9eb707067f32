package publish

import (
	"maps"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/ref"
)

// bookmark is where the leg's stream stands once the leg is published; nil
// leaves it where it is.
func (p *Publisher) bookmark(l *Part) []byte {
	if extend := l.Rows.Stream.Extend; extend != nil {
		return p.extended(l, extend)
	}
	if p.Replay {
		return p.replayedBookmark(l)
	}
	if p.Backfill {
		return nil
	}
	var b []byte
	for _, w := range l.Planned {
		if done := l.Own[w.ID]; done != nil && !done.Status.LacksNothing() {
			break
		}
		if after := l.reached(w); after != nil {
			b = after
		}
	}
	return b
}

// extended is the bookmark with what the leg's whole windows cover, those that it
// took over included: whoever asked for them, their rows are in the tables now.
// Where the tables are made anew, they hold nothing but those rows, so that what is
// lost or left out is asked for again.
func (p *Publisher) extended(l *Part, extend func(old, covers extract.Bookmark) extract.Bookmark) []byte {
	b := p.Bookmark(l.Ref())
	if b != nil && p.Replay && p.Anew {
		b = extend(nil, nil)
	}
	for _, w := range l.Walks {
		if w.Covers != nil && w.Status.LacksNothing() {
			b = extend(b, w.Covers)
		}
	}
	return b
}

// replayedBookmark is where a stream whose pages tell stands when its tables are made
// anew: where it stood, or, where nobody remembers, where the landing zone says. Where
// pages are lost it stands nowhere, so that they are asked for again.
func (p *Publisher) replayedBookmark(l *Part) []byte {
	stood := p.Bookmark(l.Ref())
	switch {
	case !p.Anew:
		return nil
	case stood == nil:
		return l.Stood
	case len(l.Missing) > 0:
		return nil
	}
	return stood
}

// provenAt is the beginning of the newest run of the leg that asked for all that may
// still change, and got it whole; zero where none did. A backfill asks for less.
func (p *Publisher) provenAt(l *Part) time.Time {
	var newest time.Time
	if l.Landed && !p.Backfill && l.allWhole(slices.Collect(maps.Values(l.Own))) {
		newest = p.At
	}
	byRun := map[ref.RunID]map[string]*staging.Window{}
	for _, w := range l.Walks {
		if byRun[w.RunID] == nil {
			byRun[w.RunID] = map[string]*staging.Window{}
		}
		byRun[w.RunID][w.ID] = w
	}
	for _, a := range l.Took {
		if a.Header.Mode == ledger.Backfill || !a.Header.Started.After(newest) || a.Header.Started.After(p.At) || a.Damage != nil {
			continue
		}
		var windows []*staging.Window
		for _, planned := range warehouse.Planned(a) {
			windows = append(windows, byRun[a.Header.RunID][planned.ID])
		}
		if l.allWhole(windows) {
			newest = a.Header.Started
		}
	}
	return newest
}

// allWhole reports whether the windows have asked for all that may still change, and
// nothing is known to be missing of them; nil is one that was never walked.
func (l *Part) allWhole(windows []*staging.Window) bool {
	early := l.Rows.Stream.Early
	return len(windows) > 0 && !slices.ContainsFunc(windows, func(w *staging.Window) bool {
		return w == nil || !w.Status.LacksNothing() || early != nil && early(w.After)
	})
}

// reached is where the stream stands after a planned window: by the window's own
// pages or, where it was left out, by those of the last one in it that had landed.
func (l *Part) reached(w extract.Window) extract.Bookmark {
	if own := l.Own[w.ID]; own != nil {
		return own.After
	}
	var last *staging.Window
	for _, a := range l.Walks {
		within := a.Scope == w.Scope && a.To.IsZero() == w.To.IsZero() && !a.To.After(w.To) && (!w.To.IsZero() || a.ID == w.ID)
		if a.Whole() && within && a.After != nil && (last == nil || a.To.After(last.To)) {
			last = a
		}
	}
	if last == nil {
		return nil
	}
	return last.After
}
