package publish

import (
	"context"
	"fmt"
	"strings"

	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract"
	"nightjar/load/database"
	"nightjar/load/partition"
)

// fewRejects never hold a run: a share says little of so few.
const fewRejects = 10

// judge decides whether the leg's rows can be trusted. What it finds worsens the
// leg's status; --accept overrules it when the leg is published.
func (p *Publisher) judge(ctx context.Context, l *Part, tables []merged) error {
	for _, w := range l.Walks {
		if l.judgeWindow(w) {
			l.Worsen(summary.Incomplete, "window "+w.ID+": "+w.Reason)
		}
	}
	l.Sum()
	l.judgeMissing(p.Accept)
	l.judgeRejects(p.Config.Publish.MaxRejects)
	l.judgeValues(tables, p.Config.Publish.MaxDrop)
	l.judgeLeft(tables, p.Config.Publish.MaxDrop)
	return p.judgeDrop(ctx, l, tables[0].outcome.Counts)
}

// judgeWindow reconciles a window: every record fetched is a row, an older
// version or a reject, and all that the vendor counts is there. It reports whether
// the leg lacks rows: of an adopted window, rows that a page held and that are lost,
// or that nobody has missed yet and the leg has not asked for again.
func (l *Part) judgeWindow(w *staging.Window) (lacks bool) {
	if staged := w.Distinct + w.Superseded; w.Fetched > staged+w.Rejected {
		w.Status = summary.Incomplete
		w.Reason = fmt.Sprintf("%d records fetched, but %d rows and %d rejected records came of them", w.Fetched, staged, w.Rejected)
		return true
	}
	if w.Status != summary.Complete {
		return w.Status == summary.Incomplete && !w.Adopted
	}
	if have := w.Distinct + w.Rejected; w.VendorTotal > have {
		w.Status = summary.Incomplete
		w.Reason = fmt.Sprintf("the vendor counts %d, and %d came", w.VendorTotal, have)
		return !w.Adopted || !w.Judged && l.Own[w.ID] == nil
	}
	if reason := l.Rows.Stream.Unproven; reason != "" {
		w.Status, w.Reason = summary.Unverifiable, reason
	}
	return false
}

// judgeMissing holds a replay of which the landing zone has lost a part.
func (l *Part) judgeMissing(accepted bool) {
	if len(l.Missing) == 0 {
		return
	}
	l.lossy = true
	what := strings.Join(l.Missing, "; ")
	if accepted {
		l.Worsen(summary.Incomplete, "published without what the landing zone has lost: "+what+"; the next run asks the vendor for it")
		return
	}
	l.Worsen(summary.Held, "the landing zone has lost what was published: "+what+"; restore it from a backup, or publish what is left with `etl replay --accept`")
}

func (l *Part) judgeRejects(most float64) {
	if l.Rejects > fewRejects && float64(l.Rejects) > most*float64(l.Fetched) {
		l.Worsen(summary.Held, fmt.Sprintf("%d records, nested rows and values rejected in %d records, more than max_rejects %g%% allows",
			l.Rejects, l.Fetched, 100*most))
	}
}

// fewValues never hold a run: a vendor may take back a few.
const fewValues = 100

// judgeValues compares the records that came again with what they held: where most
// of a column's values are null of a sudden, the vendor has dropped a field and says
// it is empty.
func (l *Part) judgeValues(tables []merged, most float64) {
	var lost []string
	for _, m := range tables {
		for i, c := range m.outcome.Columns {
			if c.Had >= fewValues && float64(c.Lost) > most*float64(c.Had) {
				lost = append(lost, fmt.Sprintf("%d of %d values of %s.%s", c.Lost, c.Had, m.table.Full(), m.table.Arrow.Field(i).Name))
			}
		}
	}
	if len(lost) > 0 {
		l.Worsen(summary.Held, fmt.Sprintf("the vendor now gives null for %s, a drop of more than max_drop %g%%", strings.Join(lost, ", "), 100*most))
	}
}

// judgeLeft holds a run in which most of the rows leave that could: a vendor that
// shows none of a sudden has hardly taken them all back.
func (l *Part) judgeLeft(tables []merged, most float64) {
	for _, m := range tables {
		left := m.outcome.GoneRows
		had := left + m.outcome.Counts.Changed + m.outcome.Counts.Unchanged
		if had >= fewValues && float64(left) > most*float64(had) {
			l.Worsen(summary.Held, fmt.Sprintf("the vendor shows %d of %d rows of %s no more, a drop of more than max_drop %g%%",
				left, had, m.table.Full(), 100*most))
		}
	}
}

