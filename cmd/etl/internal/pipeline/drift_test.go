package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
	"nightjar/load/generation"
)

// drifting are the vendors, in a small size, with a fault of the schema.
func drifting(t *testing.T, schema config.Drift, faults ...string) *vendors {
	t.Helper()
	v := open(t, noon, sandbox.Options{Scale: 0.05, Faults: faults})
	for i := range v.config.Pipelines {
		v.config.Pipelines[i].Schema = schema
	}
	return v
}

// drift replaces the vendors by themselves, with other faults.
func (v *vendors) drift(faults ...string) {
	v.t.Helper()
	v.swap(v.another(sandbox.Options{Scale: 0.05, End: noon, Faults: faults}))
}

// drifted are the tables, by key, and the columns whose field drift-gone and
// drift-renamed take away.
var drifted = []struct{ table, key, lost, field, pipeline string }{
	{"iadvize.conversations", "conversation_id", "language", "Conversation.language", "conversations"},
	{"aircall.calls", "call_id", "via_number", "Call.via", "calls"},
	{"volt.waves", "wave_id", "sent_by", "Wave.sentBy", "waves"},
	{"volt.messages", "message_id", "status_description", "Message.statusDescription", "messages"},
}

// Where a pipeline goes along with the vendor, a field that was never there costs
// its column and nothing else, and the run says so.
func TestEvolve(t *testing.T) {
	t.Parallel()
	want := drifting(t, config.Evolve)
	want.run(pipeline.Request{})
	for _, fault := range []string{"drift-gone", "drift-renamed", "drift-retyped", "drift-null", "drift-new"} {
		t.Run(fault, func(t *testing.T) {
			v := drifting(t, config.Evolve, fault)
			run := v.attempt(pipeline.Request{})
			v.verify()
			gone := fault == "drift-gone" || fault == "drift-renamed"
			for _, d := range drifted {
				leg, columns := legOf(t, run, d.pipeline), "* EXCLUDE (_page, _extracted_at)"
				if len(leg.Findings) == 0 || leg.Rejects > 0 || gone && !slices.Contains(leg.Findings, d.field+": is gone; it is not asked for") {
					t.Errorf("%s: %d rejects, schema_drift %q", d.pipeline, leg.Rejects, leg.Findings)
				}
				if !gone && leg.Status != summary.Complete {
					t.Errorf("%s is %s: %s", d.pipeline, leg.Status, leg.Reason)
				}
				if gone {
					expectDrift(t, leg, summary.Drift{Column: d.table + "." + d.lost, Vendor: d.field})
					columns = "* EXCLUDE (_page, _extracted_at, " + d.lost + ")"
					if kept := v.query("SELECT " + d.key + " FROM " + d.table + " WHERE " + d.lost + " IS NOT NULL"); len(kept) > 0 {
						t.Errorf("%s: %d rows have a value that nobody sent", d.table, len(kept))
					}
				}
				query := "SELECT " + columns + " FROM " + d.table
				expectRows(t, d.table, []string{d.key}, v.query(query), want.query(query), 0)
			}
		})
	}
}

// expectDrift expects a leg to be published and to say what it kept of one column.
func expectDrift(t *testing.T, leg *summary.Leg, want summary.Drift) {
	t.Helper()
	if leg.Status != summary.Drifted || !leg.Published || len(leg.Drift) != 1 || leg.Drift[0] != want {
		t.Errorf("%s is %s, published %t, with %+v, want %+v", leg.Pipeline, leg.Status, leg.Published, leg.Drift, want)
	}
	if said := fmt.Sprintf("%s (vendor field %s, %d values kept)", want.Column, want.Vendor, want.Kept); !strings.Contains(leg.Reason, said) {
		t.Errorf("%s gives as its reason %q, want %q in it", leg.Pipeline, leg.Reason, said)
	}
}

// kept are a column's values by key, and the pages of the rows.
func (v *vendors) kept(table, key, column string) map[string]row {
	v.t.Helper()
	return index(v.t, table, []string{key}, v.query(fmt.Sprintf("SELECT %s, %s, _page FROM %s", key, column, table)))
}

