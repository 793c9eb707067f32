package operate

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// Unreadable is the status of a run whose record cannot be read.
const Unreadable = "unreadable"

// Run is a run, or a decision that a person took, as its record tells of it.
type Run struct {
	RunID      ref.RunID     `json:"run_id"`
	Mode       string        `json:"mode,omitempty"` // as of runlog.Record
	Started    time.Time     `json:"started,omitzero"`
	Finished   time.Time     `json:"finished,omitzero"`    // zero for a run that is under way or died
	Status     string        `json:"status"`               // of the run's worst pipeline; running, died, unreadable
	Reason     string        `json:"reason,omitempty"`     // of a status other than complete, or what was decided
	Generation int           `json:"generation,omitempty"` // that it made live; zero for none
	Pipelines  []RunPipeline `json:"pipelines"`
	Version    string        `json:"version,omitempty"` // of the program
	Host       string        `json:"host,omitempty"`
	PID        int           `json:"pid,omitempty"`
}

// UnderWay reports whether the run goes on.
func (r Run) UnderWay() bool { return r.Status == runlog.Running }

// RunPipeline is one pipeline's part in a run.
type RunPipeline struct {
	Pipeline  string `json:"pipeline"`
	Status    string `json:"status"`
	Published bool   `json:"published"`
	Reason    string `json:"reason,omitempty"`
	Fetched   int64  `json:"fetched"`
	New       int64  `json:"rows_new"`
	Changed   int64  `json:"rows_changed"`
}

// History yields the runs of a warehouse, newest first, and reads the record of each when
// its turn comes. It takes no lock.
func History(site *warehouse.Site) (iter.Seq[Run], error) {
	records := site.Records()
	ids, err := records.IDs()
	if err != nil {
		return nil, err
	}
	return func(yield func(Run) bool) {
		for _, id := range slices.Backward(ids) {
			record, err := records.Read(id)
			if err != nil {
				if !yield(Run{RunID: id, Started: id.Started(), Status: Unreadable, Reason: err.Error(), Pipelines: []RunPipeline{}}) {
					return
				}
				continue
			}
			record, writing := underWay(site, record)
			if !yield(runOf(site, record, writing)) {
				return
			}
		}
	}, nil
}

// runOf is a record in short.
func runOf(site *warehouse.Site, record runlog.Record, underWay bool) Run {
	run := Run{
		RunID: record.RunID, Mode: record.Mode, Started: record.Started, Finished: record.Finished, Status: record.Status,
		Generation: record.Generation, Pipelines: []RunPipeline{}, Version: record.Version, Host: record.Host, PID: record.PID,
	}
	if record.Status == runlog.Running && !underWay {
		run.Status = string(ledger.Died)
	}
	of := warehouse.SummaryOf(record)
	if of == nil {
		of = decided(site, record)
	}
	if !underWay {
		run.Reason = of.Why()
	}
	for _, l := range of.Pipelines {
		last := lastRun(record, l, underWay)
		run.Pipelines = append(run.Pipelines, RunPipeline{
			Pipeline: l.Pipeline, Status: last.Status, Published: l.Published, Reason: last.Reason, Fetched: l.Fetched, New: l.New, Changed: l.Changed,
		})
	}
	return run
}

// decided tells of a decision that no run was needed for as of a run: the status of a
// pipeline is the word, its reason the landed runs that it is about.
func decided(site *warehouse.Site, record runlog.Record) *summary.Summary {
	of := &summary.Summary{RunID: record.RunID, Mode: record.Mode, Reason: record.Reason}
	for _, d := range warehouse.DecisionsIn(record) {
		for _, s := range slices.SortedFunc(maps.Keys(d.Streams), ref.Stream.Compare) {
			var runs []string
			for _, counted := range d.Streams[s].Runs {
				runs = append(runs, string(counted.ID))
			}
			name := s.String()
			if p, ok := site.Config.Loader(s); ok {
				name = p.Name
			}
			of.Pipelines = append(of.Pipelines, &summary.Leg{
				Pipeline: name, Source: s.Source, Stream: s.Name, Status: summary.Status(d.Word(d.Streams[s]).Status), Reason: strings.Join(runs, ", "),
			})
		}
	}
	return of
}
