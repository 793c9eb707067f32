package warehouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/ref"
)

// HeldRun is what one run has landed of one pipeline, and is published on someone's
// word alone.
type HeldRun struct {
	RunID    ref.RunID `json:"run_id"`
	Pipeline string    `json:"pipeline"`
	Source   string    `json:"source"`
	Stream   string    `json:"stream"`
	Status   string    `json:"status"` // held, incomplete, rolled back; superseded by a newer held run
	Reason   string    `json:"reason"`
	Mode     string    `json:"mode"`
	Started  time.Time `json:"started"`
	Pages    int       `json:"pages"`
}

// Ref names the stream.
func (h HeldRun) Ref() ref.Stream { return ref.Stream{Source: h.Source, Name: h.Stream} }

// Held lists the landed runs that wait for someone's word, the oldest first.
func (v *View) Held() ([]HeldRun, error) {
	known, err := v.Streams()
	if err != nil {
		return nil, err
	}
	var all []HeldRun
	for _, s := range known {
		standing, err := v.Standing(s)
		if err != nil {
			return nil, err
		}
		for _, h := range standing.Held {
			runs, err := v.RunsNamed(s, []ref.RunID{h.ID})
			if err != nil {
				return nil, err
			}
			all = append(all, HeldRun{
				RunID: h.ID, Pipeline: v.PipelineOf(s, runs).Name, Source: s.Source, Stream: s.Name,
				Status: h.Word, Reason: h.Reason, Mode: runs[0].Header.Mode, Started: runs[0].Header.Started, Pages: runs[0].Landed,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b HeldRun) int {
		return cmp.Or(cmp.Compare(a.RunID, b.RunID), strings.Compare(a.Pipeline, b.Pipeline))
	})
	return all, nil
}

// HeldNamed are the held parts of one run, of the pipelines named or of all.
func (v *View) HeldNamed(runID ref.RunID, pipelines []string) ([]HeldRun, error) {
	all, err := v.Held()
	if err != nil {
		return nil, err
	}
	var found []HeldRun
	var others []string
	for _, h := range all {
		if h.RunID == runID && (len(pipelines) == 0 || slices.Contains(pipelines, h.Pipeline)) {
			found = append(found, h)
		}
		others = append(others, string(h.RunID)+" "+h.Pipeline)
	}
	if len(found) == 0 {
		have := "none is"
		if len(others) > 0 {
			have = "held are " + strings.Join(others, ", ")
		}
		return nil, &UsageError{fmt.Sprintf("run %s is not held%s; %s", runID, ofPipelines(pipelines), have)}
	}
	return found, nil
}

func ofPipelines(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " for " + strings.Join(names, ", ")
}

// HeldDecision is a word about held runs.
func HeldDecision(kind ledger.Kind, found []HeldRun, reason string) ledger.Decision {
	d := ledger.Decision{Kind: kind, Streams: map[ref.Stream]ledger.Change{}}
	for _, h := range found {
		d.Streams[h.Ref()] = ledger.Change{Runs: []ledger.Counted{{ID: h.RunID, Pages: h.Pages}}, Reason: reason}
	}
	return d
}
