package pipeline_test

import (
	"maps"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// A vendor that suddenly shows almost nothing is not believed without someone's
// word; after it, what it showed is in the tables.
func TestVendorThatShowsAlmostNothingIsHeld(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.run(pipeline.Request{})
	files, marks := exported(t, v.config.Warehouse), v.bookmarks()

	few := v.another(sandbox.Options{Scale: 0.01, Seed: 7})
	whole := v.swap(few)
	strangers := v.truth()
	run := v.attempt(pipeline.Request{Pipelines: []string{"conversations", "calls"}})
	if run.Status != summary.Held || run.Generation != 0 {
		t.Errorf("the run is %s and published %d", run.Status, run.Generation)
	}
	for _, l := range run.Pipelines {
		if l.Status != summary.Held || l.Published || !strings.Contains(l.Reason, "max_drop") {
			t.Errorf("%s is %s, published %t: %s", l.Pipeline, l.Status, l.Published, l.Reason)
		}
		if l.New != 0 || l.Changed != 0 || l.Loaded != 0 {
			t.Errorf("%s: %d rows new, %d changed, %d loaded by a run that is held", l.Pipeline, l.New, l.Changed, l.Loaded)
		}
	}
	if n := v.live().Manifest.Generation; n != 1 {
		t.Errorf("generation %d is live", n)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), files)
	v.expectWaiting("held", "conversations", "calls")

	v.swap(whole)
	v.pass(aDay)
	v.run(pipeline.Request{})
	v.expectTruth() // without a row of the held run
	v.expectWaiting("held", "conversations", "calls")
	if maps.Equal(marks, v.bookmarks()) {
		t.Errorf("the good run after the held one moves no bookmark: %v", marks)
	}

	v.accepted(run.RunID)
	v.expectWaiting("held")
	want := v.truth()
	for _, name := range []string{"iadvize.conversations", "iadvize.transactions", "aircall.calls", "aircall.call_notes"} {
		// A lookback asks for few of the strangers among the conversations.
		all := strangers[name]
		if strings.HasPrefix(name, "iadvize") {
			all = nil
			for _, r := range strangers[name] {
				if r["closed_date"].(date) >= "2026-03-28" {
					all = append(all, r)
				}
			}
		}
		expectRows(t, name+" once accepted", keys[name], v.table(name), append(want[name], all...), 0)
	}
	v.verify()

	v.swap(v.another(sandbox.Options{Scale: 0.3}))
	v.run(pipeline.Request{})
	v.expectWaiting("held")
}

// expectWaiting expects these pipelines, and no others, to have landed runs that
// wait with this status.
func (v *vendors) expectWaiting(status string, names ...string) {
	v.t.Helper()
	state, err := operate.Status(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	waiting := map[string]bool{}
	for _, p := range state.Pipelines {
		for _, w := range p.Waiting {
			waiting[p.Pipeline] = true
			if w.Status != status || w.Reason == "" {
				v.t.Errorf("%s waits as %s: %s", p.Pipeline, w.Status, w.Reason)
			}
		}
	}
	want := map[string]bool{}
	for _, n := range names {
		want[n] = true
	}
	if !maps.Equal(waiting, want) {
		v.t.Errorf("%v wait, want %v", waiting, want)
	}
}

// A total that the pages cannot reach is never taken for the end.
func TestTotalOutOfReachIsIncomplete(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.run(pipeline.Request{})
	files := exported(t, v.config.Warehouse)

	v.pass(aDay)
	whole := v.swap(v.another(sandbox.Options{Scale: 0.3, End: noon, Faults: []string{"cap"}}))
	run := v.attempt(pipeline.Request{Pipelines: []string{"calls"}})
	l := legOf(t, run, "calls")
	if run.Status != summary.Incomplete || run.Generation != 0 || l.Published || l.Reason == "" {
		t.Errorf("the run is %s and published %d: %s", run.Status, run.Generation, l.Reason)
	}
	if w := l.Windows[0]; w.Status != summary.Incomplete || w.VendorTotal <= w.Distinct {
		t.Errorf("the window is %s with %d of %d: %s", w.Status, w.Distinct, w.VendorTotal, w.Reason)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), files)
	v.expectWaiting("incomplete", "calls")
	held := run.RunID

	// What was landed two days ago is older than what a good run brings, also where
	// it is accepted later.
	v.swap(whole)
	v.pass(2 * aDay)
	v.run(pipeline.Request{})
	v.expectTruth()
	v.accepted(held)
	v.expectWaiting("incomplete")
	v.expectTruth()
	v.expectMarts()
	v.verify()
}

// On the very first night there is nothing to lose, and someone may take half.
func TestIncompleteRunIsPublishedOnceAccepted(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: []string{"cap"}})
	run := v.attempt(pipeline.Request{})
	if run.Status != summary.Incomplete || run.Generation != 1 {
		t.Fatalf("the run is %s and published %d", run.Status, run.Generation)
	}
	if rows := v.table("aircall.calls"); len(rows) != 0 {
		t.Errorf("%d calls are published", len(rows))
	}
	run = v.attempt(pipeline.Request{Accept: true, Pipelines: []string{"calls"}})
	if l := legOf(t, run, "calls"); !l.Published {
		t.Errorf("calls are %s and not published: %s", l.Status, l.Reason)
	}
	all, some := v.truth()["aircall.calls"], v.table("aircall.calls")
	if len(some) == 0 || len(some) >= len(all) {
		t.Errorf("%d of %d calls are published", len(some), len(all))
	}
	v.verify()
}
