package pipeline_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

func TestTooManyRejectsAreHeld(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Faults: []string{"dirty"}})
	run := v.attempt(pipeline.Request{})
	if run.Status != summary.Held {
		t.Errorf("the run is %s", run.Status)
	}
	for _, name := range []string{"conversations", "calls"} {
		if l := legOf(t, run, name); l.Status != summary.Held || l.Published || !strings.Contains(l.Reason, "max_rejects") {
			t.Errorf("%s is %s, published %t: %s", name, l.Status, l.Published, l.Reason)
		}
	}
}

// noValues are values that are none, and where each is among the rejects.
var noValues = []struct{ what, where string }{
	{"a satisfaction of 7", "table_name = 'iadvize.conversations' AND scope = 'field' AND field LIKE '%customerSatisfaction' AND raw = '7'"},
	{"an NPS of -1", "table_name = 'iadvize.conversations' AND scope = 'field' AND field LIKE '%netPromoterScore' AND raw = '-1'"},
	{"a duration in words", "table_name = 'iadvize.conversations' AND scope = 'field' AND field = 'duration' AND raw LIKE '%a while%'"},
	{"a thirteenth month", "table_name = 'iadvize.conversations' AND scope = 'field' AND field = 'createdAt' AND raw LIKE '%-13-45T%'"},
	{"an invalid date", "table_name = 'aircall.calls' AND scope = 'field' AND field = 'created_at' AND raw LIKE '%Invalid Date%'"},
	{"the 30th of February", "table_name = 'aircall.calls' AND scope = 'field' AND field = 'created_at' AND raw LIKE '%-02-30T%'"},
	{"a negative duration", "table_name = 'aircall.calls' AND scope = 'field' AND field = 'duration' AND raw = '-1'"},
	{"a null node of a connection", "table_name = 'iadvize.conversations' AND scope = 'row' AND raw LIKE '%null%'"},
	{"a null node of a list", "table_name = 'aircall.calls' AND scope = 'row' AND raw LIKE '%null%'"},
	{"a zero date", "table_name = 'volt.waves' AND scope = 'field' AND field = 'scheduledTime' AND raw LIKE '%0000-00-00%'"},
	{"words for a date", "table_name = 'volt.messages' AND scope = 'field' AND field = 'sentAt' AND raw LIKE '%not yet%'"},
}

// Nothing is lost in silence: what is no value is a reject with its reason and
// its page, and the rest of its row is there.
func TestRejects(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Waves: 150, WaveSize: 20, Faults: []string{"dirty"}})
	run := v.attempt(pipeline.Request{Accept: true})
	if run.Status != summary.Complete {
		t.Fatalf("an accepted run is %s:\n%s", run.Status, reasons(run))
	}
	v.expectTruth()
	v.expectMarts()
	v.verify()

	for _, c := range noValues {
		found := v.query("SELECT * FROM etl.rejects WHERE " + c.where)
		if len(found) == 0 {
			t.Errorf("%s is not among the rejects", c.what)
		}
		for _, r := range found {
			if r["reason"] == nil || r["reason"] == "" || r["_page"] == nil || !v.landed(r["_page"].(string)) {
				t.Errorf("%s has the reason %v and the page %v", c.what, r["reason"], r["_page"])
			}
		}
	}

	// An id that comes as a number is an id: the tables above have it.
	for _, name := range []string{"volt/waves", "volt/messages"} {
		truth, err := v.box.Truth(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(truth)
		if err != nil || !regexp.MustCompile(`\{"id":\d`).Match(text) {
			t.Errorf("%s has no id that is a number: this proves nothing: %v", name, err)
		}
	}
	numbers := v.query("SELECT count(*) AS n FROM etl.rejects WHERE field = 'id' OR reason LIKE 'no key%'")
	if n := numbers[0]["n"]; n != int64(0) {
		t.Errorf("%v ids are rejected", n)
	}
	// Every value that is none is one reject: no more, no fewer.
	truth := v.truth()
	for _, c := range []struct{ table, column, field string }{
		{"iadvize.conversations", "created_at", "createdAt"},
		{"aircall.calls", "created_at", "created_at"},
		{"aircall.calls", "duration_seconds", "duration"},
		{"volt.waves", "scheduled_at", "scheduledTime"},
		{"volt.messages", "sent_at", "sentAt"},
	} {
		want := count(truth[c.table], func(r row) bool { return r[c.column] == nil })
		got := v.query(fmt.Sprintf("SELECT count(DISTINCT key) AS n FROM etl.rejects WHERE table_name = '%s' AND field = '%s'", c.table, c.field))
		if got[0]["n"] != want {
			t.Errorf("%s.%s: %v rejects, want %d", c.table, c.column, got[0]["n"], want)
		}
	}
}

// Every record that came is a row, an older version of one, or a reject.
func TestWindowsReconcile(t *testing.T) {
	t.Parallel()
	for _, faults := range [][]string{nil, {"dirty"}, {"drift", "partial"}} {
		t.Run(strings.Join(faults, " "), func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: faults})
			run := v.attempt(pipeline.Request{Accept: true})
			v.pass(aDay)
			v.attempt(pipeline.Request{Accept: true})
			windows := v.query("SELECT * FROM etl.reconciliation")
			if len(windows) <= len(run.Pipelines) {
				t.Errorf("%d windows of two runs", len(windows))
			}
			for _, w := range windows {
				n := func(column string) int64 { return w[column].(int64) }
				if n("fetched") == 0 && w["pipeline"] != "conversations" || n("fetched") != n("loaded")+n("superseded")+n("rejected") {
					t.Errorf("%s %s of run %s: %d fetched, %d loaded, %d superseded, %d rejected",
						w["pipeline"], w["window_id"], w["run_id"], n("fetched"), n("loaded"), n("superseded"), n("rejected"))
				}
				if total, told := w["vendor_total"].(int64); told && total != n("loaded") {
					t.Errorf("%s %s of run %s: the vendor counts %d, and %d are loaded", w["pipeline"], w["window_id"], w["run_id"], total, n("loaded"))
				}
			}
		})
	}
}

// All pipelines share etl.rejects, which is partitioned by month whatever the
// width of their own tables.
func TestRejectsOfPartitionsOfADay(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: []string{"dirty"}})
	for i := range v.config.Pipelines {
		v.config.Pipelines[i].Partition = config.ByDay
	}
	var want int64
	for range 2 {
		for _, l := range v.attempt(pipeline.Request{Accept: true}).Pipelines {
			want += l.Rejects
		}
		v.pass(aDay)
	}
	v.verify()
	if got := int64(len(v.query("SELECT * FROM etl.rejects"))); got != want || want == 0 {
		t.Errorf("etl.rejects has %d rows, and the runs rejected %d", got, want)
	}
	for _, path := range v.files("etl.rejects") {
		if folder := filepath.Base(filepath.Dir(path)); !strings.HasPrefix(folder, "month=") {
			t.Errorf("etl.rejects has a partition %s", folder)
		}
	}
}
