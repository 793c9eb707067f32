package pipeline

import (
	"context"
	"fmt"
	"strings"

	"nightjar/load/database"
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
	l.judgeRejects(r.Config.Publish.MaxRejects)
	l.judgeValues(tables, r.Config.Publish.MaxDrop)
	l.judgeLeft(tables, r.Config.Publish.MaxDrop)
	return r.judgeDrop(ctx, l)
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
	if reason := streams[streamKey(l.Source, l.Stream)].unproven; reason != "" {
		w.Status, w.Reason = Unverifiable, reason
	}
	return false
}

func (l *leg) judgeRejects(most float64) {
	if l.Rejects > fewRejects && float64(l.Rejects) > most*float64(l.Fetched) {
		l.worsen(Held, fmt.Sprintf("%d records, nested rows and values rejected in %d records, more than max_rejects %g%% allows; see etl.rejects after `etl run %s --accept`",
			l.Rejects, l.Fetched, 100*most, l.Pipeline))
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
		l.worsen(Held, fmt.Sprintf("the vendor now gives null for %s, a drop of more than max_drop %g%%; `etl run %s --accept` publishes it all the same",
			strings.Join(lost, ", "), 100*most, l.Pipeline))
	}
}

// judgeLeft holds a run in which most of the rows leave that could: a vendor that
// shows none of a sudden has hardly taken them all back.
func (l *leg) judgeLeft(tables []merged, most float64) {
	for _, m := range tables {
		left := m.outcome.LeftRows
		had := left + m.outcome.Counts.Changed + m.outcome.Counts.Unchanged
		if had >= fewValues && float64(left) > most*float64(had) {
			l.worsen(Held, fmt.Sprintf("the vendor shows %d of %d rows of %s no more, a drop of more than max_drop %g%%; `etl run %s --accept` publishes it all the same",
				left, had, m.table.Full(), 100*most, l.Pipeline))
		}
	}
}

// judgeDrop compares the windows with the rows that the live table has for them:
// what a vendor has shown once, it shows again.
func (r *run) judgeDrop(ctx context.Context, l *leg) error {
	condition := streams[streamKey(l.Source, l.Stream)].known
	if r.replaying || r.parent == nil || condition == "" || r.parent.Manifest.Tables[l.mainTable().Full()].Rows == 0 {
		return nil
	}
	var have, came int64
	db, err := r.openLive(ctx, r.parent)
	if err != nil {
		return fmt.Errorf("count known rows of %s: %w", l.Pipeline, err)
	}
	defer db.Close()
	for _, w := range l.Windows {
		if w.adopted {
			continue
		}
		var n int64
		err := db.Scalar(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", database.Name(l.mainTable()), spanOf(condition, w)), &n)
		if err != nil {
			return fmt.Errorf("count known rows of window %s: %w", w.ID, err)
		}
		have += n
		came += w.Distinct + w.Rejected
	}
	if allowed := (1 - r.Config.Publish.MaxDrop) * float64(have); float64(came) < allowed {
		l.worsen(Held, fmt.Sprintf("%d rows came where the warehouse has %d, a drop of more than max_drop %g%%; `etl run %s --accept` publishes it all the same",
			came, have, 100*r.Config.Publish.MaxDrop, l.Pipeline))
	}
	return nil
}

// spanOf fills the interval of a window into a condition.
func spanOf(condition string, w *Window) string {
	return strings.NewReplacer("$from", instant(w.From), "$to", instant(w.To)).Replace(condition)
}
