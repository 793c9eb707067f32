package pipeline_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// childKeys tell purchases and notes apart where purchases have no id.
var childKeys = map[string][]string{
	"iadvize.transactions": {"conversation_id", "external_conversion_id"},
	"aircall.call_notes":   keys["aircall.call_notes"],
}

// expectChildren compares purchases and notes with what the vendors hold now.
func (v *vendors) expectChildren() {
	v.t.Helper()
	truth := v.truth()
	for name, key := range childKeys {
		want := truth[name]
		for _, r := range want {
			delete(r, "transaction_id") // a hash, where the vendor has none
		}
		expectRows(v.t, name+" in DuckDB", key, v.table(name), want, 0)
		expectRows(v.t, name+" in Parquet", key, v.parquet(name), want, 0)
	}
}

// takenBack counts what the vendors took back between two looks at what they hold.
// Gone is what was there before the first one and is not after it.
func takenBack(before, after map[string][]row, gone map[string]bool, n map[string]int) {
	for name, key := range childKeys {
		id := func(r row) string { return fmt.Sprint(name, " ", r[key[0]], " ", r[key[1]]) }
		now, parents := map[string]row{}, map[any]bool{}
		for _, r := range after[name] {
			now[id(r)], parents[r[key[0]]] = r, true
			if gone[id(r)] {
				n[name+": came back"]++
			}
			delete(gone, id(r))
		}
		for _, r := range before[name] {
			s, ok := now[id(r)]
			switch {
			case !ok && !parents[r[key[0]]]:
				n[name+": the last of its record gone"]++
				fallthrough
			case !ok:
				n[name+": gone"]++
				gone[id(r)] = true
			case s["amount"] != r["amount"]:
				n[name+": corrected"]++
			}
		}
	}
}

// What a vendor takes back leaves: a cancelled purchase, what a corrected one was, a
// deleted note, the last note of a call. What it gives back is there again. The landing
// zone alone comes to the same bytes, and the database is updated, not built afresh.
func TestWhatAVendorTakesBackLeaves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]sandbox.Options{
		"newer query": {Scale: 0.6, IAdvizeShape: "closed"},
		"older query": {Scale: 0.6, IAdvizeShape: "search"},
		"without ids": {Scale: 0.6, Faults: []string{"no-paging"}},
	} {
		if testing.Short() && name == "newer query" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipeline.Request{Pipelines: []string{"calls", "conversations"}}
			c.Faults = append(c.Faults, "taken-back")
			v := open(t, noon, c)
			v.run(request)
			v.expectChildren()
			taken := map[string]int{
				"iadvize.transactions: gone": 0, "iadvize.transactions: corrected": 0, "iadvize.transactions: came back": 0,
				"aircall.call_notes: gone": 0, "aircall.call_notes: the last of its record gone": 0,
			}
			before, gone := v.truth(), map[string]bool{}
			for range 6 {
				v.pass(aDay / 2)
				run := v.run(request)
				v.expectChildren()
				v.verify()
				after, already := v.truth(), taken["iadvize.transactions: gone"]
				takenBack(before, after, gone, taken)
				if l := legOf(t, run, "conversations"); taken["iadvize.transactions: gone"] > already && l.Superseded == 0 {
					t.Error("purchases are gone, and no row is superseded")
				}
				if v.live().Manifest.DatabaseRun == run.RunID {
					t.Error("the database is built afresh")
				}
				before = after
			}
			for change, n := range taken {
				if n == 0 {
					t.Errorf("%s: never: this proves nothing", change)
				}
			}
			nightly := exported(t, v.config.Warehouse)
			alone := v.withLanding()
			v.replay(alone, time.Time{})
			expectSameFiles(t, exported(t, alone), nightly)
			v.replay(alone, noon.Add(aDay/4)) // and the nights once more, over what is there
			expectSameFiles(t, exported(t, alone), nightly)
		})
	}
}

// A backfill asks for two days beyond its end, and is not shown what was bought later:
// purchases of conversations that closed after it stay.
func TestABackfillRemovesNoPurchase(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.5, Faults: []string{"late"}})
	v.run(pipeline.Request{})
	end := time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)
	hidden := 0
	for _, r := range v.query("SELECT received_at FROM iadvize.transactions JOIN iadvize.conversations USING (conversation_id) WHERE closed_at BETWEEN '2026-01-31 23:00:00+00' AND '2026-02-02 23:00:00+00'") {
		if r["received_at"].(time.Time).After(end.Add(49 * time.Hour)) {
			hidden++
		}
	}
	if hidden == 0 {
		t.Fatal("the vendor shows every purchase: this proves nothing")
	}
	before := exported(t, v.config.Warehouse)
	run := v.run(pipeline.Request{From: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), To: end, Pipelines: []string{"conversations"}})
	if l := legOf(t, run, "conversations"); l.Unchanged == 0 || l.New+l.Changed != 0 {
		t.Errorf("the backfill has %d new rows, %d changed and %d as they were", l.New, l.Changed, l.Unchanged)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), before)
	v.expectTruth()
	v.verify()
}

// A vendor that shows no note of a sudden is not believed without someone's word.
func TestRowsThatAllLeaveAreHeld(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.5})
	request := pipeline.Request{Pipelines: []string{"calls"}, Full: true}
	v.run(request)
	had, files := len(v.table("aircall.call_notes")), exported(t, v.config.Warehouse)
	notes := regexp.MustCompile(`"notes":\[[^\]]*\]`)
	v.rewrite(func(_ string, answer []byte) []byte { return notes.ReplaceAll(answer, []byte(`"notes":[]`)) })
	leg := legOf(t, v.attempt(request), "calls")
	if said := fmt.Sprintf("%d of %d rows of aircall.call_notes", had, had); had < 100 || leg.Status != summary.Held || !strings.Contains(leg.Reason, said) {
		t.Errorf("calls is %s: %s; want %q in it", leg.Status, leg.Reason, said)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), files)

	request.Accept = true
	v.run(request)
	if left := v.table("aircall.call_notes"); len(left) > 0 {
		t.Errorf("%d notes are left once that is accepted", len(left))
	}
	v.verify()
	v.rewrite(nil)
	v.run(pipeline.Request{})
	v.expectTruth()
}
