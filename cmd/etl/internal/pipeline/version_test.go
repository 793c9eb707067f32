package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// expectToday expects the warehouse to be as today's program would have made it, but
// for the tags of the months that no run has touched since the earlier one.
func (v *vendors) expectToday(before map[string]file) {
	v.t.Helper()
	v.verify()
	state, err := operate.Status(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		if p.Enabled && (p.Last == nil || p.Last.Fetched == 0) {
			v.t.Errorf("status knows no last run of %s: %+v", p.Pipeline, p)
		}
	}
	for _, t := range everyTable() {
		published := v.live().Manifest.Tables[t.Full()].Columns
		for _, c := range t.Columns {
			if !strings.Contains(published, fmt.Sprintf("%d %s %s;", c.ID, c.Name, c.Type)) {
				v.t.Errorf("the manifest knows no column %s of %s: %s", c.Name, t.Full(), published)
			}
		}
	}
	truth := v.truth()
	for _, r := range truth["iadvize.conversations"] {
		delete(r, "tags")
	}
	for name, want := range truth {
		expectRows(v.t, name, keys[name], v.table(name), want, 0)
	}
	months := map[string]bool{} // whether the file of each is the earlier program's
	for name, f := range exported(v.t, v.config.Warehouse) {
		if month, ok := strings.CutPrefix(filepath.ToSlash(filepath.Dir(name)), "parquet/iadvize/conversations/month="); ok {
			months[month] = before[name].info != nil && os.SameFile(f.info, before[name].info)
		}
	}
	kept, filled := 0, 0
	for _, r := range v.table("iadvize.conversations") {
		switch old := months[string(r["closed_date"].(date))[:7]]; {
		case old && r["tags"] == nil:
			kept++
		case !old && r["tags"] != nil:
			filled++
		case old:
			v.t.Errorf("conversation %v has tags, and its file is of a program that knew none", r["conversation_id"])
		}
	}
	if len(before) > 0 && kept == 0 || filled == 0 {
		v.t.Errorf("%d rows of files that stayed, %d rows with tags: this proves nothing", kept, filled)
	}
}

// A warehouse of an earlier version goes on: whatever a night does not touch stays as
// it was written, and reads as null where today's program has a column more.
func TestWarehouseOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	v.publishedBy(earlier)
	before := exported(t, v.config.Warehouse)
	v.verify()
	if _, err := operate.Status(t.Context(), v.runner(v.config).Site); err != nil {
		t.Fatal(err)
	}

	v.pass(aDay)
	v.run(pipeline.Request{})
	v.expectToday(before)
	v.run(pipeline.Request{})
	v.expectToday(before)

	if _, _, err := operate.Rollback(t.Context(), v.runner(v.config).Site, 2); err != nil {
		t.Fatal(err)
	}
	v.verify()
	v.run(pipeline.Request{})
	v.expectToday(before)

	v.replay(v.config.Warehouse, time.Time{})
	v.expectToday(nil)
	v.expectTruth()
}

// A column whose type has changed cannot be read on: the run says so, and a replay
// makes the table anew.
func TestWarehouseWithAColumnOfAnotherType(t *testing.T) {
	t.Parallel()
	for table, column := range map[string]string{"iadvize.conversations": "duration_seconds", "aircall.calls": "note_count"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.run(pipeline.Request{})
			v.publishedBy(version{table: retyped(column, arrow.BinaryTypes.String)})
			v.pass(aDay)
			run, err := v.runner(v.config).Run(t.Context(), pipeline.Request{})
			said := ""
			switch {
			case err != nil:
				said = err.Error()
			case run != nil:
				said = reasons(run)
			}
			for _, want := range []string{table, column, "`etl replay`"} {
				if !strings.Contains(said, want) {
					t.Errorf("the run says %q, and not %s", said, want)
				}
			}
			if live := v.live().Manifest.Generation; live != 2 {
				t.Errorf("generation %d is live, want 2", live)
			}
			v.replay(v.config.Warehouse, time.Time{})
			v.run(pipeline.Request{})
			v.verify()
			v.expectTruth()
		})
	}
}