// A field that the vendor drops or renames keeps its column: on the night, on a full
// run, on every replay. When it comes back, so do its values.
func TestAFieldThatIsGoneKeepsItsColumn(t *testing.T) {
	t.Parallel()
	v := drifting(t, config.Evolve)
	v.run(pipeline.Request{})
	before := map[string]map[string]row{}
	for _, d := range drifted {
		before[d.table] = v.kept(d.table, d.key, d.lost)
	}
	v.drift("drift-gone")
	v.pass(aDay)
	for name, request := range map[string]pipeline.Request{"night": {}, "full run": {Full: true}} {
		run := v.attempt(request)
		if run.Status != summary.Drifted {
			t.Fatalf("the %s is %s:\n%s", name, run.Status, reasons(run))
		}
		for _, d := range drifted {
			now, known, pages := v.kept(d.table, d.key, d.lost), int64(0), 0
			for key, r := range now {
				was, ok := before[d.table][key]
				if ok && r["_page"] == was["_page"] {
					pages++
				}
				if r[d.lost] != was[d.lost] { // nil where there was no row
					t.Errorf("%s: %s of %s is %v after the %s, was %v", d.table, d.lost, key, r[d.lost], name, was[d.lost])
				}
				if was[d.lost] != nil {
					known++
				}
			}
			if leg := legOf(t, run, d.pipeline); len(leg.Drift) == 1 && leg.Drift[0].Kept <= known && (leg.Drift[0].Kept == known || name == "night" && leg.Drift[0].Kept > 0) {
				expectDrift(t, leg, summary.Drift{Column: d.table + "." + d.lost, Vendor: d.field, Kept: leg.Drift[0].Kept})
			} else {
				t.Errorf("%s kept %+v on the %s, of %d values known", d.pipeline, leg.Drift, name, known)
			}
			if pages == 0 || len(now) == len(before[d.table]) && d.table != "volt.waves" {
				t.Errorf("%s: %d rows of which %d are as they were: this proves nothing", d.table, len(now), pages)
			}
		}
	}
	v.verify()
	v.expectReplays(summary.Drifted)

	v.drift()
	v.pass(aDay)
	v.run(pipeline.Request{})
	for _, d := range drifted[1:2] { // a sweep over all calls
		if lost := v.query("SELECT " + d.key + " FROM " + d.table + " WHERE " + d.lost + " IS NULL"); len(lost) > 0 {
			t.Errorf("%s: %d rows have no %s once it is back", d.table, len(lost), d.lost)
		}
	}
	v.run(pipeline.Request{Full: true})
	v.expectTruth()
	v.expectReplays(summary.Complete)
	v.expectTruth()
}

// expectReplays expects replays of everything, and of the last day, to change not a
// byte and to end so.
func (v *vendors) expectReplays(status summary.Status) {
	v.t.Helper()
	files := exported(v.t, v.config.Warehouse)
	for _, since := range []time.Time{v.clock().Add(-time.Hour), {}} {
		run, err := v.runner(v.config).Replay(v.t.Context(), pipeline.Rebuild{Since: since})
		if err != nil {
			v.t.Fatal(err)
		}
		if run.Status != status {
			v.t.Errorf("the replay since %s is %s:\n%s", since, run.Status, reasons(run))
		}
		expectSameFiles(v.t, exported(v.t, v.config.Warehouse), files)
	}
	v.verify()
}

// A night that takes over pages without the field says so, though its own have it.
func TestAdoptedPagesThatLackAField(t *testing.T) {
	t.Parallel()
	v := drifting(t, config.Evolve)
	v.run(pipeline.Request{})
	v.drift("drift-gone")
	v.pass(aDay)
	v.attempt(pipeline.Request{})
	if err := generation.Open(v.config.Warehouse).SetCurrent(1); err != nil { // as if the night had died before its rename
		t.Fatal(err)
	}
	v.drift()
	v.pass(aDay)
	run := v.attempt(pipeline.Request{})
	for _, d := range drifted {
		leg := legOf(t, run, d.pipeline)
		if leg.Adopted != 1 || leg.Status != summary.Drifted || !leg.Published {
			t.Errorf("%s took over %d runs and is %s: %s", d.pipeline, leg.Adopted, leg.Status, leg.Reason)
		}
	}
	v.run(pipeline.Request{Full: true})
	v.expectTruth()
}

// A frozen pipeline ends before its walk, and what is live stays.
func TestFreeze(t *testing.T) {
	for _, fault := range []string{"drift-gone", "drift-new", "no-introspection"} {
		t.Run(fault, func(t *testing.T) {
			v := drifting(t, config.Freeze, fault)
			run := v.attempt(pipeline.Request{})
			for _, d := range drifted {
				if leg := legOf(t, run, d.pipeline); leg.Status != summary.Failed || leg.Pages > 0 || leg.Published || !strings.Contains(leg.Reason, "schema: freeze") {
					t.Errorf("%s is %s after %d pages: %s", d.pipeline, leg.Status, leg.Pages, leg.Reason)
				}
			}
		})
	}
	drifting(t, config.Freeze).run(pipeline.Request{})
}

func TestCheckOnlineShowsDrift(t *testing.T) {
	v := drifting(t, config.Evolve, "drift-renamed")
	all, err := v.runner(v.config).CheckOnline(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drifted {
		i := slices.IndexFunc(all, func(c pipeline.Checked) bool { return c.Pipeline == d.pipeline })
		if i < 0 || all[i].Error != "" {
			t.Fatalf("%s is not checked: %+v", d.pipeline, all)
		}
		var findings []string
		for _, f := range all[i].Findings {
			if f.Breaking {
				t.Errorf("%s: %s breaks the query", d.pipeline, f.Path)
			}
			findings = append(findings, f.Path+": "+f.What)
		}
		if !slices.Contains(findings, d.field+": is gone; it is not asked for") || !strings.Contains(strings.Join(findings, "\n"), "is new; it is not asked for") {
			t.Errorf("%s: %q", d.pipeline, findings)
		}
	}
	if n := len(v.requests()); n > 0 {
		t.Errorf("%d requests for records", n)
	}
}
