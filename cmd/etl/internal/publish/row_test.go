package publish

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/partition"
	"nightjar/transform"
)

// A record of the run that does not fit its table is an error that names the
// column, and no null.
func TestStageRowsRefusesWhatDoesNotFit(t *testing.T) {
	table := warehouse.Table(transform.Bookmarks())
	whole := row{
		"pipeline": "calls", "source": "aircall", "stream": "calls", "bookmark": nil, "run_id": "r", "updated_at": time.Unix(1, 0),
		load.BusinessDate: dayOf("20261120T021500.000Z"),
	}
	for name, c := range map[string]struct {
		change func(row)
		want   string // in the error; empty: none
	}{
		"a whole row":             {func(row) {}, ""},
		"a zero time":             {func(r row) { r["updated_at"] = time.Time{} }, ""},
		"no business date":        {func(r row) { delete(r, load.BusinessDate) }, ""},
		"a number for a text":     {func(r row) { r["source"] = 7 }, "column source: a int is no utf8"},
		"a named text":            {func(r row) { r["stream"] = summary.Complete }, "column stream: a summary.Status is no utf8"},
		"a text for an instant":   {func(r row) { r["updated_at"] = "now" }, "column updated_at: a string is no timestamp"},
		"a text for a date":       {func(r row) { r[load.BusinessDate] = "2026-11-20" }, "column _business_date"},
		"null for a key":          {func(r row) { r["stream"] = nil }, "column stream: it is null"},
		"a column left out":       {func(r row) { delete(r, "run_id") }, "table etl.bookmarks: a row lacks column run_id"},
		"a column that is no one": {func(r row) { r["run"] = "r" }, "has a column run,"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := partition.NewStage(table, warehouse.RecordWidth(table), t.TempDir(), partition.NewPool(1<<20), memory.DefaultAllocator)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r := maps.Clone(whole)
			c.change(r)
			err = stageRows(s, table, []row{r})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("says %v, want %q", err, c.want)
			}
		})
	}
}

// An int where the column takes an int64 would have been a null.
func TestStageRowsRefusesAnInt(t *testing.T) {
	table := warehouse.Table(transform.Runs())
	r := row{}
	for _, f := range table.Arrow.Fields() {
		r[f.Name] = nil
	}
	r["run_id"], r["pipeline"], r["windows"] = "r", "calls", 3
	s, err := partition.NewStage(table, warehouse.RecordWidth(table), t.TempDir(), partition.NewPool(1<<20), memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := stageRows(s, table, []row{r}); err == nil || !strings.Contains(err.Error(), "column windows: a int is no int64") {
		t.Errorf("says %v", err)
	}
}
