package publish

import (
	"context"
	"fmt"
	"slices"

	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/partition"
)

// merged is what the merge of one table of a leg came to.
type merged struct {
	table   load.Table
	width   partition.Width
	outcome *partition.Outcome
	delta   string // path; empty where no row is new or changed
	left    string // path; empty where no row has left the table
}

// merge merges the staged rows of the leg's vendor tables with the live ones.
func (p *Publisher) merge(ctx context.Context, l *Part) ([]merged, error) {
	var all []merged
	for i, t := range l.Rows.Tables {
		var index windowIndex
		if i == 0 { // the main table alone is reconciled
			index = windowIndex{len(l.Walks), l.Rows.WindowOf(l.Walks)}
		}
		m, err := p.mergeTable(ctx, t, l.Rows.Stage(t), index)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
		c := m.outcome.Counts
		if i == 0 {
			l.Loaded = c.New + c.Changed + c.Unchanged
		}
		l.New += c.New
		l.Changed += c.Changed
		l.Unchanged += c.Unchanged
		l.Superseded += c.Superseded
	}
	l.Drift = l.Rows.Drift(
		func(table string) bool { return p.Replay || p.Remade[table] },
		func(table, column int) int64 { return all[table].outcome.Columns[column].Kept })
	for i, n := range all[0].outcome.Windows {
		w := l.Walks[i]
		w.Distinct, w.Loaded, w.Superseded = n.Keys, n.Keys, n.Rows-n.Keys
	}
	return all, nil
}

// windowIndex finds the window of a page; the zero one finds none.
type windowIndex struct {
	count int
	of    func(page string) int
}

// mergeTable merges staged rows with the live partitions of a table.
func (p *Publisher) mergeTable(ctx context.Context, t load.Table, s *partition.Stage, windows windowIndex) (merged, error) {
	old, err := p.livePartitions(t, s)
	if err != nil {
		return merged{}, err
	}
	moved, err := s.Moved(ctx, old)
	if err != nil {
		return merged{}, err
	}
	if err := p.checkMoved(t, s, moved); err != nil {
		return merged{}, err
	}
	plan := partition.Plan{
		Old: old, Moved: moved, Window: windows.of, Windows: windows.count,
		New: func(at partition.Partition) partition.Files { return p.newFiles(t, s.Width().Folder(at)) },
	}
	if len(old) > 0 {
		plan.Delta, plan.Left = s.Scratch("delta"), s.Scratch("left")
	}
	outcome, err := s.Merge(ctx, plan)
	if err != nil {
		return merged{}, err
	}
	m := merged{table: t, width: s.Width(), outcome: outcome}
	if outcome.DeltaRows > 0 {
		m.delta = plan.Delta
	}
	if outcome.LeftRows > 0 {
		m.left = plan.Left
	}
	return m, nil
}

// newFiles is where the files of a new partition are built.
func (p *Publisher) newFiles(t load.Table, folder string) partition.Files {
	return partition.Files{
		Path: p.Build.Path(generation.PartitionPath(t.Schema, t.Name, folder)),
		Keys: p.Build.Path(generation.KeysPath(t.Schema, t.Name, folder)),
	}
}

// livePartitions are the files of a table in the parent generation. Those that rows fall
// into are checked first, whole: a damaged one is no ground to build on. That costs what
// the partition holds. A file of keys that is not what was published is not used: the
// Parquet file says the same.
func (p *Publisher) livePartitions(t load.Table, s *partition.Stage) (map[partition.Partition]partition.Files, error) {
	files := map[partition.Partition]partition.Files{}
	if p.Live == nil || p.Remade[t.Full()] {
		return files, nil
	}
	touched := map[partition.Partition]bool{}
	for _, at := range s.Touched() {
		touched[at] = true
	}
	for folder, f := range p.Live.Manifest.Tables[t.Full()].Partitions {
		if f.Rows == 0 {
			continue // it stands for the table: placeEmpty sees to it
		}
		width, at, err := partition.ParseFolder(folder)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Full(), err)
		}
		if width != s.Width() {
			return nil, &warehouse.UsageError{Problem: fmt.Sprintf("table %s is partitioned by %s and its pipeline now asks for %s: etl replay rebuilds it", t.Full(), width, s.Width())}
		}
		if touched[at] && !p.Live.Intact(f) {
			return nil, warehouse.DamagedError(p.Live, f)
		}
		old := partition.Files{Path: p.Live.Path(f)}
		if f.Keys != nil && p.Live.Untouched(*f.Keys) {
			old.Keys = p.Live.Path(*f.Keys)
		}
		files[at] = old
	}
	return files, nil
}

// checkMoved checks the files in which a moved key stands, beyond those that rows
// fall into: the merge takes the key's rows out of them, or believes what they say.
func (p *Publisher) checkMoved(t load.Table, s *partition.Stage, moved partition.Moves) error {
	touched := s.Touched()
	for _, at := range s.Held(moved) {
		f := p.Live.Manifest.Tables[t.Full()].Partitions[s.Width().Folder(at)]
		if !slices.Contains(touched, at) && !p.Live.Intact(f) {
			return warehouse.DamagedError(p.Live, f)
		}
	}
	return nil
}
