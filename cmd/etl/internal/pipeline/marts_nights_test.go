package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
	"nightjar/transform"
)

// martFile is the Parquet of a mart in the live generation.
func (v *vendors) martFile(mart string) os.FileInfo {
	v.t.Helper()
	info, err := os.Stat(filepath.Join(v.config.Warehouse, "current", "parquet", "marts", mart, "data.parquet"))
	if err != nil {
		v.t.Fatal(err)
	}
	return info
}

// Marts that follow the change are those that are computed whole, whatever a night
// finds changed: rows, the days that are final, where surveys are asked, how long
// records settle, the zone, and a database that is lost. What a warehouse comes to in
// nights, its landing zone alone comes to at once.
func TestMartsFollowTheNights(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	v.expectMarts()
	for _, night := range []struct {
		name   string
		change func()
	}{
		{"nothing but a day", func() {}},
		{"other channels", func() {
			v.config.Marts.CSATChannels, v.config.Marts.NPSChannels = []string{"CALL"}, []string{"WHATSAPP", "CHAT"}
		}},
		{"no channel", func() { v.config.Marts.NPSChannels = nil }},
		{"a longer settle time", func() { v.settle(20 * aDay) }},
		{"a shorter one", func() { v.settle(aDay) }},
		{"a lost database", func() {
			if err := os.Remove(v.live().Database()); err != nil {
				t.Fatal(err)
			}
		}},
		{"a mart that somebody wrote to", func() {
			flip(t, filepath.Join(v.config.Warehouse, "current", "parquet", "marts", "csat_daily", "data.parquet"), false)
		}},
	} {
		v.pass(aDay)
		night.change()
		v.run(pipeline.Request{})
		if v.verify(); t.Failed() {
			t.Fatalf("after a night with %s", night.name)
		}
	}
	want := exported(t, v.config.Warehouse)
	dir := v.withLanding()
	v.replayByToday(dir)
	expectSameFiles(t, exported(t, dir), want)

	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	v.config.Timezone = zone
	v.replayByToday(v.config.Warehouse)
	v.verify()
	v.pass(aDay)
	v.run(pipeline.Request{})
	v.verify()
}

// replayByToday makes a warehouse anew by the configuration as it is now.
func (v *vendors) replayByToday(dir string) {
	v.t.Helper()
	c := *v.config
	c.Warehouse = dir
	r := v.runner(&c)
	r.Base = noNetwork{v.t}
	if run, err := r.Replay(v.t.Context(), pipeline.Rebuild{}); err != nil || run.Status != summary.Complete {
		v.t.Fatalf("the replay: %v, %v", run, err)
	}
}

// settle sets how long the records of every pipeline may change.
func (v *vendors) settle(d time.Duration) {
	for i := range v.config.Pipelines {
		v.config.Pipelines[i].Settle, v.config.Pipelines[i].Lookback = d, d
	}
}

// A mart of which no row changes is the file of the night before, and the tables that
// tell of the configuration too. One that lost its file to damage is made anew.
func TestMartsThatStay(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	before := map[string]os.FileInfo{}
	for _, mart := range transform.Marts() {
		before[mart.Name] = v.martFile(mart.Name)
	}
	channels := v.live().Manifest.Tables["etl.survey_channels"].Partitions["."]
	days := v.query("SELECT * FROM etl.final_through ORDER BY records")
	v.run(pipeline.Request{Pipelines: []string{"conversations"}})
	for _, mart := range transform.Marts() {
		if !os.SameFile(before[mart.Name], v.martFile(mart.Name)) {
			t.Errorf("%s is another file, and nothing has changed", mart.Name)
		}
	}
	if now := v.live().Manifest.Tables["etl.survey_channels"].Partitions["."]; now.SHA256 != channels.SHA256 || !now.Modified.Equal(channels.Modified) {
		t.Errorf("etl.survey_channels is %v, and was %v", now, channels)
	}
	expectRows(t, "etl.final_through", []string{"records"}, v.query("SELECT * FROM etl.final_through ORDER BY records"), days, 0)
	v.verify()

	v.pass(aDay)
	v.run(pipeline.Request{Pipelines: []string{"calls"}})
	for _, mart := range transform.Marts() {
		if same := os.SameFile(before[mart.Name], v.martFile(mart.Name)); same == (mart.Name == "calls_daily") {
			t.Errorf("%s is the same file: %v, after a night of calls", mart.Name, same)
		}
	}
	v.verify()
}
