package pipeline_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

const aDay = 24 * time.Hour

func TestSecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.5})
	first := v.run(pipeline.Request{})
	firstCalls := byVendor(v.requests())
	before := exported(t, v.config.Warehouse)
	rows := map[string][]row{}
	for name := range keys {
		rows[name] = v.table(name)
	}

	second := v.run(pipeline.Request{})
	if second.Generation != first.Generation+1 {
		t.Errorf("generation %d follows %d", second.Generation, first.Generation)
	}
	for _, l := range second.Pipelines {
		if l.New != 0 || l.Changed != 0 || l.Superseded != 0 || l.Rejects != 0 || l.Adopted != 0 {
			t.Errorf("%s: %d new, %d changed, %d superseded, %d rejects, %d adopted runs", l.Pipeline, l.New, l.Changed, l.Superseded, l.Rejects, l.Adopted)
		}
	}
	after := exported(t, v.config.Warehouse)
	expectSameFiles(t, after, before)
	for path, f := range after {
		if !os.SameFile(f.info, before[path].info) {
			t.Errorf("%s is written again", path)
		}
	}
	for name, want := range rows {
		expectRows(t, name, keys[name], v.table(name), want, 0) // _extracted_at and _page too
	}
	v.verify()

	all := v.requests()
	if calls := byVendor(all); calls["iadvize"]*5 > firstCalls["iadvize"] || calls["volt"] >= firstCalls["volt"] {
		t.Errorf("the second run asks %v where the first asked %v", calls, firstCalls)
	}
	known, unsettled := v.contacts()
	if len(known) == len(unsettled) {
		t.Error("every contact has a message that may still change: this proves nothing")
	}
	for _, a := range all {
		if a.vendor != "volt" || !strings.Contains(a.query, "conversation(") {
			continue
		}
		if from, to := fmt.Sprint(a.vars["from"]), fmt.Sprint(a.vars["to"]); !unsettled[from] && !unsettled[to] {
			t.Errorf("the second run asks for the messages between %s and %s, all of them settled", from, to)
		}
	}
	// The lookback begins with the business day of March 28th, a second earlier where
	// the vendor may exclude the ends of an interval.
	lookbackBegins := time.Date(2026, 3, 27, 22, 59, 59, 0, time.UTC)
	for _, a := range all {
		if a.vendor != "iadvize" {
			continue
		}
		if from := intervalOf(t, a).from; from.Before(lookbackBegins) {
			t.Errorf("the second run asks for what closed from %s on", from)
		}
	}
}

// contacts are those who have a message at noon, and of them those who have one that may
// still change.
func (v *vendors) contacts() (known, unsettled map[string]bool) {
	v.t.Helper()
	known, unsettled = map[string]bool{}, map[string]bool{}
	for _, m := range v.truth()["volt.messages"] {
		contact := m["to_number"].(string)
		if contact == askedAccount {
			contact = m["from_number"].(string)
		}
		known[contact] = true
		if !m["sent_at"].(time.Time).Before(noon.Add(-settle)) || m["status"] != "delivered" && m["status"] != "failed" {
			unsettled[contact] = true
		}
	}
	return known, unsettled
}

// span is the interval that a request for conversations asks for.
type span struct{ from, to time.Time }

// intervalOf finds it in the variables of the request, whatever their names.
func intervalOf(t *testing.T, a asked) span {
	t.Helper()
	var s span
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				look(e)
			}
		case []any:
			for _, e := range v {
				look(e)
			}
		case string:
			at, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return
			}
			if s.from.IsZero() || at.Before(s.from) {
				s.from = at
			}
			if at.After(s.to) {
				s.to = at
			}
		}
	}
	look(a.vars)
	if s.from.IsZero() {
		t.Fatalf("a request for conversations has no interval: %v", a.vars)
	}
	return s
}

// After each night the tables are what the vendors hold at that moment: what came
// late is there, and what was before it is gone.
func TestNights(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"search", "closed"} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			v := open(t, noon, sandbox.Options{Scale: 0.3, IAdvizeShape: shape, Faults: []string{"late"}})
			v.run(pipeline.Request{})
			v.expectTruth()
			changes, old := map[string]int{}, v.truth()
			for _, days := range []int{1, 2, 2} {
				v.pass(time.Duration(days) * aDay)
				v.run(pipeline.Request{})
				v.expectTruth()
				v.expectMarts()
				v.verify()
				now := v.truth()
				for change, n := range happened(old, now) {
					changes[change] += n
				}
				old = now
			}
			for change, n := range changes {
				if n == 0 {
					t.Errorf("the nights brought no %s: this proves nothing", change)
				}
			}
		})
	}
}

// happened counts what a stretch of days changed of what was there before.
func happened(old, now map[string][]row) map[string]int {
	n := map[string]int{
		"late survey answer": 0, "late transaction": 0, "note on an old call": 0, "archived call": 0, "progress of a wave": 0,
		"receipt of a message": 0, "new conversation": 0, "new call": 0, "new message": 0,
	}
	before := map[string]map[string]row{}
	for name, rows := range old {
		before[name] = map[string]row{}
		for _, r := range rows {
			before[name][fmt.Sprint(r[keys[name][len(keys[name])-1]])] = r
		}
	}
	was := func(name string, key any) row { return before[name][fmt.Sprint(key)] }
	for _, c := range now["iadvize.conversations"] {
		o := was("iadvize.conversations", c["conversation_id"])
		if o == nil {
			n["new conversation"]++
		} else if o["csat_score"] != c["csat_score"] || o["nps_score"] != c["nps_score"] || o["survey_comment"] != c["survey_comment"] {
			n["late survey answer"]++
		}
	}
	for _, s := range now["iadvize.transactions"] {
		if was("iadvize.transactions", s["transaction_id"]) == nil && was("iadvize.conversations", s["conversation_id"]) != nil {
			n["late transaction"]++
		}
	}
	for _, c := range now["aircall.calls"] {
		o := was("aircall.calls", c["call_id"])
		switch {
		case o == nil:
			n["new call"]++
		default:
			if o["note_count"] != c["note_count"] {
				n["note on an old call"]++
			}
			if o["is_archived"] != c["is_archived"] {
				n["archived call"]++
			}
		}
	}
	for _, w := range now["volt.waves"] {
		if o := was("volt.waves", w["wave_id"]); o != nil && o["messages_delivered"] != w["messages_delivered"] {
			n["progress of a wave"]++
		}
	}
	for _, m := range now["volt.messages"] {
		o := was("volt.messages", m["message_id"])
		if o == nil {
			n["new message"]++
		} else if o["status"] != m["status"] {
			n["receipt of a message"]++
		}
	}
	return n
}

// A night costs what it brought: partitions that the days passed by are the files
// that they were.
func TestOldPartitionsAreShared(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.2})
	v.run(pipeline.Request{})
	before := exported(t, v.config.Warehouse)
	v.pass(2 * aDay)
	v.run(pipeline.Request{})
	after := exported(t, v.config.Warehouse)
	for _, path := range []string{
		"parquet/iadvize/conversations/month=2026-01/data.parquet",
		"parquet/iadvize/transactions/month=2026-01/data.parquet",
		"parquet/volt/messages/month=2026-01/data.parquet",
		"parquet/volt/waves/month=2026-01/data.parquet",
	} {
		if before[path].info == nil || after[path].info == nil || !os.SameFile(before[path].info, after[path].info) {
			t.Errorf("%s is not the file that it was", path)
		}
	}
	v.expectTruth()
}
