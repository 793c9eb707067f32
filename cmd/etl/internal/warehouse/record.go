package warehouse

import (
	"encoding/json"
	"fmt"
	"os"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// Record is what is written down of the run under way, and of what it decides. It is
// durable before anything follows from it.
type Record struct {
	ID ref.RunID

	view      *View
	kept      runlog.Record // as it was written last
	decisions []ledger.Decision
}

// NewRecord names a run that begins now, after all that have left anything.
func (v *View) NewRecord() (*Record, error) {
	last, err := v.newestRun()
	if err != nil {
		return nil, err
	}
	id, err := v.Zone.NewRunID(v.At, last)
	return &Record{ID: id, view: v}, err
}

// endedEarly is the reason of a run, and of its legs, until it says another.
const endedEarly = "the program ended before the run did"

// Begin writes down that the run has begun, and what it is about to do: that is what is
// read of it if it dies.
func (r *Record) Begin(of summary.Summary, announced []*summary.Leg) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	of.Status, of.Reason, of.Pipelines = summary.Interrupted, endedEarly, announced
	r.kept = runlog.Record{
		RunID: r.ID, Mode: of.Mode, Version: r.view.Version, Host: host, PID: os.Getpid(),
		Started: r.view.At, Status: runlog.Running, Summary: asJSON(of),
	}
	return r.Write()
}

// End writes down how the run ended.
func (r *Record) End(of *summary.Summary) {
	r.kept.Status, r.kept.Reason = string(of.Status), of.Reason
	r.kept.Finished, r.kept.Generation = of.Finished, of.Generation
	r.kept.Summary = asJSON(of)
	if err := r.Write(); err != nil {
		r.view.Log.Warn("what became of the run could not be recorded; status will show it as one that died", "error", err)
	}
}

// Write makes what was entered durable.
func (r *Record) Write() error { return r.view.Records().Write(r.kept) }

// Enter adds a decision to the ledger and to the record, which is not written yet.
func (r *Record) Enter(d ledger.Decision) error {
	d.RunID = r.ID
	if err := r.view.book.Add(d); err != nil {
		return err
	}
	r.decisions = append(r.decisions, d)
	r.kept.Decisions = asJSON(r.decisions)
	return nil
}

// Decide enters a decision and makes it durable; the landing zone gets a copy of each
// word, so that it can stand alone.
func (r *Record) Decide(d ledger.Decision) error {
	if err := r.Enter(d); err != nil {
		return err
	}
	if err := r.Write(); err != nil {
		return err
	}
	return r.view.mark(d)
}

// DecideAlone records a decision that no run is needed for. Generation is the one that it
// makes live, zero for none. It returns the name under which the decision is recorded.
func (v *View) DecideAlone(mode string, generation int, d ledger.Decision) (ref.RunID, error) {
	r, err := v.NewRecord()
	if err != nil {
		return "", err
	}
	r.kept = runlog.Record{
		RunID: r.ID, Mode: mode, Version: v.Version, Started: v.At, Finished: v.At, Status: string(summary.Complete), Generation: generation,
	}
	return r.ID, r.Decide(d)
}

// mark notes the word of a decision in the journals of the runs that it is about.
func (v *View) mark(d ledger.Decision) error {
	for s, c := range d.Streams {
		word := d.Word(c)
		for _, counted := range c.Runs {
			run, err := v.Zone.Run(s.Run(counted.ID))
			if err != nil {
				return fmt.Errorf("note a decision about run %s: %w", counted.ID, err)
			}
			if err := v.Zone.Mark(run, landing.Mark{Status: landing.Status(word.Status), Reason: word.Reason, At: v.At}); err != nil {
				return err
			}
		}
	}
	return nil
}

func asJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return nil // plain values: never
	}
	return data
}

// SummaryOf reads the summary in a record; nil where there is none.
func SummaryOf(record runlog.Record) *summary.Summary {
	var s summary.Summary
	if len(record.Summary) == 0 || json.Unmarshal(record.Summary, &s) != nil {
		return nil
	}
	s.Version = record.Version
	return &s
}

// Summaries are those recorded since the live generation was made, oldest first; of all
// runs, where every says so.
func (v *View) Summaries(every bool) ([]*summary.Summary, error) {
	records := v.recorded
	if every {
		var err error
		if records, err = v.Recorded(""); err != nil {
			return nil, err
		}
	}
	var all []*summary.Summary
	for _, record := range records {
		if s := SummaryOf(record); s != nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// Announced is a leg of a run that has not begun it.
func Announced(p config.Pipeline) *summary.Leg {
	return &summary.Leg{Pipeline: p.Name, Source: p.Source, Stream: p.Stream, Status: summary.Interrupted,
		Reason: endedEarly, VendorTotal: extract.Unknown}
}
