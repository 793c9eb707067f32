package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// What has landed can be damaged since. A page that waits to be published is set
// aside, and its window is asked for again in the same run. A page that was
// published is asked for by nobody: the run that needs it ends, and a replay goes
// on without it where its operator says so.

// body is what a landed page holds; nil for one that the leg goes on without.
func (l *leg) body(r *landing.Run, w *staging.Window, page *landing.Landed) ([]byte, error) {
	if l.run.skip[page.Ref] {
		l.leaveOut(w, *page, summary.Incomplete, "left out at the operator's word")
		return nil, nil
	}
	body, err := l.run.Zone.Body(page, nil)
	var corrupt *landing.CorruptError
	if !errors.As(err, &corrupt) {
		return body, err
	}
	aside, unread := l.run.Zone.IsAside(*page)
	switch {
	case unread != nil:
		return nil, errors.Join(err, unread)
	case aside:
	case l.waits(r):
		if err := l.run.Zone.SetAside(*page); err != nil {
			return nil, err
		}
		l.tellAside(err)
	default:
		return nil, l.refusal(r, corrupt)
	}
	return l.standIn(r, w, *page), nil
}

// tellAside tells of a page that was set aside. Of many, as where all that a run has
// landed is lost, it tells of the first.
func (l *leg) tellAside(damage error) {
	if l.aside++; l.aside > told {
		l.run.Found("%s: more landed pages are damaged, each set aside where it stands; `etl verify --landing` lists all", l.Pipeline)
		return
	}
	l.run.Found("%s: %v; the page waited to be published, is set aside where it stands, and %s", l.Pipeline, damage, l.remedy())
}

// refusal says what is damaged, and every way out.
func (l *leg) refusal(r *landing.Run, damage *landing.CorruptError) error {
	again := ""
	if l.run.Live != nil && !l.run.Counts(r) {
		again = fmt.Sprintf("`etl run %s` asks for it again; or ", l.Pipeline)
	}
	return fmt.Errorf("%w: %srestore it from a backup (landing/%s), or go on without it: `etl replay --skip %s`; `etl verify --landing` lists all that is damaged",
		damage, again, landing.File(damage.Ref), damage.Ref)
}

// waits reports whether the landed run is taken over by a run that can ask the
// vendor again.
func (l *leg) waits(r *landing.Run) bool {
	return !l.run.replaying && !l.run.Counts(r)
}

func (l *leg) remedy() string {
	if l.about.Writes {
		return "is a write whose outcome is unknown"
	}
	return "its window is asked for again"
}

// outcomeUnknown stands for the lost answer of a write.
const outcomeUnknown = `{"outcome":"unknown","reason":"the landed answer is damaged"}`

// standIn leaves a page out that was set aside, and has its window asked for again
// while the run waits. A write is not repeated: its outcome is unknown.
func (l *leg) standIn(r *landing.Run, w *staging.Window, page landing.Landed) []byte {
	if l.about.Writes {
		if l.waits(r) {
			l.Worsen(summary.Incomplete, "the landed answer "+page.Ref.String()+" is damaged: the outcome of its write is unknown")
		}
		return []byte(outcomeUnknown)
	}
	l.leaveOut(w, page, summary.Interrupted, "damaged, set aside, and the window asked for again")
	if l.waits(r) {
		l.askAgain(r, func(planned extract.Window) bool { return planned.ID == w.ID })
	}
	return nil
}

// leaveOut books that the window lacks a page.
func (l *leg) leaveOut(w *staging.Window, page landing.Landed, status summary.Status, why string) {
	l.Rows.LeaveOut(w, page)
	w.Status, w.Settled = status, false
	w.Reason = fmt.Sprintf("%s: %s, with %d records in all", why, refs(w.Without), w.Lost)
	if status == summary.Incomplete {
		l.lost += page.Rows
		l.leftOut(page.Ref)
	}
}

// leftOut puts on the leg's record what its operator chose to go on without.
func (l *leg) leftOut(page ref.Page) {
	l.gap = true
	l.left = append(l.left, page)
	l.Worsen(summary.Incomplete, "")
	l.Reason = fmt.Sprintf("left out at the operator's word (--skip): %s, with %d records", refs(l.left), l.lost)
	if slices.ContainsFunc(l.left, ref.Page.Journal) {
		l.Reason += ", and what stands behind the damage of a journal"
	}
}

// journalDamage decides what becomes of a landed run whose journal is damaged.
func (l *leg) journalDamage(r *landing.Run) error {
	if r.Damage == nil {
		return nil
	}
	if l.run.skip[r.Damage.Ref] {
		l.leftOut(r.Damage.Ref)
		return nil
	}
	aside, err := l.run.Zone.JournalIsAside(r)
	switch {
	case err != nil:
		return errors.Join(r.Damage, err)
	case aside:
	case l.waits(r):
		if err := l.run.Zone.SetJournalAside(r); err != nil {
			return err
		}
		l.run.Found("%s: %v; what stands before counts, and the rest is asked for again", l.Pipeline, r.Damage)
	default:
		return l.refusal(r, r.Damage)
	}
	if l.waits(r) && !l.about.Writes {
		whole := map[string]bool{}
		for _, w := range r.Windows {
			whole[w.ID] = true
		}
		l.askAgain(r, func(planned extract.Window) bool { return !whole[planned.ID] })
	}
	return nil
}

// askAgain notes the windows of a landed run's plan that are to be asked for once
// more.
func (l *leg) askAgain(r *landing.Run, which func(extract.Window) bool) {
	for _, w := range warehouse.Planned(r) { // where it is lost, what the leg plans has to do
		if which(w) && !slices.ContainsFunc(l.again, func(a extract.Window) bool { return a.ID == w.ID }) {
			l.again = append(l.again, w)
		}
	}
}

// notPlanned are the windows to ask for again that no planned one covers, those of
// a backfill for example. The bookmark does not follow them.
func (l *leg) notPlanned(planned []extract.Window) []extract.Window {
	return slices.DeleteFunc(l.again, func(w extract.Window) bool {
		return slices.ContainsFunc(planned, func(p extract.Window) bool {
			return p.ID == w.ID || p.Scope == w.Scope && !w.From.IsZero() && !p.From.IsZero() && !p.From.After(w.From) && !p.To.Before(w.To)
		})
	})
}

// takeSkips checks what a replay is to go on without.
func (r *run) takeSkips(refs []string) error {
	r.skip = map[ref.Page]bool{}
	for _, text := range refs {
		page, err := ref.ParsePage(text)
		has := false
		if err == nil {
			has, err = r.Zone.Has(page)
		}
		switch {
		case err != nil:
			return &warehouse.UsageError{Problem: "--skip: " + err.Error()}
		case !has:
			return &warehouse.UsageError{Problem: fmt.Sprintf("--skip: no page or journal %s has landed; `etl verify --landing` lists what is damaged", page)}
		}
		r.skip[page] = true
	}
	return nil
}

// told is how many damaged pages are named in one place.
const told = 20

// refs is references behind commas, the first ones of many.
func refs(pages []ref.Page) string {
	var texts []string
	for _, p := range pages[:min(len(pages), told)] {
		texts = append(texts, p.String())
	}
	if more := len(pages) - told; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}
