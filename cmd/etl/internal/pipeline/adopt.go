package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// adopt takes over the pages that earlier runs of the stream have landed and
// never published. What the landing zone will not give is this leg's to bear; the
// others go on.
func (l *leg) adopt(ctx context.Context, decoders *staging.Decoders) error {
	waiting, err := l.pending()
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
		l.Took = append(l.Took, r)
		l.Adopted++
	}
	return nil
}

// pending lists the landed runs that the leg takes over: of a run that someone has
// accepted, that one alone.
func (l *leg) pending() ([]*landing.Run, error) {
	waiting, err := l.run.Pending(l.Ref())
	if only := l.run.request.only; only != "" {
		waiting = slices.DeleteFunc(waiting, func(r *landing.Run) bool { return r.Header.RunID != only })
	}
	return waiting, err
}

// inOrder returns the runs whose pages are to be staged. Rows remember when their
// content was first seen, not when it was last seen, so versions are merged in
// the order in which they landed. Where an accepted run is older than what is
// live already, that order is had by reading all of the stream's runs again.
func (l *leg) inOrder(waiting []*landing.Run) ([]*landing.Run, error) {
	counted, err := l.run.Counted(l.Ref())
	if err != nil || len(waiting) == 0 || len(counted) == 0 || waiting[0].Header.RunID > counted[len(counted)-1] {
		return waiting, err
	}
	older, err := l.run.RunsNamed(l.Ref(), counted)
	if err != nil {
		return nil, err
	}
	for _, t := range l.Rows.Tables {
		l.run.remade[t.Full()] = true
	}
	all := slices.Concat(older, waiting)
	slices.SortFunc(all, func(a, b *landing.Run) int { return cmp.Compare(a.Header.RunID, b.Header.RunID) })
	return all, nil
}

// replay sends the pages of a landed run to the decoders and books its windows.
func (l *leg) replay(ctx context.Context, r *landing.Run, decoders *staging.Decoders) error {
	if err := l.journalDamage(r); err != nil {
		return err
	}
	byID, judged, covers := map[string]*staging.Window{}, l.run.judged(r), warehouse.Covered(r)
	for _, e := range r.Windows {
		byID[e.ID] = l.window(staging.Window{
			Window: &summary.Window{
				RunID: r.Header.RunID, ID: e.ID, From: e.From, To: e.To, Status: summary.Status(e.Status), Reason: e.Reason,
				VendorTotal: e.VendorTotal, Requests: e.Requests, Retries: e.Retries,
			},
			Scope: e.Scope, Covers: covers[e.ID], Settled: e.Settled, Adopted: true, Judged: judged,
		})
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
			w = l.window(staging.Window{Adopted: true, Window: &summary.Window{
				RunID: r.Header.RunID, ID: page.Window, Status: summary.Interrupted, VendorTotal: extract.Unknown,
				Reason: "the run ended before the window did; its rows are kept",
			}})
			byID[page.Window] = w
		}
		body, err := l.body(r, w, &page)
		if err != nil {
			return err
		}
		l.Rows.Book(w, page)
		if body == nil {
			continue
		}
		w.Pages++
		w.Fetched += page.Rows
		if err := decoders.Send(page, body); err != nil {
			return err
		}
	}
	return nil
}

// reread stages the landed pages that are in the live tables and not staged yet. Windows
// and rejects stay as they are.
func (l *leg) reread(ctx context.Context) error {
	counted, err := l.run.Counted(l.Ref())
	if err != nil {
		return err
	}
	runs, err := l.run.RunsNamed(l.Ref(), slices.DeleteFunc(slices.Clone(counted), func(id ref.RunID) bool {
		return slices.ContainsFunc(l.Took, func(a *landing.Run) bool { return a.Header.RunID == id })
	}))
	if err != nil {
		return err
	}
	walks, windows, rejects, rejected := l.Walks, l.Leg.Windows, l.Rows.Rejects, l.Rows.Rejected
	err = l.Rows.Decode(ctx, func(ctx context.Context, decoders *staging.Decoders) error {
		for _, r := range runs {
			if err := l.replay(ctx, r, decoders); err != nil {
				return err
			}
		}
		return nil
	})
	l.Walks, l.Leg.Windows, l.Rows.Rejects, l.Rows.Rejected = walks, windows, rejects, rejected
	return err
}

// judged reports whether a landed run has been judged before: by someone who accepted
// it, or when it was published.
func (r *run) judged(l *landing.Run) bool {
	if r.replaying || r.request.only != "" {
		return true
	}
	standing, err := r.Standing(l.Ref().Stream)
	return err == nil && (slices.Contains(standing.Counted, l.Header.RunID) || slices.Contains(standing.Accepted, l.Header.RunID))
}

// skipLanded leaves out the windows that adopted runs have landed whole and in
// which the vendor changes nothing any more.
func (l *leg) skipLanded(windows []extract.Window) []extract.Window {
	byScope := map[string][]stretch{}
	for _, w := range l.Walks {
		if w.Whole() && !w.To.IsZero() {
			byScope[w.Scope] = append(byScope[w.Scope], stretch{w.From, w.To})
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
		return slices.ContainsFunc(l.Walks, func(a *staging.Window) bool {
			return a.Whole() && a.To.IsZero() && a.ID == w.ID && a.Scope == w.Scope
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
