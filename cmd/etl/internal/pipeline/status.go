package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/lock"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// State is what `etl status` shows.
type State struct {
	Warehouse  string          `json:"warehouse"`
	Generation int             `json:"generation"` // live; zero for none
	Created    time.Time       `json:"created,omitzero"`
	Pipelines  []PipelineState `json:"pipelines"`
}

// PipelineState is how one pipeline stands.
type PipelineState struct {
	Pipeline  string    `json:"pipeline"`
	Enabled   bool      `json:"enabled"`
	Last      *LastRun  `json:"last_run,omitempty"`      // whatever became of it
	Published time.Time `json:"last_published,omitzero"` // when the last run began that published the pipeline
	Bookmark  string    `json:"bookmark,omitempty"`
	FreshAsOf time.Time `json:"fresh_as_of,omitzero"` // up to when its rows are proven
	Next      time.Time `json:"next_run,omitzero"`
	Waiting   []Waiting `json:"waiting,omitempty"` // landed runs that are not published
	// NotAsked is what the tables hold and the configuration no longer asks for.
	NotAsked []string `json:"no_longer_asked,omitempty"`
	// Unknown are the writes of which nobody knows whether they were done.
	Unknown []UnknownRequest `json:"unknown,omitempty"`
}

// LastRun is a row of etl.runs in short.
type LastRun struct {
	RunID     ref.RunID `json:"run_id"`
	Started   time.Time `json:"started"`
	Status    string    `json:"status"`
	Published bool      `json:"published"`
	Reason    string    `json:"reason,omitempty"` // of a status other than complete
	Fetched   int64     `json:"fetched"`
	New       int64     `json:"rows_new"`
	Changed   int64     `json:"rows_changed"`
}

// Waiting is a landed run that is not in the tables.
type Waiting struct {
	RunID  ref.RunID `json:"run_id"`
	Status string    `json:"status"` // held, incomplete, superseded, rolled back; failed, died, accepted
	Reason string    `json:"reason,omitempty"`
}

// Held reports whether the run waits for someone's word.
func (w Waiting) Held() bool {
	switch ledger.Status(w.Status) {
	case ledger.Withheld, ledger.Incomplete, ledger.RolledBack, ledger.Superseded:
		return true
	}
	return false
}

// Status reads how the warehouse and its pipelines stand.
func (r *Runner) Status(ctx context.Context) (*State, error) {
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	state := &State{Warehouse: r.Config.Warehouse}
	if run.parent != nil {
		state.Generation, state.Created = run.parent.Manifest.Generation, run.parent.Manifest.Created
	}
	k := newKnown(run)
	defer k.close()
	for _, p := range r.Config.Pipelines {
		s := PipelineState{Pipeline: p.Name, Enabled: p.Enabled}
		if p.Enabled {
			s.Next = p.Schedule.Next(run.now)
		}
		if loader, _ := r.Config.Loader(p.Ref()); loader.Name == p.Name {
			if err := run.describe(ctx, &s, p, k); err != nil {
				return nil, err
			}
		}
		if writes(p.Ref()) {
			if s.Unknown, err = k.unknown(ctx, p.RetryUnknown); err != nil {
				return nil, err
			}
		}
		state.Pipelines = append(state.Pipelines, s)
	}
	r.lastRuns(state.Pipelines)
	return state, nil
}

// describe says how the stream of a pipeline stands. Of several entries for a
// stream, only the one that loads it has anything to say of that.
func (r *run) describe(ctx context.Context, s *PipelineState, p config.Pipeline, k *known) error {
	key := p.Ref()
	if r.parent != nil {
		s.FreshAsOf = r.asOf(r.parent.Manifest, key)
	}
	s.Bookmark = string(r.bookmark(p.Ref()))
	var err error
	if left := streams[key].left; left != nil && p.Enabled {
		if s.NotAsked, err = left(ctx, &opener{run: r, pipeline: p, known: k}); err != nil {
			return err
		}
	}
	s.Waiting, err = r.waiting(p.Ref())
	return err
}

// waiting lists the landed runs of a stream that are not published, oldest first.
func (r *run) waiting(s ref.Stream) ([]Waiting, error) {
	standing, err := r.standing(s)
	if err != nil {
		return nil, err
	}
	var all []Waiting
	for _, h := range standing.Held {
		all = append(all, Waiting{h.ID, h.Word, h.Reason})
	}
	runs, err := r.runsNamed(s, standing.Waiting)
	if err != nil {
		return nil, err
	}
	for _, l := range runs {
		told := tell(l)
		w := Waiting{told.ID, string(told.Status), told.Reason}
		switch {
		case slices.Contains(standing.Accepted, told.ID):
			w = Waiting{told.ID, string(ledger.Accepted), "the next run publishes it"}
		case w.Reason == "":
			w.Reason = "the next run takes over what it landed"
		}
		if l.Damage != nil {
			w.Reason = strings.TrimPrefix(w.Reason+"; "+l.Damage.Error()+", and what stands behind is asked for again", "; ")
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Waiting) int { return cmp.Compare(a.RunID, b.RunID) })
	return all, nil
}

// lastRuns reads from the records how each pipeline ran last. It reads back as far as it
// takes to find them all.
func (r *Runner) lastRuns(pipelines []PipelineState) {
	left := 0
	for _, p := range pipelines {
		if p.Enabled {
			left++
		}
	}
	for record := range r.log().Newest() {
		summary := summaryOf(record)
		if left == 0 {
			return
		}
		if summary == nil || summary.Mode == "replay" {
			continue
		}
		for i := range pipelines {
			p := &pipelines[i]
			l := legNamed(summary, p.Pipeline)
			if l == nil || !p.Published.IsZero() {
				continue
			}
			if p.Last == nil {
				p.Last = lastRun(record, l, lock.HeldBy(r.lockPath(), record.PID))
			}
			if l.Published {
				p.Published = summary.Started
				if p.Enabled {
					left--
				}
			}
		}
	}
}

func legNamed(summary *Report, pipeline string) *Leg {
	for _, l := range summary.Pipelines {
		if l.Pipeline == pipeline {
			return l
		}
	}
	return nil
}

// lastRun is a leg in short. One whose record has not ended is under way while someone
// holds the lock.
func lastRun(record runlog.Record, l *Leg, busy bool) *LastRun {
	last := &LastRun{
		RunID: record.RunID, Started: record.Started, Status: string(l.Status), Published: l.Published, Reason: l.Reason,
		Fetched: l.Fetched, New: l.New, Changed: l.Changed,
	}
	switch {
	case record.Status == runlog.Running && busy:
		last.Status, last.Reason = runlog.Running, ""
	case record.Status == runlog.Running:
		last.Status = string(ledger.Died)
	case last.Reason == "" && l.Status != Complete:
		last.Reason = record.Reason
	}
	return last
}
