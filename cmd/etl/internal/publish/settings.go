package publish

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/transform"
)

// writeSettings writes the tables of what the configuration says to the marts. They
// follow from the configuration, and from how far the vendors were asked, alone: each
// is written whole, and where it came out as it was, the parent's file stays.
func (p *Publisher) writeSettings(ctx context.Context, m *generation.Manifest) ([]merged, error) {
	var all []merged
	for _, t := range []struct {
		table load.Table
		rows  []row
	}{
		{warehouse.Table(transform.SurveyChannels()), p.channelRows()},
		{warehouse.Table(transform.FinalDays()), p.finalRows(m)},
	} {
		written, err := p.writeWhole(ctx, t.table, t.rows)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.table.Full(), err)
		}
		all = append(all, written)
	}
	return all, nil
}

// channelRows are where the surveys are asked.
func (p *Publisher) channelRows() []row {
	var rows []row
	for survey, channels := range map[string][]string{"csat": p.Config.Marts.CSATChannels, "nps": p.Config.Marts.NPSChannels} {
		for i, channel := range slices.Compact(slices.Sorted(slices.Values(channels))) {
			rows = append(rows, row{"survey": survey, "position": int64(i), "project_id": nil, "channel": channel, "valid_from": nil})
		}
	}
	return rows
}

// finalRows are the last final days of all kinds of records. Nothing in them is the
// clock's.
func (p *Publisher) finalRows(m *generation.Manifest) []row {
	var rows []row
	add := func(records string, asOf time.Time, settle time.Duration) {
		r := row{"records": records, "last_day": nil}
		if day, ok := transform.FinalThrough(asOf, settle, p.Config.Timezone); ok {
			r["last_day"] = arrow.Date32FromTime(day)
		}
		rows = append(rows, r)
	}
	for _, stream := range streams.All() {
		if stream.Records == "" {
			continue
		}
		asOf, settle := p.AsOf(m, stream), p.settleOf(stream)
		add(stream.Records, asOf, settle)
		if stream.Attribution > 0 {
			add("revenue", asOf, max(settle, stream.Attribution))
		}
	}
	return rows
}

// settleOf is how long a record of the stream may still change.
func (p *Publisher) settleOf(stream *streams.Stream) time.Duration {
	if pipeline, ok := p.Config.Loader(stream.Ref()); ok && stream.Settle != nil {
		return stream.Settle(pipeline)
	}
	return 0
}

// writeWhole writes a table that is one file. Where the parent has the same rows, no row
// has come or left; otherwise all of the parent's have left.
func (p *Publisher) writeWhole(ctx context.Context, t load.Table, rows []row) (merged, error) {
	s, err := partition.NewStage(t, warehouse.RecordWidth(t), p.Build.Scratch(), p.Pool, memory.DefaultAllocator)
	if err != nil {
		return merged{}, err
	}
	defer s.Close()
	if err := stageRows(s, t, rows); err != nil {
		return merged{}, err
	}
	folder := s.Width().Folder(partition.None)
	files := p.newFiles(t, folder)
	outcome, err := s.Merge(ctx, partition.Plan{New: func(partition.Partition) partition.Files { return files }})
	if err != nil {
		return merged{}, err
	}
	m := merged{table: t, width: s.Width(), outcome: outcome}
	if len(rows) > 0 {
		m.delta, outcome.DeltaRows = files.Path, int64(len(rows))
	}
	if p.Live == nil || p.Remade[t.Full()] {
		return m, nil
	}
	old := p.Live.Manifest.Tables[t.Full()].Partitions[folder]
	if old.Path != "" && !p.Live.Intact(old) {
		p.Found("%s of generation %d is damaged; the table is made anew", old.Path, p.Live.Manifest.Generation)
		p.Remade[t.Full()] = true
		return m, nil
	}
	switch {
	case old.Rows == 0:
		return m, nil
	case len(rows) == 0:
		outcome.Partitions = []partition.Result{{Partition: partition.None, Changed: true}}
	case outcome.Partitions[0].SHA256 == old.SHA256:
		m.delta, outcome.DeltaRows, outcome.Partitions[0].Changed = "", 0, false
		return m, nil
	}
	// The statements that update the database reach no file of another generation.
	m.left, outcome.LeftRows = s.Scratch("left"), old.Rows
	content, err := os.ReadFile(p.Live.Path(old))
	if err != nil {
		return merged{}, err
	}
	return m, os.WriteFile(m.left, content, 0o600)
}
