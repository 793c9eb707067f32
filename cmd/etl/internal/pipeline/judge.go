package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nightjar/load/database"
	"nightjar/load/partition"
)

// fewRejects never hold a run: a share says little of so few.
const fewRejects = 10

// judge decides whether the leg's rows can be trusted. What it finds worsens the
// leg's status; --accept overrules it when the leg is published.
func (r *run) judge(ctx context.Context, l *leg, tables []merged) error {
	for _, w := range l.Windows {
		if l.judgeWindow(w) {
			l.worsen(Incomplete, "window "+w.ID+": "+w.Reason)
		}
	}
	l.sum()
	l.judgeMissing()
	l.judgeRejects(r.Config.Publish.MaxRejects)
	l.judgeValues(tables, r.Config.Publish.MaxDrop)
	l.judgeLeft(tables, r.Config.Publish.MaxDrop)
	return r.judgeDrop(ctx, l, tables[0].outcome.Counts)
}

// judgeWindow reconciles a window: every record fetched is a row, an older
// version or a reject, and all that the vendor counts is there. It reports whether
// the leg lacks rows: of an adopted window, rows that a page held and that are lost,
// or that nobody has missed yet and the leg has not asked for again.
func (l *leg) judgeWindow(w *Window) (lacks bool) {
	if staged := w.Distinct + w.Superseded; w.Fetched > staged+w.Rejected {
		w.Status = Incomplete
		w.Reason = fmt.Sprintf("%d records fetched, but %d rows and %d rejected records came of them", w.Fetched, staged, w.Rejected)
		return true
	}
	if w.Status != Complete {
		return w.Status == Incomplete && !w.adopted
	}
	if have := w.Distinct + w.Rejected; w.VendorTotal > have {
		w.Status = Incomplete
		w.Reason = fmt.Sprintf("the vendor counts %d, and %d came", w.VendorTotal, have)
		return !w.adopted || !w.judged && l.windows[w.ID] == nil
	}
	if reason := streams[l.Ref()].unproven; reason != "" {
		w.Status, w.Reason = Unverifiable, reason
	}
	return false
}

// judgeMissing holds a replay of which the landing zone has lost a part.
func (l *leg) judgeMissing() {
	if len(l.missing) == 0 {
		return
	}
	l.lossy = true
	what := strings.Join(l.missing, "; ")
	if l.run.request.Accept {
		l.worsen(Incomplete, "published without what the landing zone has lost: "+what+"; the next run asks the vendor for it")
		return
	}
	l.worsen(Held, "the landing zone has lost what was published: "+what+"; restore it from a backup, or publish what is left with `etl replay --accept`")
}

func (l *leg) judgeRejects(most float64) {
	if l.Rejects > fewRejects && float64(l.Rejects) > most*float64(l.Fetched) {
		l.worsen(Held, fmt.Sprintf("%d records, nested rows and values rejected in %d records, more than max_rejects %g%% allows",
			l.Rejects, l.Fetched, 100*most))
	}
}

// fewValues never hold a run: a vendor may take back a few.
const fewValues = 100

// judgeValues compares the records that came again with what they held: where most
// of a column's values are null of a sudden, the vendor has dropped a field and says
// it is empty.
func (l *leg) judgeValues(tables []merged, most float64) {
	var lost []string
	for _, m := range tables {
		for i, c := range m.outcome.Columns {
			if c.Had >= fewValues && float64(c.Lost) > most*float64(c.Had) {
				lost = append(lost, fmt.Sprintf("%d of %d values of %s.%s", c.Lost, c.Had, m.table.Full(), m.table.Arrow.Field(i).Name))
			}
		}
	}
	if len(lost) > 0 {
		l.worsen(Held, fmt.Sprintf("the vendor now gives null for %s, a drop of more than max_drop %g%%", strings.Join(lost, ", "), 100*most))
	}
}

// judgeLeft holds a run in which most of the rows leave that could: a vendor that
// shows none of a sudden has hardly taken them all back.
func (l *leg) judgeLeft(tables []merged, most float64) {
	for _, m := range tables {
		left := m.outcome.LeftRows
		had := left + m.outcome.Counts.Changed + m.outcome.Counts.Unchanged
		if had >= fewValues && float64(left) > most*float64(had) {
			l.worsen(Held, fmt.Sprintf("the vendor shows %d of %d rows of %s no more, a drop of more than max_drop %g%%",
				left, had, m.table.Full(), 100*most))
		}
	}
}

// judgeDrop compares the windows with the rows that the live table has for them:
// what a vendor has shown once, it shows again. Rows that are new, or more than a
// window has to bring again, make up for none that did not come.
func (r *run) judgeDrop(ctx context.Context, l *leg, keys partition.Counts) error {
	stream := streams[l.Ref()]
	if r.replaying || r.parent == nil || stream.known == "" || r.parent.Manifest.Tables[l.mainTable().Full()].Rows == 0 {
		return nil
	}
	var have, came, rejected int64
	db, err := r.openLive(ctx, r.parent)
	if err != nil {
		return fmt.Errorf("count known rows of %s: %w", l.Pipeline, err)
	}
	defer db.Close()
	for _, w := range l.Windows {
		if w.adopted {
			continue
		}
		condition, err := stream.holds(w.From, w.To, w.scope)
		if err != nil {
			return err
		}
		var n int64
		err = db.Scalar(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", database.Name(l.mainTable()), condition), &n)
		if err != nil {
			return fmt.Errorf("count known rows of window %s: %w", w.ID, err)
		}
		have += n
		came += min(n, w.Distinct+w.Rejected)
		rejected += w.Rejected
	}
	if !r.remade[l.mainTable().Full()] {
		came = min(came, keys.Changed+keys.Unchanged+rejected)
	}
	if allowed := (1 - r.Config.Publish.MaxDrop) * float64(have); float64(came) < allowed {
		l.worsen(Held, fmt.Sprintf("%d rows came where the warehouse has %d, a drop of more than max_drop %g%%",
			came, have, 100*r.Config.Publish.MaxDrop))
	}
	return nil
}

// holds is the condition for the rows that a window must bring again.
func (s streamEntry) holds(from, to time.Time, scope string) (string, error) {
	condition := strings.NewReplacer("$from", instant(from), "$to", instant(to)).Replace(s.known)
	if s.within == nil {
		return condition, nil
	}
	within, err := s.within(scope)
	return condition + " AND " + within, err
}
