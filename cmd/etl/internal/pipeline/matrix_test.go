package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// sources are the vendors, in the order of the matrix.
var sources = []string{"iadvize", "aircall", "volt", "desk", "clientloop"}

// A fault touches all vendors, or those named here.
var touches = map[string][]string{
	"alias-limit": {"volt"}, "bare-paging": {"volt"}, "far-waves": {"volt"}, "number-ids": {"volt"}, "time-forms": {"volt"},
	"cap": {"aircall"}, "drift": {"aircall"}, "null-nodes": {"aircall"}, "reorder": {"aircall"},
	"desk-rate": {"desk"}, "meta-page": {"desk"},
	"exclusive": {"iadvize"}, "login-limit": {"iadvize"}, "no-paging": {"iadvize"}, "repeat-cursor": {"iadvize"}, "wide": {"iadvize"},
	"dirty": {"iadvize", "aircall", "volt"}, "late": {"iadvize", "aircall"},
	"expire":           {"iadvize", "aircall", "clientloop"},
	"no-introspection": {"iadvize", "aircall", "volt", "clientloop"},
	"partial":          {"iadvize", "aircall", "volt", "desk"},
	"drift-gone":       {"iadvize", "aircall", "volt"},
	"drift-nested":     {"iadvize", "aircall", "volt"},
	"drift-null":       {"iadvize", "aircall", "volt"},
	"drift-renamed":    {"iadvize", "aircall", "volt"},
	"drift-retyped":    {"iadvize", "aircall", "volt"},
	"drift-new":        {"iadvize", "aircall", "volt", "clientloop"},
}

// promise is how a night with a fault ends, by the worst of the source's
// pipelines: "equal", or the status and a part of the reason.
type promise struct{ first, second string }

const (
	equal   = "equal"
	unknown = "incomplete: unknown; they are not repeated"
	gone    = "drifted: these columns were not asked for"
)

// promises are the outcomes other than "equal" on both nights: "source/fault".
var promises = map[string]promise{
	// The rows beyond a cap cannot be had, and the total tells of them.
	"aircall/cap": {"incomplete: where the vendor counts", "incomplete: where the vendor counts"},
	// A field that was never there leaves its column empty, and every run says so.
	"iadvize/drift-gone":    {gone, gone},
	"iadvize/drift-nested":  {gone, gone},
	"iadvize/drift-renamed": {gone, gone},
	"aircall/drift-gone":    {gone, gone},
	"aircall/drift-nested":  {gone, gone},
	"aircall/drift-renamed": {gone, gone},
	"volt/drift-gone":       {gone, gone},
	"volt/drift-nested":     {gone, gone},
	"volt/drift-renamed":    {gone, gone},
	// What may have been written at the vendor is never written again.
	"clientloop/500":                {unknown, equal},
	"clientloop/500-empty":          {unknown, equal},
	"clientloop/502":                {unknown, equal},
	"clientloop/504":                {unknown, equal},
	"clientloop/empty":              {unknown, equal},
	"clientloop/errors-beside-data": {unknown, equal},
	"clientloop/html":               {unknown, equal},
	"clientloop/huge":               {unknown, equal},
	"clientloop/reset":              {unknown, equal},
	"clientloop/truncate":           {unknown, equal},
}

// For each source and each fault that touches it: after a night the tables equal
// what the vendor holds, or the run says why not and leaves the live rows alone.
func TestEverySourceWithEveryFault(t *testing.T) {
	for _, source := range sources {
		for _, fault := range sandbox.FaultNames() {
			if testing.Short() && (fault == "huge" || !oneOfThree(source+"/"+fault)) {
				continue // gigabytes, and minutes
			}
			if among, ok := touches[fault]; ok && !slices.Contains(among, source) {
				continue
			}
			name := source + "/" + fault
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want, ok := promises[name]
				if !ok {
					want = promise{equal, equal}
				}
				s := scene{Options: sandbox.Options{Seed: seedFor(fault), Scale: 0.05, Faults: []string{fault}, Waves: 6, WaveSize: 20}, days: 12}
				if fault == "dirty" {
					s.Scale, s.Waves, s.WaveSize, s.maxRejects = 0.5, 20, 40, "100%"
				}
				play(t, s, func(h *theatre) {
					h.expect("the first night", want.first, pipelinesOf(source))
					h.nightLater()
					h.expect("the second night", want.second, pipelinesOf(source))
					if h.live() != "" {
						h.verified()
					}
					h.rebuilt(oneOfThree(name))
				})
			})
		}
	}
}

// drifts reports whether a fault changes a vendor's schema.
func drifts(fault string) bool { return strings.HasPrefix(fault, "drift-") }

// expect runs the pipelines and compares how that ends with what is promised.
func (h *theatre) expect(when, want string, pipelines []string) {
	h.t.Helper()
	outcomes := h.night(pipeline.Request{Pipelines: pipelines})
	worst := equal
	for _, name := range pipelines {
		if outcomes[name] != equal {
			worst = outcomes[name]
			break
		}
	}
	status, reason, _ := strings.Cut(want, ": ")
	if !strings.HasPrefix(worst, status) || !strings.Contains(worst, reason) {
		h.t.Errorf("%s ends %q, want %q", when, worst, want)
	}
}

