package pipeline_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// The account that the configuration that ships with the program asks for.
const askedAccount = "+10003334444"

// keys are the vendor tables that the demo fills, and what identifies a row.
var keys = map[string][]string{
	"iadvize.conversations": {"conversation_id"},
	"iadvize.transactions":  {"conversation_id", "transaction_id"},
	"aircall.calls":         {"call_id"},
	"aircall.call_notes":    {"call_id", "note_id"},
	"volt.waves":            {"wave_id"},
	"volt.messages":         {"message_id"},
}

// truth is what the tables have to hold by the configuration, read from what the vendors
// hold by the tests' own parsing of their fields.
func (v *vendors) truth() map[string][]row {
	v.t.Helper()
	s := v.config.Sources
	return v.truthOf(mapping{zone: v.config.Timezone, unit: s.Aircall.DurationUnit, projects: s.IAdvize.Projects, accounts: s.Volt.Accounts})
}

// truthOf is what tables hold that are made so.
func (v *vendors) truthOf(m mapping) map[string][]row {
	v.t.Helper()
	m.tables = map[string][]row{}
	for name := range keys {
		m.tables[name] = nil
	}
	each(v, "iadvize/conversations", m.conversation)
	each(v, "aircall/calls", m.call)
	each(v, "volt/waves", m.wave)
	each(v, "volt/messages", m.message)
	return m.tables
}

// each hands every record of one kind to read.
func each[T any](v *vendors, name string, read func(T)) {
	v.t.Helper()
	v.mu.Lock()
	box := v.box
	v.mu.Unlock()
	held, err := box.Truth(name)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, r := range held.Rows {
		text, err := json.Marshal(r)
		if err != nil {
			v.t.Fatal(err)
		}
		var record T
		if err := json.Unmarshal(text, &record); err != nil {
			v.t.Fatalf("%s: %v in %s", name, err, text)
		}
		read(record)
	}
}

// expectTruth compares every vendor table, in the database and in the Parquet,
// with what the vendors hold now.
func (v *vendors) expectTruth() {
	v.t.Helper()
	for name, want := range v.truth() {
		if len(want) == 0 {
			v.t.Errorf("the truth of %s is empty: this proves nothing", name)
		}
		expectRows(v.t, name+" in DuckDB", keys[name], v.table(name), want, 0)
		expectRows(v.t, name+" in Parquet", keys[name], v.parquet(name), want, 0)
	}
}

func TestWarehouseEqualsTruth(t *testing.T) {
	scales := []float64{1, 10}
	if testing.Short() {
		scales = scales[:1]
	}
	for _, scale := range scales {
		t.Run(fmt.Sprintf("scale %g", scale), func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: scale})
			v.run(pipeline.Request{})
			v.expectTruth()
			v.expectMarts()
			v.verify()
		})
	}
}

// The pages of every landed run say where a row came from.
func TestRowsNameTheirPage(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.2})
	before := time.Now().Add(-time.Second)
	run := v.run(pipeline.Request{})
	for name := range keys {
		for _, r := range v.query("SELECT DISTINCT _page, _extracted_at FROM " + name) {
			page := r["_page"].(string)
			if !v.landed(page) || !regexp.MustCompile(`/`+regexp.QuoteMeta(string(run.RunID))+`/\d{6}$`).MatchString(page) {
				t.Errorf("%s: a row came from %q, which is no landed page of the run", name, page)
			}
			if at := r["_extracted_at"].(time.Time); at.Before(before) || at.After(time.Now()) {
				t.Errorf("%s: a row was extracted at %s", name, at)
			}
		}
	}
}
