package pipeline

import (
	"encoding/json"
	"fmt"
	"os"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// beginRecord writes down that the run has begun, and what it is about to do: that is
// what is read of it if it dies.
func (r *run) beginRecord(legs []*Leg) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	started := *r.report
	started.Status, started.Reason, started.Pipelines = Interrupted, "the program ended before the run did", legs
	r.record = runlog.Record{
		RunID: r.id, Mode: r.report.Mode, Version: r.Version, Host: host, PID: os.Getpid(),
		Started: r.now, Status: runlog.Running, Summary: asJSON(started),
	}
	return r.log().Write(r.record)
}

// endRecord writes down how the run ended.
func (r *run) endRecord() {
	r.record.Status, r.record.Reason = string(r.report.Status), r.report.Reason
	r.record.Finished, r.record.Generation = r.report.Finished, r.report.Generation
	r.record.Summary = asJSON(r.report)
	if err := r.log().Write(r.record); err != nil {
		r.Log.Warn("what became of the run could not be recorded; status will show it as one that died", "error", err)
	}
}

func asJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return nil // plain values: never
	}
	return data
}

// decide enters a decision in the ledger. It is durable before anything follows from
// it; the landing zone gets a copy of each word, so that it can stand alone.
func (r *run) decide(d ledger.Decision) error {
	d.RunID = r.id
	if err := r.enter(d); err != nil {
		return err
	}
	if err := r.log().Write(r.record); err != nil {
		return err
	}
	return r.mark(d)
}

// enter adds a decision to the book and to the run's record, which is not written yet.
func (r *run) enter(d ledger.Decision) error {
	if err := r.book.Add(d); err != nil {
		return err
	}
	r.decisions = append(r.decisions, d)
	r.record.Decisions = asJSON(r.decisions)
	return nil
}

// mark notes the word of a decision in the journals of the runs that it is about.
func (r *run) mark(d ledger.Decision) error {
	for s, c := range d.Streams {
		word := d.Word(c)
		for _, counted := range c.Runs {
			run, err := r.zone.Run(s.Run(counted.ID))
			if err != nil {
				return fmt.Errorf("note a decision about run %s: %w", counted.ID, err)
			}
			if err := r.zone.Mark(run, landing.Mark{Status: landing.Status(word.Status), Reason: word.Reason, At: r.now}); err != nil {
				return err
			}
		}
	}
	return nil
}

// one is a decision about runs of one stream.
func one(kind ledger.Kind, s ref.Stream, c ledger.Change) ledger.Decision {
	return ledger.Decision{Kind: kind, Streams: map[ref.Stream]ledger.Change{s: c}}
}