// night runs pipelines once and says of each how it ended: "equal" where its
// tables are what the vendor holds, else its status and its reason. There is no
// third outcome: that is an error of the test.
func (h *theatre) night(request pipeline.Request) map[string]string {
	h.t.Helper()
	before := nightBefore{map[string]map[string]string{}, map[string]map[string]string{}}
	for _, name := range request.Pipelines {
		for _, c := range comparisons[name] {
			before.held[c.table], before.loaded[c.table] = h.held(c), h.loaded(c)
		}
	}
	run := h.run(request)
	outcomes := map[string]string{}
	for _, l := range run.Pipelines {
		h.reconciled(l)
		if l.Status == summary.Complete || l.Status == summary.Drifted {
			outcomes[l.Pipeline] = equal
			if l.Status == summary.Drifted {
				outcomes[l.Pipeline] = fmt.Sprintf("%s: %s", l.Status, l.Reason)
			}
			if d := h.differences(l.Pipeline, before, l.Drift); d != "" {
				outcomes[l.Pipeline] = "a third outcome, complete with other rows than the vendor has: " + d
				h.t.Errorf("%s: %s", l.Pipeline, outcomes[l.Pipeline])
			}
			continue
		}
		outcomes[l.Pipeline] = fmt.Sprintf("%s: %s", l.Status, l.Reason)
		if l.Reason == "" {
			h.t.Errorf("%s is %s and does not say why", l.Pipeline, l.Status)
		}
		if l.Status == summary.Failed && (!strings.Contains(l.Reason, l.Source) || !strings.Contains(l.Reason, "window")) {
			h.t.Errorf("%s failed and does not name the place: %s", l.Pipeline, l.Reason)
		}
		for _, c := range comparisons[l.Pipeline] {
			if d := difference(before.loaded[c.table], h.loaded(c)); d != "" {
				h.t.Errorf("%s is %s, and the live rows changed: %s: %s", l.Pipeline, l.Status, c.table, d)
			}
		}
	}
	if slices.Contains(request.Pipelines, "clientloop") {
		h.sessionsOnce()
	}
	if slices.Contains(h.faults, "dirty") {
		h.rejected(request.Pipelines, outcomes)
	}
	return outcomes
}

// reconciled checks that the windows of a leg add up: what came is a row, an
// older version of one, or a reject.
func (h *theatre) reconciled(l *summary.Leg) {
	h.t.Helper()
	if l.Status != summary.Complete && l.Status != summary.Drifted {
		return
	}
	for _, w := range l.Windows {
		if w.Fetched != w.Distinct+w.Superseded+w.Rejected {
			h.t.Errorf("%s window %s: %d fetched, but %d rows, %d older versions and %d rejects", l.Pipeline, w.ID, w.Fetched, w.Distinct, w.Superseded, w.Rejected)
		}
	}
}

// sessionsOnce checks that every session in the warehouse was made at the vendor,
// and that no contact was asked for twice while a session was good.
func (h *theatre) sessionsOnce() {
	h.t.Helper()
	made := map[string]int{}
	for _, s := range h.records("clientloop/sessions") {
		contact := say(s["contactId"])
		if made[contact]++; made[contact] > 1 {
			expiries := 0
			for _, other := range h.records("clientloop/sessions") {
				if until, _ := timeOf(other["expiresAt"]); say(other["contactId"]) == contact && until.After(h.clock.now()) {
					expiries++
				}
			}
			if expiries > 1 {
				h.t.Errorf("contact %s has %d sessions at once", contact, expiries)
			}
		}
	}
	for _, row := range h.query("SELECT contact_id, count(*) FROM clientloop.idv_sessions GROUP BY ALL") {
		if fmt.Sprint(made[row[0]]) < row[1] {
			h.t.Errorf("contact %s has %s sessions in the warehouse, %d at the vendor", row[0], row[1], made[row[0]])
		}
	}
}

// rejected checks that every value that is none is a reject of its row.
func (h *theatre) rejected(pipelines []string, outcomes map[string]string) {
	h.t.Helper()
	found := map[string]bool{}
	for _, row := range h.query("SELECT table_name || ' ' || key FROM etl.rejects WHERE scope = 'field'") {
		found[row[0]] = true
	}
	for _, name := range pipelines {
		if outcomes[name] != equal {
			continue
		}
		for _, c := range comparisons[name][:1] {
			for _, record := range h.records(c.truth) {
				if rows := c.rows(record, false); rows != nil && soiled(record) && !found[c.table+" "+rows[0][0]] {
					h.t.Errorf("%s %s holds a value that is none, and no reject tells of it", c.table, rows[0][0])
				}
			}
		}
	}
}

// soiled reports whether a record of any vendor has a value that is none.
func soiled(r map[string]any) bool {
	bad := false
	for _, name := range []string{"createdAt", "closedAt", "created_at", "scheduledTime", "sentAt"} {
		bad = bad || r[name] != nil && micros(r[name]) == none
	}
	if s := member(r, "satisfactionSurvey"); s != nil {
		csat, nps := member(s, "customerSatisfaction"), member(s, "netPromoterScore")
		bad = bad || csat != nil && among(csat, 1, 5) == none || nps != nil && among(nps, 0, 10) == none
	}
	if text, ok := r["duration"].(string); ok {
		bad = bad || millis(text) == none
	}
	return bad || r["call_type"] != nil && among(r["duration"], 0, 1<<40) == none
}

// Every fault is somewhere in the matrix, and every promise is of one.
func TestTheMatrixIsWhole(t *testing.T) {
	all := sandbox.FaultNames()
	for _, fault := range slices.Sorted(maps.Keys(touches)) {
		if !slices.Contains(all, fault) {
			t.Errorf("%s is no fault", fault)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(promises)) {
		source, fault, _ := strings.Cut(name, "/")
		if !slices.Contains(sources, source) || !slices.Contains(all, fault) {
			t.Errorf("%s is in no row of the matrix", name)
		}
	}
}
