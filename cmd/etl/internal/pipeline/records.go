package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/load/ref"
	"nightjar/load/runlog"
	"nightjar/transform"
)

// loadTable is a table of the transform as the load knows it.
func loadTable(t transform.Table) load.Table {
	return load.Table{Schema: t.Schema, Name: t.Name, Comment: t.Comment, Key: t.Key, Parent: t.Parent, Arrow: t.Arrow()}
}

// recordWidth is the width of the partitions of a table about the warehouse, which
// all pipelines share. Bookmarks have no date, and are few.
func recordWidth(t load.Table) partition.Width {
	if t.Full() == transform.Bookmarks().Full() {
		return partition.Whole
	}
	return partition.Month
}

// recordTables are the tables about the warehouse itself.
func recordTables() []load.Table {
	return []load.Table{
		loadTable(transform.Runs()), loadTable(transform.Reconciliation()),
		loadTable(transform.Bookmarks()), loadTable(transform.Rejects()),
	}
}

// allTables is every table of the warehouse.
func allTables() []load.Table {
	var all []load.Table
	for _, t := range vendorTables() {
		all = append(all, loadTable(t))
	}
	return append(all, recordTables()...)
}

// mergeRecords stages and merges what the run has to say of itself: runs,
// reconciliation, bookmarks, and the rejects of the legs that are published.
func (r *run) mergeRecords(ctx context.Context, published []*leg, bookmarks map[ref.Stream]generation.Bookmark) ([]merged, error) {
	var all []merged
	for _, t := range recordTables() {
		s, err := partition.NewStage(t, recordWidth(t), r.build.Scratch(), r.pool, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		if err := r.fill(s, t, published, bookmarks); err != nil {
			return nil, err
		}
		m, err := r.mergeTable(ctx, t, s, windowIndex{})
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (r *run) fill(s *partition.Stage, t load.Table, published []*leg, bookmarks map[ref.Stream]generation.Bookmark) error {
	switch t.Name {
	case "rejects":
		for _, l := range published {
			s.Absorb(l.stages[t.Full()])
		}
		return nil
	case "bookmarks":
		return stageRows(s, t, r.bookmarkRows(bookmarks))
	}
	all, err := r.told(t)
	if err != nil {
		return err
	}
	rows := runRows
	if t.Name == "reconciliation" {
		rows = reconciliationRows
	}
	return stageRows(s, t, rows(all))
}

// row is one row by column name: every column of its table, nil for null, and its
// business date if it has one.
type row map[string]any

// stageRows adds rows to a stage as one record.
func stageRows(s *partition.Stage, t load.Table, rows []row) error {
	fields := append(t.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, values := range rows {
		if err := appendRow(b, fields, values); err != nil {
			return fmt.Errorf("table %s: %w", t.Full(), err)
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	return s.Add(rec)
}

func appendRow(b *array.RecordBuilder, fields []arrow.Field, values row) error {
	for i, f := range fields {
		v, there := values[f.Name]
		if !there && f.Name != load.BusinessDate {
			return fmt.Errorf("a row lacks column %s", f.Name)
		}
		if err := appendValue(b.Field(i), f, v); err != nil {
			return fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	for name := range values {
		if !slices.ContainsFunc(fields, func(f arrow.Field) bool { return f.Name == name }) {
			return fmt.Errorf("a row has a column %s, and the table has none", name)
		}
	}
	return nil
}

// appendValue appends a value of the Go type that its column takes; nil and the zero
// time are null.
func appendValue(b array.Builder, f arrow.Field, v any) error {
	if at, ok := v.(time.Time); v == nil || ok && at.IsZero() {
		if !f.Nullable {
			return errors.New("it is null, and no row may be without it")
		}
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		if text, ok := v.(string); ok {
			b.Append(text)
			return nil
		}
	case *array.Int64Builder:
		if n, ok := v.(int64); ok {
			b.Append(n)
			return nil
		}
	case *array.Date32Builder:
		if day, ok := v.(arrow.Date32); ok {
			b.Append(day)
			return nil
		}
	case *array.TimestampBuilder:
		if at, ok := v.(time.Time); ok {
			b.Append(arrow.Timestamp(at.UnixMicro()))
			return nil
		}
	}
	return fmt.Errorf("a %T is no %s", v, f.Type)
}

// orNull is v, or null where it is zero or below by the table's meaning.
func orNull(v int64) any {
	if v < 0 {
		return nil
	}
	return v
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
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
// runs since the live generation, which published nothing or are no longer live. Of a
// table that is made anew, all there are records of.
func (r *run) told(t load.Table) ([]*Report, error) {
	records := r.recorded
	if t.Full() == transform.Reconciliation().Full() {
		records = nil // what is not live has no windows to reconcile
	}
	if r.parent == nil || r.remade[t.Full()] {
		var err error
		if records, err = r.records(""); err != nil {
			return nil, err
		}
	}
	var all []*Report
	for _, record := range records {
		if summary := summaryOf(record); summary != nil && record.RunID != r.id {
			all = append(all, summary)
		}
	}
	return append(all, r.report), nil
}

// summaryOf reads the summary in a record; nil where there is none.
func summaryOf(record runlog.Record) *Report {
	var summary Report
	if len(record.Summary) == 0 || json.Unmarshal(record.Summary, &summary) != nil {
		return nil
	}
	summary.version = record.Version
	return &summary
}

func runRows(all []*Report) []row {
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
				"rejects": l.Rejects, "vendor_total": orNull(l.VendorTotal), "version": r.version, load.BusinessDate: dayOf(r.RunID),
			})
		}
	}
	return rows
}

// reconciliationRows are the windows of what was published.
func reconciliationRows(all []*Report) []row {
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
func (r *run) bookmarkRows(all map[ref.Stream]generation.Bookmark) []row {
	var rows []row
	for _, s := range slices.SortedFunc(maps.Keys(all), ref.Stream.Compare) {
		b := all[s]
		if b.RunID != r.id && !r.remade[transform.Bookmarks().Full()] {
			continue
		}
		rows = append(rows, row{
			"pipeline": b.Pipeline, "source": s.Source, "stream": s.Name, "bookmark": compactJSON(b.Value), "run_id": string(b.RunID), "updated_at": b.Updated,
		})
	}
	return rows
}

// compactJSON undoes the manifest's indentation, which is for people.
func compactJSON(value json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return string(value)
	}
	return compact.String()
}
