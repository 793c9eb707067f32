package pipeline_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// bookmarks are where the live generation says that each pipeline stands.
func (v *vendors) bookmarks() map[string]string {
	return bookmarksOf(v.live())
}

func TestBackfillLeavesBookmarksAlone(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: []string{"late"}})
	v.nights(2 * aDay)
	before, files := v.bookmarks(), exported(t, v.config.Warehouse)
	v.requests()

	from, to := time.Date(2026, 1, 11, 23, 0, 0, 0, time.UTC), time.Date(2026, 1, 25, 23, 0, 0, 0, time.UTC)
	run := v.run(pipeline.Request{From: from, To: to, Pipelines: []string{"conversations"}})
	l := legOf(t, run, "conversations")
	if l.New != 0 || l.Changed != 0 || l.Unchanged == 0 {
		t.Errorf("%d rows are new, %d changed, %d as they were", l.New, l.Changed, l.Unchanged)
	}
	for _, a := range v.requests() {
		s := intervalOf(t, a)
		if s.from.Before(from.Add(-time.Second)) || s.to.After(to.Add(48*time.Hour+time.Second)) {
			t.Errorf("a backfill asks for %s to %s", s.from, s.to)
		}
	}
	if after := v.bookmarks(); !maps.Equal(after, before) {
		t.Errorf("bookmarks were %v and are %v", before, after)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), files)

	v.pass(aDay)
	v.run(pipeline.Request{})
	v.expectTruth()
}

// A backfill into an empty warehouse brings its days, and the first night brings
// the rest, what changed since included.
func TestBackfillBeforeTheFirstNight(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: []string{"late"}})
	from, to := time.Date(2026, 3, 15, 23, 0, 0, 0, time.UTC), noon
	v.run(pipeline.Request{From: from, To: to, Pipelines: []string{"conversations"}})
	var want []row
	for _, c := range v.truth()["iadvize.conversations"] {
		if at := c["closed_at"].(time.Time); !at.Before(from) && at.Before(to) {
			want = append(want, c)
		}
	}
	expectRows(t, "iadvize.conversations", keys["iadvize.conversations"], v.table("iadvize.conversations"), want, 0)
	if b := v.bookmarks(); len(b) != 0 {
		t.Errorf("a backfill sets bookmarks: %v", b)
	}
	v.pass(2 * aDay)
	v.run(pipeline.Request{})
	v.expectTruth()
}

func TestFullRunAsksForAllAndChangesNothing(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.run(pipeline.Request{})
	first, files := byVendor(v.requests()), exported(t, v.config.Warehouse)
	v.run(pipeline.Request{Full: true})
	if full := byVendor(v.requests()); full["iadvize"] < first["iadvize"] || full["aircall"] < first["aircall"] {
		t.Errorf("a full run asks %v where the first asked %v", full, first)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), files)
	v.verify()
}

func TestPartitionsOfADay(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	for i := range v.config.Pipelines {
		v.config.Pipelines[i].Partition = config.ByDay
	}
	v.nights(aDay)
	v.expectTruth()
	v.expectMarts()
	v.verify()
	for name, column := range map[string]string{
		"iadvize.conversations": "closed_date", "iadvize.transactions": "closed_date", "aircall.calls": "created_date",
		"volt.waves": "scheduled_date", "volt.messages": "sent_date",
	} {
		days := map[string]bool{}
		for _, r := range v.truth()[name] {
			days[string(r[column].(date))] = true
		}
		found := map[string]bool{}
		for _, path := range v.files(name) {
			folder := filepath.Base(filepath.Dir(path))
			day, ok := strings.CutPrefix(folder, "day=")
			if !ok {
				t.Errorf("%s has a partition %s", name, folder)
			}
			found[day] = true
			for _, r := range readParquet(t, path) {
				if r[column] != date(day) {
					t.Errorf("%s: a row of %v stands in %s", name, r[column], folder)
				}
			}
		}
		if !maps.Equal(days, found) {
			t.Errorf("%s has partitions %v, want %v", name, slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(days)))
		}
	}
}
