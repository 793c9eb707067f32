package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/landing"
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

// publish merges the legs, judges them, and commits those that can be trusted.
// Where none can, the live generation stays.
func (r *run) publish(ctx context.Context) error {
	var trusted []*leg
	var changes []merged
	for _, l := range r.legs {
		if l.Status == Failed || l.Status == Interrupted {
			l.sum()
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.progress.Stage("merge " + l.Pipeline)
		if err := l.heal(ctx); err != nil {
			r.progress.Done()
			l.worsen(Failed, err.Error())
			l.sum()
			continue
		}
		tables, err := l.merge(ctx)
		r.progress.Done()
		if err != nil {
			return err
		}
		l.remadeWhole(tables)
		if err := r.judge(ctx, l, tables); err != nil {
			return err
		}
		if l.Status == Held && r.request.Accept {
			l.Status, l.Reason = Complete, "accepted: "+l.Reason
		}
		l.judgeDrift()
		if !l.publishable() {
			if err := l.withdraw(tables); err != nil {
				return err
			}
			continue
		}
		l.Published = true
		trusted = append(trusted, l)
		changes = append(changes, tables...)
	}
	if len(trusted) == 0 {
		return nil
	}
	return r.commit(ctx, trusted, changes)
}

// merge merges the staged rows of the leg's vendor tables with the live ones.
func (l *leg) merge(ctx context.Context) ([]merged, error) {
	var all []merged
	for i, t := range l.tables {
		m, err := l.run.mergeTable(ctx, t, l.stages[t.Full()], l.windowOf(i == 0))
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
	l.sumDrift(all)
	for i, n := range all[0].outcome.Windows {
		w := l.Windows[i]
		w.Distinct, w.Loaded, w.Superseded = n.Keys, n.Keys, n.Rows-n.Keys
	}
	return all, nil
}

// publishable reports whether the leg's rows go into the generation.
func (l *leg) publishable() bool {
	return l.Status == Complete || l.Status == Drifted || l.run.request.Accept || l.Status == Incomplete && writes(l.Source, l.Stream)
}

// windowIndex finds the window of a landed page; nil for tables that are not
// reconciled.
type windowIndex struct {
	count int
	of    func(page string) int
}

// windowOf indexes the windows of the leg's pages.
func (l *leg) windowOf(main bool) windowIndex {
	if !main {
		return windowIndex{}
	}
	position := map[*Window]int{}
	for i, w := range l.Windows {
		position[w] = i
	}
	byRun := map[string][]int{}
	for ref, pages := range l.pages {
		indices := make([]int, len(pages))
		for i, w := range pages {
			indices[i] = -1
			if n, ok := position[w]; ok {
				indices[i] = n
			}
		}
		byRun[ref] = indices
	}
	return windowIndex{count: len(l.Windows), of: func(page string) int {
		cut := strings.LastIndexByte(page, '/')
		indices := byRun[page[:max(cut, 0)]]
		n, err := strconv.Atoi(page[cut+1:])
		if err != nil || n < 1 || n > len(indices) {
			return -1
		}
		return indices[n-1]
	}}
}

// mergeTable merges staged rows with the live partitions of a table.
func (r *run) mergeTable(ctx context.Context, t load.Table, s *partition.Stage, windows windowIndex) (merged, error) {
	old, err := r.livePartitions(t, s)
	if err != nil {
		return merged{}, err
	}
	moved, err := s.Moved(ctx, old)
	if err != nil {
		return merged{}, err
	}
	if err := r.checkMoved(t, s, moved); err != nil {
		return merged{}, err
	}
	plan := partition.Plan{
		Old: old, Moved: moved, Window: windows.of, Windows: windows.count,
		Path: func(p partition.Partition) string {
			return r.build.Path(generation.PartitionPath(t.Schema, t.Name, s.Width().Folder(p)))
		},
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

// livePartitions are the files of a table in the parent generation. Those that the
// merge reads whole are checked first: a damaged one is no ground to build on.
func (r *run) livePartitions(t load.Table, s *partition.Stage) (map[partition.Partition]string, error) {
	files := map[partition.Partition]string{}
	if r.parent == nil || r.remade[t.Full()] {
		return files, nil
	}
	touched := map[partition.Partition]bool{}
	for _, p := range s.Touched() {
		touched[p] = true
	}
	for folder, f := range r.parent.Manifest.Tables[t.Full()].Partitions {
		if f.Rows == 0 {
			continue // it stands for the table: placeEmpty sees to it
		}
		width, p, err := partition.ParseFolder(folder)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Full(), err)
		}
		if width != s.Width() {
			return nil, &UsageError{fmt.Sprintf("table %s is partitioned by %s and its pipeline now asks for %s: etl replay rebuilds it", t.Full(), width, s.Width())}
		}
		if touched[p] && !r.parent.Intact(f) {
			return nil, damagedError(r.parent, f)
		}
		files[p] = r.parent.Path(f)
	}
	return files, nil
}

// checkMoved checks the files in which a moved key stands, beyond those that rows
// fall into: the merge takes the key's rows out of them, or believes what they say.
func (r *run) checkMoved(t load.Table, s *partition.Stage, moved partition.Moves) error {
	touched := s.Touched()
	for _, p := range moved.Held() {
		f := r.parent.Manifest.Tables[t.Full()].Partitions[s.Width().Folder(p)]
		if !slices.Contains(touched, p) && !r.parent.Intact(f) {
			return damagedError(r.parent, f)
		}
	}
	return nil
}

// withdraw takes back what a leg that is not published has merged, and records
// in the landing zone why its pages wait.
func (l *leg) withdraw(tables []merged) error {
	for _, m := range tables {
		for _, p := range m.outcome.Partitions {
			if p.Path != "" {
				if err := os.Remove(p.Path); err != nil {
					return err
				}
			}
		}
	}
	for _, t := range l.tables {
		delete(l.run.remade, t.Full())
	}
	l.New, l.Changed, l.Unchanged, l.Superseded, l.Loaded = 0, 0, 0, 0, 0
	for _, w := range l.Windows {
		w.Loaded = 0
	}
	if l.Status == Failed {
		return nil // nobody's word is waited for: the next run takes its pages over
	}
	landed, err := l.run.zone.Run(l.Source, l.Stream, l.run.id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // every window was adopted: the leg landed nothing of its own
	}
	if err != nil {
		return err
	}
	status := landing.StatusHeld
	if l.Status == Incomplete {
		status = landing.StatusIncomplete
	}
	return l.run.zone.Mark(landed, landing.Mark{Status: status, Reason: l.Reason, At: time.Now().UTC()})
}

// commit builds the generation around the merged tables and makes it live.
func (r *run) commit(ctx context.Context, legs []*leg, changes []merged) error {
	records, err := r.mergeRecords(ctx, legs)
	if err != nil {
		return err
	}
	changes = append(changes, records...)
	m := r.newManifest(legs)
	if err := r.placeTables(m, changes); err != nil {
		return err
	}
	r.progress.Stage("database")
	err = r.buildDatabase(ctx, m, changes)
	r.progress.Done()
	if err != nil {
		return err
	}
	if m.Reconciliation, err = json.Marshal(r.report.Pipelines); err != nil {
		return fmt.Errorf("record the reconciliation: %w", err)
	}
	if err := r.build.Commit(m); err != nil {
		return err
	}
	r.build = nil
	r.report.Generation = m.Generation
	if err := r.markAccepted(legs); err != nil {
		return err
	}
	r.prune()
	return nil
}

// markAccepted notes on adopted runs that waited that someone accepted them.
func (r *run) markAccepted(legs []*leg) error {
	for _, l := range legs {
		for _, adopted := range l.adopted {
			if !withheld(adopted) {
				continue
			}
			if err := r.zone.Mark(adopted, landing.Mark{Status: landing.StatusAccepted, Reason: "accepted by run " + r.id, At: r.now}); err != nil {
				return err
			}
		}
	}
	return nil
}
