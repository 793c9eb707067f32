package pipeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// in begins the business days of the configuration, and its history, in a zone.
func (v *vendors) in(zone string, year int, month time.Month, day int) time.Time {
	v.t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		v.t.Fatal(err)
	}
	v.config.Timezone = loc
	start := time.Date(year, month, day, 0, 0, 0, 0, loc)
	v.config.Pipelines[0].Start = start
	return start
}

// diesFrom runs a night of conversations, one window after the other, that fails
// at the first that begins after at.
func (v *vendors) diesFrom(at time.Time) *summary.Leg {
	v.t.Helper()
	v.config.Sources.IAdvize.Concurrency = 1
	v.refuse(func(a asked) bool { return intervalOf(v.t, a).from.After(at) })
	l := legOf(v.t, v.attempt(pipeline.Request{Pipelines: []string{"conversations"}}), "conversations")
	v.refuse(nil)
	v.requests()
	settled := 0
	for _, w := range l.Windows {
		if w.Status == summary.Complete && w.To.Before(v.clock().Add(-lookback)) && w.Fetched > 0 {
			settled++
		}
	}
	if l.Status != summary.Failed || settled < 2 {
		v.t.Fatalf("the night is %s with %d settled windows landed: this proves nothing", l.Status, settled)
	}
	return l
}

// expectSince compares the tables of conversations with what closed since start.
func (v *vendors) expectSince(start time.Time) {
	v.t.Helper()
	truth := v.truth()
	since := map[any]bool{}
	for _, c := range truth["iadvize.conversations"] {
		since[c["conversation_id"]] = !c["closed_at"].(time.Time).Before(start)
	}
	for _, name := range []string{"iadvize.conversations", "iadvize.transactions"} {
		before := func(r row) bool { return !since[r["conversation_id"]] }
		want, got := slices.DeleteFunc(truth[name], before), slices.DeleteFunc(v.table(name), before)
		expectRows(v.t, name, keys[name], got, want, 0)
	}
}

// A window is known by its instants: where the business days have moved since a
// run landed it, what it did not hold is asked for.
func TestZoneThatChangesBeforeARunIsTakenOver(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.2})
	v.in("America/Los_Angeles", 2026, 1, 5)
	died := v.diesFrom(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))

	start := v.in("Europe/Paris", 2026, 1, 5)
	v.pass(aDay)
	l := legOf(t, v.run(pipeline.Request{Pipelines: []string{"conversations"}}), "conversations")
	// February of Paris lies in January and February of Los Angeles together.
	if l.Adopted != 1 || l.Skipped != 1 {
		t.Errorf("%d runs are taken over and %d windows left out, want 1 and 1", l.Adopted, l.Skipped)
	}
	v.expectHours(start, died, l)
	v.expectSince(start)
	v.verify()

	// The bookmark is that of the last window, so that the next night is short.
	v.requests()
	v.pass(aDay)
	next := legOf(t, v.run(pipeline.Request{Pipelines: []string{"conversations"}}), "conversations")
	if n := len(next.Windows); n != 1 {
		t.Errorf("the night after asks for %d windows, want 1", n)
	}
	v.expectSince(start)
}

// expectHours expects that whole windows hold every instant since start.
func (v *vendors) expectHours(start time.Time, legs ...*summary.Leg) {
	v.t.Helper()
	var whole []span
	for _, l := range legs {
		for _, w := range l.Windows {
			if w.Status == summary.Complete {
				whole = append(whole, span{w.From, w.To})
			}
		}
	}
	slices.SortFunc(whole, func(a, b span) int { return a.from.Compare(b.from) })
	at := start
	for _, s := range whole {
		if s.from.After(at) {
			v.t.Errorf("nobody asked for %s to %s", at.UTC(), s.from)
		}
		if s.to.After(at) {
			at = s.to
		}
	}
	if at.Before(v.clock()) {
		v.t.Errorf("nobody asked for what came after %s", at)
	}
}

