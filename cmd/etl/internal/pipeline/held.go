package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
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
func (r *Runner) Held() ([]HeldRun, error) {
	run, err := r.look(Request{})
	if err != nil {
		return nil, err
	}
	return run.held()
}

func (r *run) held() ([]HeldRun, error) {
	streams, err := r.streamsKnown()
	if err != nil {
		return nil, err
	}
	var all []HeldRun
	for _, s := range streams {
		standing, err := r.standing(s)
		if err != nil {
			return nil, err
		}
		for _, h := range standing.Held {
			runs, err := r.runsNamed(s, []ref.RunID{h.ID})
			if err != nil {
				return nil, err
			}
			all = append(all, HeldRun{
				RunID: h.ID, Pipeline: r.pipelineOf(s, runs).Name, Source: s.Source, Stream: s.Name,
				Status: h.Word, Reason: h.Reason, Mode: runs[0].Header.Mode, Started: runs[0].Header.Started, Pages: runs[0].Landed,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b HeldRun) int {
		return cmp.Or(cmp.Compare(a.RunID, b.RunID), strings.Compare(a.Pipeline, b.Pipeline))
	})
	return all, nil
}

// heldNamed are the held parts of one run, of the pipelines named or of all.
func (r *run) heldNamed(runID ref.RunID, pipelines []string) ([]HeldRun, error) {
	all, err := r.held()
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

// lookForHeld finds the held parts of a run by a run that only looks.
func (r *Runner) lookForHeld(runID ref.RunID, pipelines []string) (*run, []HeldRun, error) {
	run, err := r.look(Request{})
	if err != nil {
		return nil, nil, err
	}
	found, err := run.heldNamed(runID, pipelines)
	return run, found, err
}

func ofPipelines(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " for " + strings.Join(names, ", ")
}

// Accept publishes what a run has landed and what is held of it, of the pipelines named
// or of all. The word is durable before anything else happens: where the generation does
// not come, the next run publishes it. It opens no socket.
func (r *Runner) Accept(ctx context.Context, runID ref.RunID, pipelines []string) (report *Report, err error) {
	defer func() { r.logFault(err) }()
	release, err := r.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	run, err := r.begin(Request{Accept: true, only: runID})
	if err != nil {
		return nil, err
	}
	defer run.close()
	if changed := run.changed(); len(changed) > 0 {
		return nil, &UsageError{strings.Join(changed, "; ") + ": the tables are to be made anew first, by `etl replay`"}
	}
	found, err := run.heldNamed(runID, pipelines)
	if err != nil {
		return nil, err
	}
	var chosen []config.Pipeline
	for _, h := range found {
		if h.Status == ledger.Superseded {
			return nil, &UsageError{fmt.Sprintf("run %s of %s is superseded: a newer held run asked for the same, and for more (etl held)", runID, h.Pipeline)}
		}
		landed, err := run.runsNamed(h.Ref(), []ref.RunID{runID})
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, run.pipelineOf(h.Ref(), landed))
	}
	run.report.Mode = "accept"
	if err := run.beginRecord(announced(chosen)); err != nil {
		return nil, err
	}
	if err := run.decide(heldDecision(ledger.Accept, found, "accepted by run "+string(run.id))); err != nil {
		return nil, run.fail(err)
	}
	for _, cfg := range chosen {
		run.do(ctx, cfg, func(l *leg) error { return l.extract(ctx) })
	}
	return run.conclude(ctx), nil
}

// Discard decides that what a run has landed and what is held of it is never published.
// Its pages stay in the landing zone.
func (r *Runner) Discard(runID ref.RunID, pipelines []string) ([]HeldRun, error) {
	release, err := r.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	run, found, err := r.lookForHeld(runID, pipelines)
	if err != nil {
		return nil, err
	}
	return found, run.decideAlone("discard", 0, heldDecision(ledger.Discard, found, "discarded"))
}

// heldDecision is a word about held runs.
func heldDecision(kind ledger.Kind, found []HeldRun, reason string) ledger.Decision {
	d := ledger.Decision{Kind: kind, Streams: map[ref.Stream]ledger.Change{}}
	for _, h := range found {
		d.Streams[h.Ref()] = ledger.Change{Runs: []ledger.Counted{{ID: h.RunID, Pages: h.Pages}}, Reason: reason}
	}
	return d
}
