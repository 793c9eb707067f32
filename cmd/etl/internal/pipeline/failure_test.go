package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// A pipeline that fails keeps none of the others from being published, and what
// it has landed is not asked for again.
func TestFailedPipelineAmongOthers(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	settledBefore := noon.Add(-lookback)
	february := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
	v.refuse(func(a asked) bool { return a.vendor == "iadvize" && intervalOf(t, a).from.After(february) })
	run := v.attempt(pipeline.Request{})
	if run.Status != summary.Failed || run.Generation != 1 {
		t.Fatalf("the run is %s and published %d:\n%s", run.Status, run.Generation, reasons(run))
	}
	failed := legOf(t, run, "conversations")
	if failed.Status != summary.Failed || failed.Published || failed.Pages == 0 {
		t.Errorf("conversations are %s, published %t, with %d pages: %s", failed.Status, failed.Published, failed.Pages, failed.Reason)
	}
	for _, want := range []string{"iadvize", "closed_conversations"} {
		if !strings.Contains(failed.Reason, want) {
			t.Errorf("the reason does not name %s: %s", want, failed.Reason)
		}
	}
	truth := v.truth()
	for _, name := range []string{"aircall.calls", "aircall.call_notes", "volt.waves", "volt.messages"} {
		expectRows(t, name, keys[name], v.table(name), truth[name], 0)
	}
	if rows := v.table("iadvize.conversations"); len(rows) != 0 {
		t.Errorf("%d conversations of a failed pipeline are published", len(rows))
	}
	if _, moved := v.bookmarks()["conversations"]; moved {
		t.Error("a failed pipeline moves its bookmark")
	}

	var landed []span
	for _, w := range failed.Windows {
		if w.Status == summary.Complete && w.Pages == 0 {
			t.Errorf("window %s is complete without a page", w.ID)
		}
		if w.Status == summary.Complete && w.To.Before(settledBefore) && w.To.Before(february) {
			landed = append(landed, span{w.From, w.To})
		}
	}
	if len(landed) == 0 {
		t.Fatal("no settled window has landed whole: this proves nothing")
	}
	v.refuse(nil)
	v.requests()
	v.pass(aDay)
	run = v.run(pipeline.Request{})
	l := legOf(t, run, "conversations")
	if l.Adopted != 1 || l.Skipped < len(landed) {
		t.Errorf("%d runs are taken over and %d windows left out, want 1 and %d", l.Adopted, l.Skipped, len(landed))
	}
	v.expectNotAsked(landed)
	v.expectTruth()
	v.expectMarts()
	v.verify()
}

// expectNotAsked expects that no request since the last call began within what has landed.
func (v *vendors) expectNotAsked(landed []span) {
	v.t.Helper()
	for _, a := range v.requests() {
		if a.vendor != "iadvize" {
			continue
		}
		asks := intervalOf(v.t, a)
		for _, w := range landed {
			if !asks.from.Before(w.from.Add(-time.Second)) && asks.from.Before(w.to.Add(-2*time.Second)) {
				v.t.Errorf("what closed from %s on is asked for again", asks.from)
			}
		}
	}
}

// Older versions that a failed run has landed never replace newer ones.
func TestPagesOfAFailedRunAreOlder(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: []string{"late"}})
	v.run(pipeline.Request{})
	v.pass(aDay)
	n := 0
	v.refuse(func(a asked) bool {
		n++
		return n > 4 && a.vendor == "aircall" || n > 40 && a.vendor == "volt"
	})
	run := v.attempt(pipeline.Request{})
	if run.Status != summary.Failed {
		t.Fatalf("the run is %s", run.Status)
	}
	v.refuse(nil)
	v.pass(2 * aDay)
	adopted := 0
	for _, l := range v.run(pipeline.Request{}).Pipelines {
		adopted += l.Adopted
	}
	if adopted == 0 {
		t.Error("no landed run is taken over: this proves nothing")
	}
	v.expectTruth()
	v.verify()

	// And in the order in which they landed, a replay comes to the same.
	want := exported(t, v.config.Warehouse)
	dir := v.withLanding()
	v.replay(dir, time.Time{})
	expectSameFiles(t, exported(t, dir), want)
}

// A run that no vendor answers leaves the warehouse as it was.
func TestRunThatAllVendorsRefuse(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	files := exported(t, v.config.Warehouse)
	v.refuse(func(asked) bool { return true })
	run := v.attempt(pipeline.Request{})
	if run.Status != summary.Failed || run.Generation != 0 {
		t.Errorf("the run is %s and published %d", run.Status, run.Generation)
	}
	for _, l := range run.Pipelines {
		if l.Status != summary.Failed || l.Reason == "" {
			t.Errorf("%s is %s: %s", l.Pipeline, l.Status, l.Reason)
		}
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), files)
	v.refuse(nil)
	v.pass(aDay)
	v.run(pipeline.Request{})
	v.expectTruth()
}