// What was landed for other projects answers no question about these.
func TestProjectsThatChangeBeforeARunIsTakenOver(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.2})
	asksFor := v.config.Sources.IAdvize.Projects
	v.config.Sources.IAdvize.Projects = []int64{424242}
	start := v.in("Europe/Paris", 2026, 1, 5)
	v.config.Sources.IAdvize.Concurrency = 1
	v.refuse(func(a asked) bool { return intervalOf(t, a).from.After(time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC)) })
	died := legOf(t, v.attempt(pipeline.Request{Pipelines: []string{"conversations"}}), "conversations")
	if died.Status != summary.Failed || died.Pages != 2 {
		t.Fatalf("the night is %s with %d pages: this proves nothing", died.Status, died.Pages)
	}
	v.refuse(nil)
	v.config.Sources.IAdvize.Projects = asksFor
	v.pass(aDay)
	l := legOf(t, v.run(pipeline.Request{Pipelines: []string{"conversations"}}), "conversations")
	if l.Skipped != 0 {
		t.Errorf("%d windows of other projects stand for these", l.Skipped)
	}
	v.expectHours(start, l)
	v.expectSince(start)
}

// A run that lacks its first window has not read it, whatever ended after it, and
// neither has a rebuild from it: the next night asks for that window alone.
func TestReplayOfARunWhoseFirstWindowIsMissing(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.2})
	start := v.in("Europe/Paris", 2026, 1, 5)
	v.run(pipeline.Request{Pipelines: []string{"conversations"}})
	rebuilt := t.TempDir()
	v.copyWithoutFirstWindow(rebuilt)
	v.config.Warehouse = rebuilt
	r := v.runner(v.config)
	r.Base = noNetwork{t}
	if _, err := r.Replay(t.Context(), pipeline.Rebuild{}); err != nil {
		t.Fatal(err)
	}
	if b := v.bookmarks()["conversations"]; strings.Contains(b, start.UTC().Format(time.RFC3339)) {
		t.Errorf("the bookmark is %s although the first window never landed", b)
	}
	v.pass(aDay)
	l := legOf(t, v.run(pipeline.Request{Pipelines: []string{"conversations"}}), "conversations")
	expectWindows(t, l, "2026-01-05..2026-01-31", "2026-03-28..2026-04-01")
	v.expectSince(start)
}

// copyWithoutFirstWindow lands the pages of the one landed run again, as a run
// whose first window failed while the others ended, and which someone accepted.
func (v *vendors) copyWithoutFirstWindow(warehouse string) {
	v.t.Helper()
	from, to := v.zone(v.config.Warehouse), v.zone(warehouse)
	runs, err := from.Runs(ref.Stream{Source: "iadvize", Name: "closed_conversations"}, nil)
	if err != nil || len(runs) != 1 || len(runs[0].Windows) < 3 {
		v.t.Fatalf("there are %d runs: %v", len(runs), err)
	}
	first := slices.MinFunc(runs[0].Windows, func(a, b landing.WindowEnd) int { return a.From.Compare(b.From) })
	w, err := to.Begin(runs[0].Header, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for page, err := range runs[0].Pages() {
		if err != nil {
			v.t.Fatal(err)
		}
		if page.Window == first.ID {
			continue
		}
		body, err := from.Body(&page, nil)
		if err == nil {
			err = w.Append(landing.Page{Window: page.Window, Body: body, Request: page.Request, At: page.At, Rows: page.Rows, Total: page.Total, After: page.After})
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
	for _, e := range runs[0].Windows {
		if e.ID == first.ID {
			continue
		}
		if err := w.FinishWindow(e); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := w.End(landing.End{Status: landing.StatusAccepted, Reason: "the first window failed", Finished: v.clock()}); err != nil {
		v.t.Fatal(err)
	}
}

// zone is the landing zone of a warehouse.
func (v *vendors) zone(warehouse string) *landing.Zone {
	v.t.Helper()
	z, err := landing.Open(warehouse + "/landing")
	if err != nil {
		v.t.Fatal(err)
	}
	return z
}
