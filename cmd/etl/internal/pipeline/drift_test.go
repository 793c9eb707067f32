package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
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

// drifted are the tables, by key, and the columns that lose their values where a
// field is gone.
var drifted = []struct{ table, key, lost, pipeline, finding string }{
	{"iadvize.conversations", "conversation_id", "language", "conversations", "Conversation.language: is gone; it is not asked for"},
	{"aircall.calls", "call_id", "via_number", "calls", "Call.via: is gone; it is not asked for"},
	{"volt.waves", "wave_id", "sent_by", "waves", "Wave.sentBy: is gone; it is not asked for"},
	{"volt.messages", "message_id", "status_description", "messages", "Message.statusDescription: is gone; it is not asked for"},
}

// Where a pipeline goes along with the vendor, a field that is gone costs its
// column and nothing else.
func TestEvolve(t *testing.T) {
	want := drifting(t, config.Evolve)
	want.run(pipeline.Request{})
	for _, fault := range []string{"drift-gone", "drift-renamed", "drift-retyped", "drift-null", "drift-new"} {
		t.Run(fault, func(t *testing.T) {
			v := drifting(t, config.Evolve, fault)
			report := v.run(pipeline.Request{})
			v.verify()
			gone := fault == "drift-gone" || fault == "drift-renamed"
			for _, d := range drifted {
				leg := legOf(t, report, d.pipeline)
				if len(leg.Findings) == 0 || leg.Rejects > 0 || gone && !slices.Contains(leg.Findings, d.finding) {
					t.Errorf("%s: %d rejects, schema_drift %q", d.pipeline, leg.Rejects, leg.Findings)
				}
				columns := "* EXCLUDE (_page, _extracted_at)"
				if gone {
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

// A frozen pipeline ends before its walk, and what is live stays.
func TestFreeze(t *testing.T) {
	for _, fault := range []string{"drift-gone", "drift-new", "no-introspection"} {
		t.Run(fault, func(t *testing.T) {
			v := drifting(t, config.Freeze, fault)
			report := v.attempt(pipeline.Request{})
			for _, d := range drifted {
				if leg := legOf(t, report, d.pipeline); leg.Status != pipeline.Failed || leg.Pages > 0 || leg.Published || !strings.Contains(leg.Reason, "schema: freeze") {
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
		if !slices.Contains(findings, d.finding) || !strings.Contains(strings.Join(findings, "\n"), "is new; it is not asked for") {
			t.Errorf("%s: %q", d.pipeline, findings)
		}
	}
	if n := len(v.requests()); n > 0 {
		t.Errorf("%d requests for records", n)
	}
}
