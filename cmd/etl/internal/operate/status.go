package operate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
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
	// Night is when the newest run began that asked for all that was new, and whose rows are
	// live: a night, a full run, or one by hand; neither a backfill nor a replay.
	Night     time.Time `json:"last_night,omitzero"`
	Bookmark  string    `json:"bookmark,omitempty"`
	FreshAsOf time.Time `json:"fresh_as_of,omitzero"` // up to when its rows are proven
	Next      time.Time `json:"next_run,omitzero"`
	Owed      *Owed     `json:"owed,omitempty"`
	Waiting   []Waiting `json:"waiting,omitempty"` // landed runs that are not published
	// NotAsked is what the tables hold and the configuration no longer asks for.
	NotAsked []string `json:"no_longer_asked,omitempty"`
	// Unknown are the writes of which nobody knows whether they were done.
	Unknown []streams.UnknownRequest `json:"unknown,omitempty"`
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
func Status(ctx context.Context, site *warehouse.Site) (*State, error) {
	view, err := site.Look(false)
	if err != nil {
		return nil, err
	}
	state := &State{Warehouse: site.Config.Warehouse}
	if view.Live != nil {
		state.Generation, state.Created = view.Live.Manifest.Generation, view.Live.Manifest.Created
	}
	holdings := view.Holdings("")
	defer holdings.Close()
	debts, err := owed(site)
	if err != nil {
		return nil, err
	}
	for _, p := range site.Config.Pipelines {
		s := PipelineState{Pipeline: p.Name, Enabled: p.Enabled, Owed: debts[p.Name]}
		if p.Enabled {
			s.Next = p.Schedule.Next(view.At)
		}
		if err := describe(ctx, view, &s, p, holdings); err != nil {
			return nil, err
		}
		state.Pipelines = append(state.Pipelines, s)
	}
	return state, lastRuns(site, view.Live, state.Pipelines)
}

// describe says how the stream of a pipeline stands. Of several entries for a
// stream, only the one that loads it has anything to say of that; of writes that may have
// been done, each.
func describe(ctx context.Context, view *warehouse.View, s *PipelineState, p config.Pipeline, holdings *streams.Holdings) error {
	stream, err := streams.Of(p.Ref())
	if err != nil {
		return err
	}
	opener := view.Opener(p, holdings)
	if stream.Unknown != nil {
		if s.Unknown, err = stream.Unknown(ctx, opener); err != nil {
			return err
		}
	}
	if loader, _ := view.Config.Loader(p.Ref()); loader.Name != p.Name {
		return nil
	}
	if view.Live != nil {
		s.FreshAsOf = view.AsOf(view.Live.Manifest, stream)
	}
	s.Bookmark = string(opener.Bookmark)
	if stream.Left != nil && p.Enabled {
		if s.NotAsked, err = stream.Left(ctx, opener); err != nil {
			return err
		}
	}
	s.Waiting, err = waiting(view, p.Ref())
	return err
}

// waiting lists the landed runs of a stream that are not published, oldest first; of a run
// that is under way, none.
func waiting(view *warehouse.View, s ref.Stream) ([]Waiting, error) {
	standing, err := view.Standing(s)
	if err != nil {
		return nil, err
	}
	var all []Waiting
	for _, h := range standing.Held {
		all = append(all, Waiting{h.ID, h.Word, h.Reason})
	}
	runs, err := view.RunsNamed(s, standing.Waiting)
	if err != nil {
		return nil, err
	}
	for _, l := range runs {
		told := warehouse.Tell(l)
		if record, err := view.Records().Read(told.ID); err == nil {
			if _, writing := underWay(view.Site, record); writing {
				continue // it publishes that itself
			}
		}
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
