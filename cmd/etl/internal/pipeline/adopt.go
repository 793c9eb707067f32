package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"nightjar/extract"
	"nightjar/load/landing"
)

// adopt takes over the pages that earlier runs of the stream have landed and
// never published. What the landing zone will not give is this leg's to bear; the
// others go on.
func (l *leg) adopt(ctx context.Context, decoders *decoders) error {
	waiting, err := l.run.pending(l.Ref())
	if err == nil {
		waiting, err = l.inOrder(waiting)
	}
	if err != nil {
		l.blame(err)
		return nil
	}
	for _, r := range waiting {
		if err := l.replay(ctx, r, decoders); err != nil {
			l.blame(err)
			return nil
		}
		l.adopted = append(l.adopted, r)
		l.Adopted++
	}
	return nil
}

// inOrder returns the runs whose pages are to be staged. Rows remember when their
// content was first seen, not when it was last seen, so versions are merged in
// the order in which they landed. Where an accepted run is older than what is
// live already, that order is had by reading all of the stream's runs again.
func (l *leg) inOrder(waiting []*landing.Run) ([]*landing.Run, error) {
	counted, err := l.run.counted(l.Ref())
	if err != nil || len(waiting) == 0 || len(counted) == 0 || waiting[0].Header.RunID > counted[len(counted)-1] {
		return waiting, err
	}
	older, err := l.run.runsNamed(l.Ref(), counted)
	if err != nil {
		return nil, err
	}
	for _, t := range l.tables {
		l.run.remade[t.Full()] = true
	}
	all := slices.Concat(older, waiting)
	slices.SortFunc(all, func(a, b *landing.Run) int { return cmp.Compare(a.Header.RunID, b.Header.RunID) })
	return all, nil
}

// replay sends the pages of a landed run to the decoders and books its windows.
func (l *leg) replay(ctx context.Context, r *landing.Run, decoders *decoders) error {
	if err := l.journalDamage(r); err != nil {
		return err
	}
	byID, judged, covers := map[string]*Window{}, l.run.judged(r), covered(r)
	for _, e := range r.Windows {
		w := &Window{
			RunID: r.Header.RunID, ID: e.ID, From: e.From, To: e.To, Status: Status(e.Status), Reason: e.Reason,
			VendorTotal: e.VendorTotal, Requests: e.Requests, Retries: e.Retries,
			scope: e.Scope, covers: covers[e.ID], settled: e.Settled, adopted: true, judged: judged,
		}
		byID[e.ID] = w
		l.Windows = append(l.Windows, w)
	}
	for page, err := range r.Pages() {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		w := byID[page.Window]
		if w == nil {
			w = &Window{RunID: r.Header.RunID, ID: page.Window, Status: Interrupted, VendorTotal: extract.Unknown, adopted: true,
				Reason: "the run ended before the window did; its rows are kept"}
			byID[page.Window] = w
			l.Windows = append(l.Windows, w)
		}
		body, err := l.body(r, w, &page)
		if err != nil {
			return err
		}
		l.book(w, page)
		if body == nil {
			continue
		}
		w.Pages++
		w.Fetched += page.Rows
		if err := decoders.send(page, body); err != nil {
			return err
		}
	}
	return nil
}

// plannedOf is the plan of a landed run; nil where it is lost.
func plannedOf(r *landing.Run) []extract.Window {
	var planned []extract.Window
	if json.Unmarshal(r.Header.Windows, &planned) != nil {
		return nil
	}
	return planned
}

// covered is what each window of a landed run covers, by its plan. Where the plan is
// lost, that is nothing: what the run brought is asked for again.
func covered(r *landing.Run) map[string]extract.Bookmark {
	covers := map[string]extract.Bookmark{}
	for _, w := range plannedOf(r) {
		covers[w.ID] = w.Covers
	}
	return covers
}

// judged reports whether a landed run has been judged before: by someone who accepted
// it, or when it was published.
func (r *run) judged(l *landing.Run) bool {
	if r.replaying || r.request.only != "" {
		return true
	}
	standing, err := r.standing(l.Ref().Stream)
	return err == nil && (slices.Contains(standing.Counted, l.Header.RunID) || slices.Contains(standing.Accepted, l.Header.RunID))
}

// book notes which window a landed page belongs to.
func (l *leg) book(w *Window, page landing.Landed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if page.After != nil && len(w.without) == 0 {
		w.after = extract.Bookmark(page.After)
	}
	seen := l.pages[page.Ref.Run]
	for len(seen) < page.Seq {
		seen = append(seen, nil)
	}
	seen[page.Seq-1] = w
	l.pages[page.Ref.Run] = seen
	l.through = max(l.through, page.Ref.Run.ID)
}

// skipLanded leaves out the windows that adopted runs have landed whole and in
// which the vendor changes nothing any more.
func (l *leg) skipLanded(windows []extract.Window) []extract.Window {
	byScope := map[string][]stretch{}
	for _, w := range l.Windows {
		if w.whole() && !w.To.IsZero() {
			byScope[w.scope] = append(byScope[w.scope], stretch{w.From, w.To})
		}
	}
	for scope, all := range byScope {
		byScope[scope] = joined(all)
	}
	var todo []extract.Window
	for _, w := range windows {
		if w.Settled && l.hasLanded(w, byScope[w.Scope]) {
			l.Skipped++
			continue
		}
		todo = append(todo, w)
	}
	return todo
}

// hasLanded reports whether every instant of a window is in what has landed. The
// id does not tell: it names business days, and another time zone moves them. It
// does where the window is no interval.
func (l *leg) hasLanded(w extract.Window, landed []stretch) bool {
	if w.To.IsZero() {
		return slices.ContainsFunc(l.Windows, func(a *Window) bool {
			return a.whole() && a.To.IsZero() && a.ID == w.ID && a.scope == w.Scope
		})
	}
	return slices.ContainsFunc(landed, func(s stretch) bool { return !s.from.After(w.From) && !s.to.Before(w.To) })
}

// stretch is [from, to).
type stretch struct{ from, to time.Time }

// joined makes one stretch of those that touch.
func joined(all []stretch) []stretch {
	slices.SortFunc(all, func(a, b stretch) int { return a.from.Compare(b.from) })
	var whole []stretch
	for _, s := range all {
		if n := len(whole); n > 0 && !s.from.After(whole[n-1].to) {
			if s.to.After(whole[n-1].to) {
				whole[n-1].to = s.to
			}
			continue
		}
		whole = append(whole, s)
	}
	return whole
}

// reached is where the stream stands after a planned window: by the window's own
// pages or, where it was left out, by those of the last one in it that had landed.
func (l *leg) reached(w extract.Window) extract.Bookmark {
	if own := l.windows[w.ID]; own != nil {
		return own.after
	}
	var last *Window
	for _, a := range l.Windows {
		within := a.scope == w.Scope && a.To.IsZero() == w.To.IsZero() && !a.To.After(w.To) && (!w.To.IsZero() || a.ID == w.ID)
		if a.whole() && within && a.after != nil && (last == nil || a.To.After(last.To)) {
			last = a
		}
	}
	if last == nil {
		return nil
	}
	return last.after
}
