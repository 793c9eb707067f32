package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
)

// Where a setting has changed that rows depend on and a part of the landing zone is lost,
// no table is made anew: rows of two settings never stand side by side. Nothing is asked.
func TestNoTableIsMadeAnewWhereOneCannotBe(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.nights(aDay)
	want := exported(t, v.config.Warehouse)
	removeAll(t, v.landedRuns("aircall", "calls")[0])
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	v.config.Timezone = zone
	v.pass(aDay)
	v.requests()
	run := v.attempt(pipeline.Request{})
	if run.Status != summary.Held || run.Generation != 0 || !strings.Contains(run.Reason, "timezone was Europe/Paris and is America/New_York") {
		t.Errorf("the run is %s and published %d: %s", run.Status, run.Generation, run.Reason)
	}
	for _, l := range run.Pipelines {
		if l.Published || l.Status != summary.Held {
			t.Errorf("%s is %s, published %t: %s", l.Pipeline, l.Status, l.Published, l.Reason)
		}
	}
	if asked := v.requests(); len(asked) > 0 {
		t.Errorf("%d requests were sent", len(asked))
	}
	v.expectLast(summary.Failed, "nothing was asked of a vendor")
	expectSameFiles(t, exported(t, v.config.Warehouse), want)
	v.verify()
	var usage *warehouse.UsageError
	if _, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{Since: noon}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "without --since") {
		t.Errorf("a replay of some runs: %v", err)
	}
	if run, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{Accept: true}); err != nil || run.Generation == 0 {
		t.Fatalf("on someone's word: %v, %v", run, err)
	}
	if run := v.attempt(pipeline.Request{}); run.Status != summary.Complete {
		t.Errorf("the night after is %s:\n%s", run.Status, reasons(run))
	}
	v.verify()
}

// expectLast expects status to show of every enabled pipeline that its last run, which
// began now, ended so and for this reason.
func (v *vendors) expectLast(status summary.Status, reason string) {
	v.t.Helper()
	state, err := operate.Status(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		if p.Enabled && (p.Last == nil || p.Last.Status != string(status) || !strings.Contains(p.Last.Reason, reason) || p.Last.Started.Before(v.clock())) {
			v.t.Errorf("status says of %s %+v", p.Pipeline, p.Last)
		}
	}
}
