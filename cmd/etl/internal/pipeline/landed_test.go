package pipeline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// landedPage is one page of a run that a test lands by hand, with a walk that says
// what it likes of it.
type landedPage struct {
	window string
	body   string
	rows   int64 // that the walk saw
}

// handLanded lands a run of complete windows as a walk does that ends and never
// publishes. The vendor's total of each window is in totals; absent, it tells none.
func (v *vendors) handLanded(source, stream string, totals map[string]int64, pages ...landedPage) ref.RunID {
	v.t.Helper()
	zone, err := landing.Open(filepath.Join(v.config.Warehouse, "landing"))
	if err != nil {
		v.t.Fatal(err)
	}
	id, err := zone.NewRunID(v.clock(), "")
	if err != nil {
		v.t.Fatal(err)
	}
	w, err := zone.Begin(landing.Header{Source: source, Stream: stream, RunID: id, Pipeline: "by hand", Mode: "nightly", Started: v.clock()}, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	defer w.Close()
	ends := map[string]*landing.WindowEnd{}
	var order []*landing.WindowEnd
	for _, p := range pages {
		end := ends[p.window]
		if end == nil {
			end = &landing.WindowEnd{ID: p.window, Status: "complete", VendorTotal: -1}
			if total, ok := totals[p.window]; ok {
				end.VendorTotal = total
			}
			ends[p.window] = end
			order = append(order, end)
		}
		end.Fetched += p.rows
		end.Pages++
		err := w.Append(landing.Page{Window: p.window, Body: []byte(p.body), Request: json.RawMessage(`{"operation":"calls"}`), At: v.clock(), Rows: p.rows, Total: end.VendorTotal})
		if err != nil {
			v.t.Fatal(err)
		}
	}
	for _, end := range order {
		if err := w.FinishWindow(*end); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := w.End(landing.End{Status: landing.StatusLanded, Finished: v.clock()}); err != nil {
		v.t.Fatal(err)
	}
	return id
}

// accept publishes a run that was landed by hand, as one that was held.
func (v *vendors) accept(id ref.RunID, source, stream string) *summary.Summary {
	v.t.Helper()
	zone := v.zone(v.config.Warehouse)
	run, err := zone.Run(ref.Stream{Source: source, Name: stream}.Run(id))
	if err == nil {
		err = zone.Mark(run, landing.Mark{Status: landing.StatusHeld, Reason: "by hand", At: v.clock()})
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return v.accepted(id)
}

// accepted publishes what is held of a run.
func (v *vendors) accepted(id ref.RunID, pipelines ...string) *summary.Summary {
	v.t.Helper()
	r := v.runner(v.config)
	r.Base = noNetwork{v.t}
	run, err := r.Accept(v.t.Context(), id, pipelines)
	if err != nil {
		v.t.Fatal(err)
	}
	if run.Generation == 0 {
		v.t.Fatalf("the accepted run is %s, and nothing is published:\n%s", run.Status, reasons(run))
	}
	return run
}

// rebuild replays the warehouse's landing zone, whatever comes of it.
func (v *vendors) rebuild(since time.Time) (*summary.Summary, error) {
	v.t.Helper()
	r := v.runner(v.config)
	r.Base = noNetwork{v.t}
	return r.Replay(v.t.Context(), pipeline.Rebuild{Since: since})
}

func (v *vendors) rebuilt() *summary.Summary {
	v.t.Helper()
	run, err := v.rebuild(time.Time{})
	if err != nil {
		v.t.Fatal(err)
	}
	v.verify()
	return run
}

// callsPage is a page of calls, each in JSON.
func callsPage(calls ...string) string {
	return `{"data":{"paginatedCalls":{"nodes":[` + strings.Join(calls, ",") + `]}}}`
}

func aCall(id, day, notes string) string {
	return `{"id":"` + id + `","created_at":"` + day + `T10:00:00Z","notes":[` + notes + `]}`
}

// Notes that are none are rejects, and no calls: they cover for no call that is
// missing.
func TestRejectedNotesStandForNoCall(t *testing.T) {
	t.Parallel()
	body := callsPage(aCall("c-1", "2026-03-02", `null,{"content":"no id"},{"id":"n-1"}`), aCall("c-2", "2026-03-03", ""))
	for _, c := range []struct {
		rows int64 // that the walk saw
		want summary.Status
	}{{2, summary.Complete}, {3, summary.Incomplete}, {4, summary.Incomplete}} {
		v := open(t, noon, sandbox.Options{Scale: 0.05})
		v.handLanded("aircall", "calls", nil, landedPage{"sweep", body, c.rows})
		run := v.rebuilt()
		l := legOf(t, run, "calls")
		w := l.Windows[0]
		if l.Status != c.want || w.Status != c.want || run.Status != c.want {
			t.Errorf("%d of %d calls came: the pipeline is %s, its window %s: %s", w.Distinct, c.rows, l.Status, w.Status, w.Reason)
		}
		if w.Rejected != 0 || l.Rejected != 0 || l.Rejects != 2 {
			t.Errorf("%d records of the window, %d of the pipeline, and %d lines are rejected, want 0, 0 and 2", w.Rejected, l.Rejected, l.Rejects)
		}
		if lines := v.query("SELECT 1 FROM etl.rejects"); len(lines) != 2 {
			t.Errorf("etl.rejects has %d lines", len(lines))
		}
	}
}

// A page without any record that could be found is one line among the rejects, and
// all of its records are lost.
func TestRejectedPageStandsForItsRecords(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.handLanded("aircall", "calls", map[string]int64{"sweep": 22},
		landedPage{"sweep", `{"data":{"paginatedCalls":{}}}`, 20},
		landedPage{"sweep", callsPage(aCall("c-1", "2026-03-02", ""), aCall("c-2", "2026-03-03", "")), 2})
	run := v.attempt(pipeline.Request{Pipelines: []string{"calls"}})
	l := legOf(t, run, "calls")
	if l.Status != summary.Held || !strings.Contains(l.Reason, "max_rejects") || !strings.Contains(l.Reason, "20 ") {
		t.Errorf("20 of 22 calls are lost, and the pipeline is %s: %s", l.Status, l.Reason)
	}
	if l.Rejects != 20 || l.Rejected != 20 {
		t.Errorf("%d rejects and %d records rejected, want 20 and 20", l.Rejects, l.Rejected)
	}
	if w := l.Windows[0]; w.Status != summary.Complete || w.Rejected != 20 || w.Distinct != 2 {
		t.Errorf("the window is %s with %d rows and %d rejects: %s", w.Status, w.Distinct, w.Rejected, w.Reason)
	}
}

// Pages that an earlier run has landed are judged as this run's are: a row that the
// decoder loses, or a total that they do not reach, keeps them out.
func TestLandedPagesAreJudgedToo(t *testing.T) {
	t.Parallel()
	body := callsPage(aCall("c-1", "2026-03-02", ""), aCall("c-2", "2026-03-03", ""))
	for name, c := range map[string]struct{ rows, total int64 }{"a row is lost": {3, 3}, "the total is out of reach": {2, 3}} {
		t.Run(name, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.handLanded("aircall", "calls", map[string]int64{"sweep of old": c.total}, landedPage{"sweep of old", body, c.rows})
			run := v.attempt(pipeline.Request{Pipelines: []string{"calls"}})
			l := legOf(t, run, "calls")
			if l.Status != summary.Incomplete || l.Published || !strings.Contains(l.Reason, "sweep of old") {
				t.Errorf("the pipeline is %s, published %t: %s", l.Status, l.Published, l.Reason)
			}
			if l.Adopted != 1 || l.Windows[0].Status != summary.Incomplete {
				t.Errorf("%d runs are taken over, the window is %s", l.Adopted, l.Windows[0].Status)
			}
		})
	}
}

// What a window was found to be, it is after every replay.
func TestReplayKeepsTheStatusOfWindows(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	v.handLanded("aircall", "calls", map[string]int64{"short": 3}, landedPage{"short", callsPage(aCall("c-1", "2026-03-02", "")), 1})
	v.attempt(pipeline.Request{Accept: true, Pipelines: []string{"calls"}})
	statuses := func() map[string]string {
		all := map[string]string{}
		for _, r := range v.query("SELECT * FROM etl.reconciliation") {
			all[r["run_id"].(string)+" "+r["pipeline"].(string)+" "+r["window_id"].(string)] = r["status"].(string)
		}
		return all
	}
	want := statuses()
	found := map[string]int{}
	for _, s := range want {
		found[s]++
	}
	if found["complete"] == 0 || found["incomplete"] == 0 || found["unverifiable"] == 0 {
		t.Fatalf("windows are %v: this proves nothing", found)
	}
	for range 2 {
		run := v.rebuilt()
		if run.Status != summary.Complete {
			t.Errorf("a replay of what was accepted is %s:\n%s", run.Status, reasons(run))
		}
		for window, status := range statuses() {
			if status != want[window] {
				t.Errorf("%s was %s and is %s", window, want[window], status)
			}
		}
	}
}

// A record whose newer version lies in another month came all the same: in its
// window, and towards the vendor's total.
func TestRecordThatMovesCountsInItsWindow(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.handLanded("aircall", "calls", map[string]int64{"first": 2, "second": 1},
		landedPage{"first", callsPage(aCall("c-1", "2026-01-02", ""), aCall("c-2", "2026-01-02", "")), 2},
		landedPage{"second", callsPage(aCall("c-1", "2026-03-02", "")), 1})
	l := legOf(t, v.rebuilt(), "calls")
	for _, w := range l.Windows {
		if w.Status != summary.Complete || w.Distinct != w.Fetched || w.Superseded != 0 {
			t.Errorf("window %s is %s with %d of %d: %s", w.ID, w.Status, w.Distinct, w.VendorTotal, w.Reason)
		}
	}
	if l.Loaded != 2 || l.Superseded != 1 {
		t.Errorf("%d calls are loaded and %d rows superseded, want 2 and 1", l.Loaded, l.Superseded)
	}
}

// Every file that a merge reads rows from is checked first, also one that no new row
// falls into and a moved key leaves: its table is made anew.
func TestDamagedMonthThatAKeyLeaves(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.handLanded("aircall", "calls", nil,
		landedPage{"first", callsPage(aCall("c-1", "2026-01-02", ""), aCall("c-2", "2026-01-03", ""), aCall("c-3", "2026-02-03", "")), 3})
	v.rebuilt()
	january := v.live().Manifest.Tables["aircall.calls"].Partitions["month=2026-01"]
	path := v.live().Path(january)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The footer names the program: a reader does not mind.
	damaged := bytes.Replace(whole, []byte("nightjar"), []byte("nightjay"), 1)
	if bytes.Equal(damaged, whole) {
		t.Fatal("nothing is damaged: this proves nothing")
	}
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, damaged, 0o644)); err != nil {
		t.Fatal(err)
	}

	v.pass(aDay)
	run := v.accept(v.handLanded("aircall", "calls", nil, landedPage{"second", callsPage(aCall("c-1", "2026-03-02", "")), 1}), "aircall", "calls")
	if !strings.Contains(strings.Join(run.Damage, "\n"), january.Path) {
		t.Errorf("a call leaves a damaged month, and the summary says %q", run.Damage)
	}
	v.verify()
	months := map[string]int64{}
	for folder, f := range v.live().Manifest.Tables["aircall.calls"].Partitions {
		months[folder] = f.Rows
	}
	if want := map[string]int64{"month=2026-01": 1, "month=2026-02": 1, "month=2026-03": 1}; !maps.Equal(months, want) {
		t.Errorf("months have %v rows, want %v", months, want)
	}
}
