package pipeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// What is older than it may be is named, until a night is published, and again once that
// night is taken back. Nobody waits for a run to say so.
func TestAgesAreThoseOfWhatIsLive(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6})
	v.expectStale("has no published night, and it never ran", "conversations", "calls", "waves", "messages")
	v.run(pipeline.Request{})
	v.expectStale("")

	v.pass(30 * time.Hour)
	v.refuse(func(a asked) bool { return a.vendor == "aircall" })
	v.attempt(pipeline.Request{Pipelines: []string{"calls", "waves"}})
	v.refuse(nil)
	v.expectStale("is 30h0m old: its newest published night began 2026-03-31 14:00", "conversations", "calls", "messages")
	v.run(pipeline.Request{Pipelines: []string{"conversations"}, From: noon.AddDate(0, 0, -5), To: noon.AddDate(0, 0, -3)})
	v.expectStale("is 30h0m old", "conversations", "calls", "messages")
	v.expectHistory("complete", "failed", "complete")

	v.run(pipeline.Request{})
	v.expectStale("")
	if _, _, err := operate.Rollback(t.Context(), v.runner(v.config).Site, 2); err != nil {
		t.Fatal(err)
	}
	v.expectStale("is 30h0m old: its newest published night began 2026-03-31 14:00", "conversations", "calls", "messages")
}

// A held night that is accepted is as old as it was when it came.
func TestAnAcceptedNightIsTheOneThatLanded(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6})
	v.run(pipeline.Request{})
	v.pass(aDay)
	whole := v.swap(v.another(sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6, End: noon, Faults: []string{"cap"}}))
	held := v.attempt(pipeline.Request{})
	v.swap(whole)
	if held.Status != summary.Incomplete {
		t.Fatalf("the run is %s: this proves nothing", held.Status)
	}
	v.pass(3 * time.Hour)
	v.expectStale("and its last run is incomplete", "calls")
	v.accepted(held.RunID, "calls")
	v.expectStale("")
	v.pass(aDay)
	v.expectStale("is 27h0m old", "conversations", "calls", "waves", "messages")
}

// expectStale expects these pipelines and no others to be older than 26 hours, each with
// these words, while somebody holds the lock.
func (v *vendors) expectStale(words string, names ...string) {
	v.t.Helper()
	site := v.runner(v.config).Site
	release, err := site.Acquire(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	defer release()
	state, err := operate.Status(v.t.Context(), site)
	if err != nil {
		v.t.Fatal(err)
	}
	stale := state.Stale(26*time.Hour, v.clock().In(v.config.Timezone))
	for _, name := range names {
		if !slices.ContainsFunc(stale, func(s string) bool { return strings.HasPrefix(s, name+" ") && strings.Contains(s, words) }) {
			v.t.Errorf("%s is not said to be old with %q", name, words)
		}
	}
	if len(stale) != len(names) {
		v.t.Errorf("old are\n%s\nwant %v", strings.Join(stale, "\n"), names)
	}
}

// expectHistory expects runs of these statuses, newest first.
func (v *vendors) expectHistory(statuses ...string) {
	v.t.Helper()
	runs, err := operate.History(v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	var got []string
	for run := range runs {
		got = append(got, run.Status)
	}
	if !slices.Equal(got, statuses) {
		v.t.Errorf("the runs were %v, want %v", got, statuses)
	}
}
