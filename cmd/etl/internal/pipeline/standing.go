package pipeline

import (
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// landedOf lists the landed runs of a stream. Unless whole, the journals of those that
// the live generation holds are not read: a night costs what the night brought.
func (r *run) landedOf(s ref.Stream, whole bool) (*landed, error) {
	key := s
	if known := r.streams[key]; known != nil && (known.whole || !whole) {
		return known, nil
	}
	unread := func(id ref.RunID) bool { return !whole && r.settled[key].Holds(id) }
	runs, err := r.zone.Runs(s, unread)
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
		l.told = append(l.told, tell(run))
	}
	r.streams[key] = l
	return l, nil
}

// tell is what the journal of a run says to the ledger. A run that has written waits
// for nobody because rows are missing: it is published as it is.
func tell(run *landing.Run) ledger.Landed {
	l := ledger.Landed{ID: run.Header.RunID, Follows: run.Header.Follows, Pages: run.Landed, Mode: run.Header.Mode, Status: ledger.Died}
	if run.End != nil {
		l.Status, l.Reason = ledger.Status(run.End.Status), run.End.Reason
	}
	for _, m := range run.Marks {
		l.Status, l.Reason = ledger.Status(m.Status), m.Reason
	}
	if l.Status == ledger.Incomplete && writes(run.Ref().Stream) {
		l.Status = ledger.Whole
	}
	return l
}

// standing says how a stream stands.
func (r *run) standing(s ref.Stream) (ledger.Standing, error) {
	l, err := r.landedOf(s, r.request.anew)
	if err != nil {
		return ledger.Standing{}, err
	}
	return r.book.Standing(s, l.told), nil
}

// counted lists the landed runs whose rows are in the live tables.
func (r *run) counted(s ref.Stream) ([]ref.RunID, error) {
	now, err := r.standing(s)
	return now.Counted, err
}

// counts reports whether the rows of a landed run are in the live tables.
func (r *run) counts(l *landing.Run) bool {
	counted, err := r.counted(l.Ref().Stream)
	return err == nil && slices.Contains(counted, l.Header.RunID)
}

// runsNamed are landed runs of a stream by their ids.
func (r *run) runsNamed(s ref.Stream, ids []ref.RunID) ([]*landing.Run, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	l, err := r.landedOf(s, false)
	if err != nil {
		return nil, err
	}
	var runs []*landing.Run
	for _, id := range ids {
		run := l.runs[id]
		if run == nil {
			if run, err = r.zone.Run(s.Run(id)); err != nil {
				return nil, err
			}
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// pending lists the landed runs of a stream that are in no generation and are to be:
// those that died, failed or were stopped before they published, and those that someone
// has accepted.
func (r *run) pending(s ref.Stream) ([]*landing.Run, error) {
	now, err := r.standing(s)
	if err != nil {
		return nil, err
	}
	waiting := now.Waiting
	if r.request.only != "" {
		waiting = slices.DeleteFunc(slices.Clone(waiting), func(id ref.RunID) bool { return id != r.request.only })
	}
	return r.runsNamed(s, waiting)
}

// notPublished lists the landed runs of a stream whose rows are not in the live tables,
// whatever was said of them.
func (r *run) notPublished(s ref.Stream) ([]*landing.Run, error) {
	now, err := r.standing(s)
	if err != nil {
		return nil, err
	}
	ids := slices.Concat(now.Waiting, now.Discarded)
	for _, h := range now.Held {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return r.runsNamed(s, ids)
}
