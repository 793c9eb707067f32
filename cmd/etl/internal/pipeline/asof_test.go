package pipeline_test

import (
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// Up to when rows are proven is when a run began that asked for all that may still change
// and got it whole: not a backfill, not a run of other pipelines, not one that lacks rows,
// accepted or not, and not one by a clock that was ahead.
func TestRowsAreProvenByWholeRuns(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	expect := func(what string, calls, conversations time.Time) {
		t.Helper()
		for stream, want := range map[string]time.Time{"aircall/calls": calls, "iadvize/closed_conversations": conversations} {
			if got := v.asOf(stream); !got.Equal(want) {
				t.Errorf("%s: %s is proven as of %s, want %s", what, stream, got, want)
			}
		}
	}
	expect("the first night", noon, noon)
	v.pass(aDay)
	v.run(pipeline.Request{Pipelines: []string{"conversations"}, From: noon.Add(-20 * aDay), To: noon.Add(-10 * aDay)})
	expect("a backfill", noon, noon)
	v.run(pipeline.Request{Pipelines: []string{"calls"}})
	expect("calls alone", noon.Add(aDay), noon)
	v.pass(aDay)
	whole := v.swap(v.another(sandbox.Options{Scale: 0.05, End: noon, Faults: []string{"cap"}}))
	v.attempt(pipeline.Request{Pipelines: []string{"calls"}, Accept: true})
	expect("calls that lack some, accepted", noon.Add(aDay), noon)
	v.swap(whole)
	v.run(pipeline.Request{})
	now := v.clock()
	expect("a night", now, now)
	rebuilt := v.backup()
	if _, err := rebuilt.runner(rebuilt.config).Replay(t.Context(), pipeline.Rebuild{}); err != nil {
		t.Fatal(err)
	}
	if got := rebuilt.asOf("aircall/calls"); !got.Equal(now) {
		t.Errorf("rebuilt, calls are proven as of %s, want %s", got, now)
	}
	v.pass(100 * aDay)
	v.run(pipeline.Request{Pipelines: []string{"calls"}})
	v.pass(-99 * aDay)
	v.run(pipeline.Request{Pipelines: []string{"calls"}})
	expect("after a clock that was ahead", v.clock(), now)
}
