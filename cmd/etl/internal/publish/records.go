package publish

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/load/ref"
	"nightjar/transform"
)

// mergeRecords stages and merges what the run has to say of itself: runs,
// reconciliation, bookmarks, and the rejects of the legs that are published.
func (p *Publisher) mergeRecords(ctx context.Context, published []*Part, bookmarks map[ref.Stream]generation.Bookmark) ([]merged, error) {
	var all []merged
	for _, t := range warehouse.HistoryTables() {
		s, err := partition.NewStage(t, warehouse.RecordWidth(t), p.Build.Scratch(), p.Pool, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		if err := p.fill(s, t, published, bookmarks); err != nil {
			return nil, err
		}
		m, err := p.mergeTable(ctx, t, s, windowIndex{})
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (p *Publisher) fill(s *partition.Stage, t load.Table, published []*Part, bookmarks map[ref.Stream]generation.Bookmark) error {
	switch t.Name {
	case "rejects":
		for _, l := range published {
			s.Absorb(l.Rows.Stage(t))
		}
		return nil
	case "bookmarks":
		return stageRows(s, t, p.bookmarkRows(bookmarks))
	}
	all, err := p.told(t)
	if err != nil {
		return err
	}
	rows := runRows
	if t.Name == "reconciliation" {
		rows = reconciliationRows
	}
	return stageRows(s, t, rows(all))
}

// dayOf is the day of a run, by its name.
func dayOf(run ref.RunID) any {
	started := run.Started()
	if started.IsZero() {
		return nil
	}
	return arrow.Date32FromTime(started)
}

// told are the summaries that a table about runs lacks: this run's, and those of the
// runs since the live generation, which published nothing or are no longer live; they have
// no windows to reconcile. Of a table that is made anew, all there are records of.
func (p *Publisher) told(t load.Table) ([]*summary.Summary, error) {
	if p.Live != nil && !p.Remade[t.Full()] && t.Full() == transform.Reconciliation().Full() {
		return []*summary.Summary{p.Summary}, nil
	}
	all, err := p.Summaries(p.Live == nil || p.Remade[t.Full()])
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s *summary.Summary) bool { return s.RunID == p.Record.ID })
	return append(all, p.Summary), nil
}

func runRows(all []*summary.Summary) []row {
	var rows []row
	for _, r := range all {
		for _, l := range r.Pipelines {
			started := l.Started
			if started.IsZero() {
				started = r.Started
			}
			rows = append(rows, row{
				"run_id": string(r.RunID), "pipeline": l.Pipeline, "source": l.Source, "stream": l.Stream, "mode": r.Mode,
				"started_at": started, "finished_at": l.Finished, "status": string(l.Status), "reason": textOrNull(l.Reason),
				"windows": int64(len(l.Windows)), "requests": l.Requests, "retries": l.Retries, "sign_ins": l.SignIns,
				"fetched": l.Fetched, "rows_new": l.New, "rows_changed": l.Changed, "rows_unchanged": l.Unchanged,
				"rejects": l.Rejects, "vendor_total": orNull(l.VendorTotal), "version": r.Version, load.BusinessDate: dayOf(r.RunID),
			})
		}
	}
	return rows
}

// reconciliationRows are the windows of what was published.
func reconciliationRows(all []*summary.Summary) []row {
	var rows []row
	for _, r := range all {
		for _, l := range r.Pipelines {
			if !l.Published {
				continue
			}
			for _, w := range l.Windows {
				rows = append(rows, row{
					"run_id": string(w.RunID), "pipeline": l.Pipeline, "window_id": w.ID, "window_from": w.From, "window_to": w.To,
					"vendor_total": orNull(w.VendorTotal), "fetched": w.Fetched, "distinct_keys": w.Distinct, "superseded": w.Superseded,
					"loaded": w.Loaded, "rejected": w.Rejected, "pages": w.Pages, "requests": w.Requests, "retries": w.Retries,
					"status": string(w.Status), "reason": textOrNull(w.Reason), load.BusinessDate: dayOf(w.RunID),
				})
			}
		}
	}
	return rows
}

// bookmarkRows holds the bookmarks that the run moved; where the table is made
// anew, all of them.
func (p *Publisher) bookmarkRows(all map[ref.Stream]generation.Bookmark) []row {
	var rows []row
	for _, s := range slices.SortedFunc(maps.Keys(all), ref.Stream.Compare) {
		b := all[s]
		if b.RunID != p.Record.ID && !p.Remade[transform.Bookmarks().Full()] {
			continue
		}
		rows = append(rows, row{
			"pipeline": b.Pipeline, "source": s.Source, "stream": s.Name, "bookmark": warehouse.Compact(b.Value), "run_id": string(b.RunID), "updated_at": b.Updated,
		})
	}
	return rows
}
