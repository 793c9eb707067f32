package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/load/ref"
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
// Where none can, the live generation stays. What fails a leg is that leg's alone.
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
		tables, err := l.ready(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && l.publishable() {
			l.Published = true
			trusted = append(trusted, l)
			changes = append(changes, tables...)
			continue
		}
		if err == nil {
			err = l.hold()
		}
		if err != nil {
			l.fail(err)
		}
		if err := l.withdraw(); err != nil {
			return err
		}
	}
	if apart, err := r.keepApart(trusted); apart || err != nil || len(trusted) == 0 {
		return err
	}
	return r.commit(ctx, trusted, changes)
}

// ready merges the leg's rows with the live ones, and judges them.
func (l *leg) ready(ctx context.Context) ([]merged, error) {
	l.run.progress.Stage("merge " + l.Pipeline)
	defer l.run.progress.Done()
	if err := l.heal(ctx); err != nil {
		l.sum()
		return nil, err
	}
	tables, err := l.merge(ctx)
	if err != nil {
		l.sum()
		return nil, err
	}
	l.remadeWhole(tables)
	if err := l.run.judge(ctx, l, tables); err != nil {
		return nil, err
	}
	if l.Status == Held && (l.run.request.Accept || l.run.replaying && !l.lossy) {
		l.Status, l.Reason = Complete, "accepted: "+l.Reason
	}
	l.judgeDrift()
	return tables, nil
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

// publishable reports whether the leg's rows go into the generation. What a replay reads
// was published before, whatever is said of it.
func (l *leg) publishable() bool {
	if l.run.replaying && !l.lossy && l.Status != Failed {
		return true
	}
	return l.Status == Complete || l.Status == Drifted || l.run.request.Accept || l.Status == Incomplete && writes(l.Ref())
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
	for run, pages := range l.pages {
		indices := make([]int, len(pages))
		for i, w := range pages {
			indices[i] = -1
			if n, ok := position[w]; ok {
				indices[i] = n
			}
		}
		byRun[run.String()] = indices
	}
	return windowIndex{count: len(l.Windows), of: func(page string) int {
		run, seq := ref.CutPage(page)
		indices := byRun[run]
		if seq < 1 || seq > len(indices) {
			return -1
		}
		return indices[seq-1]
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

// withdraw takes back what a leg that is not published has merged, also half of a table.
func (l *leg) withdraw() error {
	for _, t := range l.tables {
		if err := os.RemoveAll(l.run.build.Path(generation.TablePath(t.Schema, t.Name))); err != nil {
			return err
		}
		delete(l.run.remade, t.Full())
	}
	l.New, l.Changed, l.Unchanged, l.Superseded, l.Loaded = 0, 0, 0, 0, 0
	for _, w := range l.Windows {
		w.Loaded = 0
	}
	return nil
}

// hold decides that what the leg has landed waits for someone's word. Nobody's word is
// waited for where it failed: the next run takes its pages over.
func (l *leg) hold() error {
	if l.Status == Failed || !l.landed {
		return nil
	}
	word := ledger.Withheld
	if l.Status == Incomplete {
		word = ledger.Incomplete
	}
	return l.run.decide(one(ledger.Hold, l.Ref(), ledger.Change{Runs: []ledger.Counted{l.ownRun()}, Word: word, Reason: l.Reason}))
}

// ownRun is what this run has landed of the leg's stream.
func (l *leg) ownRun() ledger.Counted {
	return ledger.Counted{ID: l.run.id, Pages: len(l.pages[l.Ref().Run(l.run.id)])}
}

// commit builds the generation around the merged tables and makes it live.
func (r *run) commit(ctx context.Context, legs []*leg, changes []merged) error {
	if err := r.enter(r.publication(legs)); err != nil {
		return err
	}
	m, err := r.newManifest(legs)
	if err != nil {
		return err
	}
	records, err := r.mergeRecords(ctx, legs, m.Bookmarks)
	if err != nil {
		return err
	}
	changes = append(changes, records...)
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
	if err := r.log().Write(r.record); err != nil {
		return err
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

// publication is the decision to make a generation of the legs' rows.
func (r *run) publication(legs []*leg) ledger.Decision {
	d := ledger.Decision{RunID: r.id, Kind: ledger.Publish, Streams: map[ref.Stream]ledger.Change{}}
	if r.parent != nil {
		d.Parent = r.parent.Manifest.RunID
	}
	for _, l := range legs {
		c := ledger.Change{Bookmark: json.RawMessage(l.bookmark()), Anew: r.replaying && r.remade[l.mainTable().Full()], Lost: l.gone}
		for _, a := range l.adopted {
			c.Runs = append(c.Runs, ledger.Counted{ID: a.Header.RunID, Pages: a.Landed})
		}
		if l.landed {
			c.Runs = append(c.Runs, l.ownRun())
		}
		d.Streams[l.Ref()] = c
	}
	return d
}

// markAccepted notes in the landing zone that the run's own pages are published although
// the walk found rows to be missing: someone accepted them.
func (r *run) markAccepted(legs []*leg) error {
	for _, l := range legs {
		if !l.landed || writes(l.Ref()) {
			continue
		}
		own, err := r.zone.Run(l.Ref().Run(r.id))
		if err != nil {
			return err
		}
		if own.End == nil || own.End.Status != landing.StatusIncomplete {
			continue
		}
		if err := r.zone.Mark(own, landing.Mark{Status: landing.StatusAccepted, Reason: "accepted by run " + string(r.id), At: r.now}); err != nil {
			return err
		}
	}
	return nil
}