// judgeDrop compares the windows with the rows that the live table has for them:
// what a vendor has shown once, it shows again. Rows that are new, or more than a
// window has to bring again, make up for none that did not come.
func (p *Publisher) judgeDrop(ctx context.Context, l *Part, keys partition.Counts) error {
	stream := l.Rows.Stream
	if p.Replay || p.Live == nil || stream.Again == nil || p.Live.Manifest.Tables[l.main().Full()].Rows == 0 {
		return nil
	}
	var have, came, rejected int64
	err := p.AskLive(ctx, p.Build.Scratch(), func(db *database.DB) error {
		have, came, rejected = 0, 0, 0
		for _, w := range l.Walks {
			if w.Adopted {
				continue
			}
			condition, err := stream.Again(w.From, w.To, w.Scope)
			if err != nil {
				return err
			}
			var n int64
			if err := db.Scalar(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", database.Name(l.main()), condition), &n); err != nil {
				return fmt.Errorf("window %s: %w", w.ID, err)
			}
			have += n
			came += min(n, w.Distinct+w.Rejected)
			rejected += w.Rejected
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count known rows of %s: %w", l.Pipeline, err)
	}
	if !p.Remade[l.main().Full()] {
		came = min(came, keys.Changed+keys.Unchanged+rejected)
	}
	if allowed := (1 - p.Config.Publish.MaxDrop) * float64(have); float64(came) < allowed {
		l.Worsen(summary.Held, fmt.Sprintf("%d rows came where the warehouse has %d, a drop of more than max_drop %g%%",
			came, have, 100*p.Config.Publish.MaxDrop))
	}
	return nil
}

// judgeRemade compares the tables that were made anew with what was published. A night
// fails where they have fewer rows: the landing zone then lacks pages that they came
// from. A replay may give fewer, after a fix, up to a bound.
func (p *Publisher) judgeRemade(l *Part, tables []merged) {
	if p.Live == nil {
		return
	}
	for _, m := range tables {
		if !p.Remade[m.table.Full()] {
			continue
		}
		var rows int64
		for _, p := range m.outcome.Partitions {
			rows += p.Rows
		}
		rows += m.outcome.Counts.Gone
		had := p.Live.Manifest.Tables[m.table.Full()].Rows
		most := p.Config.Publish.MaxDrop
		switch {
		case p.Replay && float64(rows) < (1-most)*float64(had):
			l.lossy = true
			l.Worsen(summary.Held, fmt.Sprintf("table %s made anew of the landed pages has %d rows, and %d were published, a drop of more than max_drop %g%%; `etl replay --accept` publishes it all the same",
				m.table.Full(), rows, had, 100*most))
		case !p.Replay && rows < had:
			l.Worsen(summary.Failed, fmt.Sprintf("table %s made anew of the landed pages has %d rows, and %d were published: the landing zone lacks pages; restore them, or publish what there is with `etl replay`",
				m.table.Full(), rows, had))
		}
	}
}

// judgeDrift worsens the leg where columns were not asked for.
func (l *Part) judgeDrift() {
	if len(l.Drift) == 0 {
		return
	}
	parts := make([]string, len(l.Drift))
	for i, d := range l.Drift {
		parts[i] = fmt.Sprintf("%s (vendor field %s, %d values kept)", d.Column, d.Vendor, d.Kept)
		if strings.Count(d.Column, ".") == 1 {
			parts[i] = fmt.Sprintf("all of %s (vendor field %s, its rows stay as they are)", d.Column, d.Vendor)
		}
	}
	reason := "these columns were not asked for and keep what they last held: " + strings.Join(parts, "; ")
	if l.Reason != "" && l.Status == summary.Complete {
		reason = l.Reason + "; " + reason // someone accepted it
	}
	l.Worsen(summary.Drifted, reason)
}

// Sum adds up the windows. What the vendor counts is asked of this run's alone.
func (l *Part) Sum() {
	if l.Rows != nil {
		l.Rejects, l.Rejected = l.Rows.Rejects, l.Rows.Rejected
	}
	l.VendorTotal = extract.Unknown
	for _, w := range l.Walks {
		l.Pages += w.Pages
		l.Fetched += w.Fetched
		if !w.Adopted && w.VendorTotal >= 0 {
			l.VendorTotal = max(l.VendorTotal, 0) + w.VendorTotal
		}
	}
}
