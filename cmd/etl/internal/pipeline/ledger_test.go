package pipeline_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// backup is a warehouse that has only a copy of the landing zone and the run records.
func (v *vendors) backup() *vendors {
	v.t.Helper()
	dir := v.withLanding()
	if err := os.CopyFS(filepath.Join(dir, "runs"), os.DirFS(filepath.Join(v.config.Warehouse, "runs"))); err != nil {
		v.t.Fatal(err)
	}
	cfg := *v.config
	cfg.Warehouse = dir
	return &vendors{t: v.t, server: v.server, config: &cfg, now: v.clock(), box: v.box, opt: v.opt}
}

// landedRuns are the folders of a stream's landed runs, the oldest first.
func (v *vendors) landedRuns(source, stream string) []string {
	v.t.Helper()
	runs, err := filepath.Glob(filepath.Join(v.config.Warehouse, "landing", source, stream, "*Z"))
	if err != nil || len(runs) == 0 {
		v.t.Fatalf("no run of %s has landed (%v): this proves nothing", stream, err)
	}
	slices.Sort(runs)
	return runs
}

// losses are the ways in which a backup may lack a part.
var losses = map[string]func(t *testing.T, v *vendors){
	"the oldest run": func(t *testing.T, v *vendors) { removeAll(t, v.landedRuns("iadvize", "closed_conversations")[0]) },
	"the newest run": func(t *testing.T, v *vendors) {
		runs := v.landedRuns("iadvize", "closed_conversations")
		removeAll(t, runs[len(runs)-1])
	},
	"a run between": func(t *testing.T, v *vendors) { removeAll(t, v.landedRuns("iadvize", "closed_conversations")[1]) },
	"a journal": func(t *testing.T, v *vendors) {
		removeAll(t, v.landedRuns("iadvize", "closed_conversations")[0]+"/journal.jsonl")
	},
	"half a journal": func(t *testing.T, v *vendors) {
		edit(t, v.landedRuns("iadvize", "closed_conversations")[0]+"/journal.jsonl", func(b []byte) []byte {
			lines := strings.SplitAfter(string(b), "\n")
			return []byte(strings.Join(lines[:len(lines)/2], ""))
		})
	},
	"all runs of a stream": func(t *testing.T, v *vendors) {
		removeAll(t, filepath.Dir(v.landedRuns("iadvize", "closed_conversations")[0]))
	},
	"half a journal and the records": func(t *testing.T, v *vendors) {
		edit(t, v.landedRuns("iadvize", "closed_conversations")[0]+"/journal.jsonl", func(b []byte) []byte {
			lines := strings.SplitAfter(string(b), "\n")
			return []byte(strings.Join(lines[:len(lines)/2], ""))
		})
		removeAll(t, v.config.Warehouse+"/runs")
	},
	"and the records": func(t *testing.T, v *vendors) {
		removeAll(t, v.landedRuns("iadvize", "closed_conversations")[0])
		removeAll(t, v.config.Warehouse+"/runs")
	},
}

// A backup that lacks a part is no backup: what is lost is named, and nothing of the
// stream is published as if it were whole. On someone's word the rest is, and the next
// night asks the vendor for what is lost.
func TestReplayOfALandingZoneInPart(t *testing.T) {
	t.Parallel()
	for name, lose := range losses {
		if testing.Short() && !oneOfThree(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lived := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6})
			lived.nights(aDay, aDay)
			v := lived.backup()
			v.t = t
			lose(t, v)
			run, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{})
			if err != nil {
				t.Fatal(err)
			}
			l := legOf(t, run, "conversations")
			if run.Status != summary.Held || l.Status != summary.Held || l.Published || !strings.Contains(l.Reason, "is not there") && !strings.Contains(l.Reason, "of its") || !strings.Contains(l.Reason, "etl replay --accept") {
				t.Errorf("the replay is %s; conversations are %s: %s", run.Status, l.Status, l.Reason)
			}
			if rows := v.table("iadvize.conversations"); len(rows) != 0 {
				t.Errorf("%d conversations are published", len(rows))
			}
			run, err = v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{Accept: true})
			if err != nil || run.Generation == 0 {
				t.Fatalf("on someone's word: %v, %v", run, err)
			}
			v.pass(aDay)
			lived.pass(aDay)
			v.run(pipeline.Request{})
			v.expectTruth()
			v.verify()
			for range 2 { // what someone goes on without is no longer missed
				if run, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{}); err != nil || run.Status != summary.Complete {
					t.Fatalf("the replay after: %v, %v", run, err)
				}
			}
			v.expectTruth()
		})
	}
}

