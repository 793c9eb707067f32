package operate

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// eventful are the records of a warehouse to which everything has happened.
func eventful() []runlog.Record {
	leg := func(name string, status summary.Status, reason string) *summary.Leg {
		return &summary.Leg{Pipeline: name, Source: "volt", Stream: name, Status: status, Reason: reason}
	}
	failed := with(ran(1, ledger.Nightly, summary.Failed, ""), leg("calls", summary.Complete, ""), leg("waves", summary.Failed, "refused"), leg("messages", summary.Failed, "refused"))
	whole := summary.Summary{Reason: "the disk is full", Pipelines: []*summary.Leg{leg("calls", summary.Failed, "nothing was published: the disk is full")}}
	full := ran(2, ledger.Nightly, summary.Failed, "")
	full.Reason, full.Summary = whole.Reason, encoded(whole)
	rollback := said(4, ledger.Decision{Kind: ledger.Rollback, Parent: idOf(0)}, 1, 3)
	unknown := said(5, ledger.Decision{Kind: ledger.Discard}, 0, 3)
	unknown.Decisions = encoded([]ledger.Decision{{Kind: ledger.Discard, Streams: map[ref.Stream]ledger.Change{{Source: "volt", Name: "gone"}: {Runs: []ledger.Counted{{ID: idOf(3)}}}}}})
	now := unended(8)
	now.PID, now.Started = os.Getpid(), time.Now().UTC()
	now.Host, _ = os.Hostname() // a record has what this says
	return []runlog.Record{ran(0, ledger.Nightly, summary.Complete, ""), failed, full, unended(3), rollback, unknown, unended(6), now}
}

// Every run is listed, newest first, with what became of it and why: what failed, died or
// cannot be read, what a person decided, and the one under way.
func TestHistory(t *testing.T) {
	site := &warehouse.Site{Config: &config.Config{Warehouse: t.TempDir(), Pipelines: []config.Pipeline{calls}}}
	release, err := site.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for _, r := range eventful() {
		if err := site.Records().Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(site.Config.Warehouse, "runs", string(idOf(7))+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	runs, err := History(site)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		id             ref.RunID
		status, reason string
		generation     int
		parts          int
	}
	var got []line
	for r := range runs {
		got = append(got, line{r.RunID, r.Status, r.Reason, r.Generation, len(r.Pipelines)})
	}
	want := []line{
		{idOf(8), "running", "", 0, 1},
		{idOf(7), "unreadable", "read the record of run " + string(idOf(7)) + ": runs/" + string(idOf(7)) + ".json is damaged: restore it from a backup", 0, 0},
		{idOf(6), "died", "calls: the program ended before the run did", 0, 1},
		{idOf(5), "complete", "volt/gone: " + string(idOf(3)), 0, 1},
		{idOf(4), "complete", "calls: " + string(idOf(3)), 1, 1},
		{idOf(3), "died", "calls: the program ended before the run did", 0, 1},
		{idOf(2), "failed", "the disk is full", 0, 1},
		{idOf(1), "failed", "waves, messages: refused", 0, 3},
		{idOf(0), "complete", "", 1, 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the history is\n%+v\nwant\n%+v", got, want)
	}
	for r := range runs {
		if r.Pipelines[0].Status != "running" || r.Pipelines[0].Reason != "" {
			t.Errorf("the run under way has %+v", r.Pipelines[0])
		}
		break // who stops reading reads no further
	}
}

// A warehouse that nothing has run into has no history.
func TestNoHistory(t *testing.T) {
	runs, err := History(&warehouse.Site{Config: &config.Config{Warehouse: filepath.Join(t.TempDir(), "none")}})
	if err != nil {
		t.Fatal(err)
	}
	for r := range runs {
		t.Errorf("there is %+v", r)
	}
}
