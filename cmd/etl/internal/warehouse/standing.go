package warehouse

import (
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// landedOf lists the landed runs of a stream. Unless whole, the journals of those that
// the live generation holds are not read: a night costs what the night brought.
func (v *View) landedOf(s ref.Stream, whole bool) (*landed, error) {
	if l := v.landed[s]; l != nil && (l.whole || !whole) {
		return l, nil
	}
	unread := func(id ref.RunID) bool { return !whole && v.settled[s].Holds(id) }
	runs, err := v.Zone.Runs(s, unread)
	if err != nil {
		return nil, err
	}
	l := &landed{runs: map[ref.RunID]*landing.Run{}, whole: whole}
	for _, run := range runs {
		id := run.Header.RunID
		if unread(id) {
			l.told = append(l.told, ledger.Landed{ID: id})
			continue
		}
		l.runs[id] = run
		l.told = append(l.told, Tell(run))
	}
	v.landed[s] = l
	return l, nil
}

// Tell is what the journal of a run says to the ledger. A run that has written waits
// for nobody because rows are missing: it is published as it is.
func Tell(run *landing.Run) ledger.Landed {
	l := ledger.Landed{ID: run.Header.RunID, Follows: run.Header.Follows, Pages: run.Landed, Mode: run.Header.Mode, Status: ledger.Died}
	if run.End != nil {
		l.Status, l.Reason = ledger.Status(run.End.Status), run.End.Reason
	}
	for _, m := range run.Marks {
		l.Status, l.Reason = ledger.Status(m.Status), m.Reason
	}
	if s, err := streams.Of(run.Ref().Stream); err == nil && s.Writes && l.Status == ledger.Incomplete {
		l.Status = ledger.Whole
	}
	return l
}

// Standing says how a stream stands.
func (v *View) Standing(s ref.Stream) (ledger.Standing, error) {
	l, err := v.landedOf(s, v.whole)
	if err != nil {
		return ledger.Standing{}, err
	}
	return v.book.Standing(s, l.told), nil
}

// Counted lists the landed runs whose rows are in the live tables.
func (v *View) Counted(s ref.Stream) ([]ref.RunID, error) {
	now, err := v.Standing(s)
	return now.Counted, err
}

// Counts reports whether the rows of a landed run are in the live tables.
func (v *View) Counts(l *landing.Run) bool {
	counted, err := v.Counted(l.Ref().Stream)
	return err == nil && slices.Contains(counted, l.Header.RunID)
}

// RunsNamed are landed runs of a stream by their ids.
func (v *View) RunsNamed(s ref.Stream, ids []ref.RunID) ([]*landing.Run, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	l, err := v.landedOf(s, false)
	if err != nil {
		return nil, err
	}
	var runs []*landing.Run
	for _, id := range ids {
		run := l.runs[id]
		if run == nil {
			if run, err = v.Zone.Run(s.Run(id)); err != nil {
				return nil, err
			}
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// Pending lists the landed runs of a stream that are in no generation and are to be:
// those that died, failed or were stopped before they published, and those that someone
// has accepted.
func (v *View) Pending(s ref.Stream) ([]*landing.Run, error) {
	now, err := v.Standing(s)
	if err != nil {
		return nil, err
	}
	return v.RunsNamed(s, now.Waiting)
}

// unpublished lists the landed runs of a stream whose rows are not in the live tables,
// whatever was said of them.
func (v *View) unpublished(s ref.Stream) ([]*landing.Run, error) {
	now, err := v.Standing(s)
	if err != nil {
		return nil, err
	}
	ids := slices.Concat(now.Waiting, now.Discarded)
	for _, h := range now.Held {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return v.RunsNamed(s, ids)
}

// Settle is what a generation keeps of the ledger, with the decision to publish in it.
// Fresh are the streams of which the run has landed anything since the View looked.
func (v *View) Settle(fresh ...ref.Stream) (map[ref.Stream]ledger.Settled, error) {
	for _, s := range fresh {
		delete(v.landed, s)
	}
	known, err := v.Streams()
	if err != nil {
		return nil, err
	}
	settled := map[ref.Stream]ledger.Settled{}
	for _, s := range known {
		landed, err := v.landedOf(s, v.whole)
		if err != nil {
			return nil, err
		}
		kept := v.book.Settle(s, landed.told)
		kept.AsOf = v.settled[s].AsOf
		settled[s] = kept
	}
	return settled, nil
}