// What someone has accepted stays so where the warehouse is made anew of its landing
// zone, with the run records and without; what is held stays held, however often.
func TestWordsOutliveTheGenerations(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6, Faults: []string{"cap"}})
	v.attempt(pipeline.Request{Accept: true, Pipelines: []string{"calls"}})
	v.pass(aDay)
	held := v.attempt(pipeline.Request{Pipelines: []string{"calls"}})
	v.swap(v.another(sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6, End: noon}))
	v.pass(aDay)
	v.run(pipeline.Request{})
	want := v.waits()
	if len(want) != 1 || !strings.Contains(want[0], string(held.RunID)) {
		t.Fatalf("there wait %v: this proves nothing", want)
	}
	for name, w := range map[string]*vendors{"backup": v.backup(), "landing zone": v.backup()} {
		if name == "landing zone" {
			removeAll(t, w.config.Warehouse+"/runs")
		}
		for range 2 {
			if _, err := w.runner(w.config).Replay(t.Context(), pipeline.Rebuild{}); err != nil {
				t.Fatal(err)
			}
			expectSameFiles(t, exported(t, w.config.Warehouse), exported(t, v.config.Warehouse))
			if got := w.waits(); len(got) != 1 || !strings.Contains(got[0], string(held.RunID)+" incomplete") {
				t.Errorf("of the %s there wait %v, want %v", name, got, want)
			}
		}
	}
}

// An error of this machine is that pipeline's alone. There is a summary, the record of the
// run and status tell of it, and so does etl.runs once something is published.
func TestAnErrorOfOnePipelineIsItsOwn(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6})
	tooLong := strings.Repeat("calls", 60) // for the name of a scratch folder
	name := func(now string) {
		for i := range v.config.Pipelines {
			if v.config.Pipelines[i].Source == "aircall" {
				v.config.Pipelines[i].Name = now
			}
		}
	}
	name(tooLong)
	run := v.attempt(pipeline.Request{})
	for _, l := range run.Pipelines {
		if want := map[bool]summary.Status{true: summary.Failed, false: summary.Complete}[l.Pipeline == tooLong]; l.Status != want {
			t.Errorf("%s is %s: %s", l.Pipeline, l.Status, l.Reason)
		}
	}
	if run.Status != summary.Failed || run.Generation != 1 || !slices.ContainsFunc(run.Next, func(s string) bool { return strings.Contains(s, "etl run calls") }) {
		t.Errorf("the run is %s, published %d; next %v", run.Status, run.Generation, run.Next)
	}
	v.pass(aDay)
	failed := v.attempt(pipeline.Request{Pipelines: []string{tooLong}})
	if failed.Generation != 0 {
		t.Fatalf("the run published %d: this proves nothing", failed.Generation)
	}
	state, err := operate.Status(t.Context(), v.runner(v.config).Site)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		if p.Pipeline == tooLong && (p.Last == nil || p.Last.RunID != failed.RunID || p.Last.Status != "failed" || p.Last.Reason == "" || !p.Published.IsZero()) {
			t.Errorf("status says of calls %+v", p.Last)
		}
	}
	name("calls")
	v.pass(aDay)
	v.run(pipeline.Request{})
	rows := v.query("SELECT run_id FROM etl.runs WHERE source = 'aircall' AND status = 'failed' ORDER BY run_id")
	if len(rows) != 2 || rows[1]["run_id"] != string(failed.RunID) {
		t.Errorf("etl.runs has the failed runs %v", rows)
	}
	v.expectTruth()
}

// What is published on someone's word is what that run brings: an older held run stays
// held.
func TestAcceptingARunTakesNoOlderOne(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6, Faults: []string{"cap"}})
	older := v.attempt(pipeline.Request{Pipelines: []string{"calls"}})
	v.pass(aDay)
	newer := v.attempt(pipeline.Request{Pipelines: []string{"calls"}, Accept: true})
	l := legOf(t, newer, "calls")
	if !l.Published || l.Adopted != 0 {
		t.Errorf("calls are %s, published %t, with %d older runs", l.Status, l.Published, l.Adopted)
	}
	if got := v.waits(); len(got) != 1 || !strings.Contains(got[0], string(older.RunID)) {
		t.Errorf("there wait %v, want run %s", got, older.RunID)
	}
}

// After a rollback the next night asks again from where that generation stood, and does
// not take over what was rolled back.
func TestARollbackIsNotUndoneByTheNextNight(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Waves: 4, WaveSize: 6})
	v.run(pipeline.Request{})
	v.pass(aDay)
	bad := v.run(pipeline.Request{})
	if _, _, err := operate.Rollback(t.Context(), v.runner(v.config).Site, 1); err != nil {
		t.Fatal(err)
	}
	for _, w := range v.waits() {
		if !strings.Contains(w, string(bad.RunID)+" rolled back") {
			t.Errorf("there waits %s", w)
		}
	}
	v.pass(aDay)
	for _, l := range v.run(pipeline.Request{}).Pipelines {
		if l.Adopted != 0 {
			t.Errorf("%s takes over %d runs", l.Pipeline, l.Adopted)
		}
	}
	v.expectTruth()
	if len(v.waits()) == 0 {
		t.Error("nothing is held any more")
	}
}
