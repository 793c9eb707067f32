package pipeline_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// A damaged page that was published ends a replay, which says both ways out; with
// --skip it goes on, on the record, this once.
func TestReplayWithoutAPage(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.nights(aDay)
	runs, err := filepath.Glob(filepath.Join(v.config.Warehouse, "landing", "aircall", "calls", "*"))
	if err != nil || len(runs) != 2 {
		t.Fatal(runs, err)
	}
	path := filepath.Join(runs[0], "pages.tar")
	ref := "aircall/calls/" + filepath.Base(runs[0]) + "/000002"
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipPage(t, runs[0], 2)
	checked, err := operate.VerifyLanding(t.Context(), v.runner(v.config).Site)
	if err != nil || len(checked.Problems) != 1 || !strings.Contains(checked.Problems[0], ref) {
		t.Errorf("the landing zone has %+v (%v), want one problem with %s", checked, err, ref)
	}
	want := exported(t, v.config.Warehouse)

	dir := v.withLanding()
	for _, warehouse := range []string{v.config.Warehouse, dir} {
		v.refusesReplay(warehouse, ref)
		v.replaysWithout(warehouse, ref)
		v.refusesReplay(warehouse, ref) // the word was good for one replay
	}

	if _, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{Skip: []string{"aircall/calls/20200101T000000.000Z/000001"}}); err == nil || !strings.Contains(err.Error(), "--skip") {
		t.Errorf("a page that never landed may be left out: %v", err)
	}
	// From the landing zone alone the bookmark stays before the gap, so that the
	// next night closes it.
	if mark, ok := v.bookmarks()["calls"]; ok {
		t.Errorf("the bookmark passed the page: %s", mark)
	}
	v.run(pipeline.Request{})
	v.expectTruth()
	// Restored, the page is a page again.
	if err := os.WriteFile(filepath.Join(dir, "landing", "aircall", "calls", filepath.Base(runs[0]), "pages.tar"), good, 0o644); err != nil {
		t.Fatal(err)
	}
	again := v.withLanding()
	removeAll(t, filepath.Join(again, "landing", "aircall", "calls", lastOf(t, filepath.Join(again, "landing", "aircall", "calls"))))
	v.replay(again, time.Time{})
	got := exported(t, again)
	for name, f := range want {
		if strings.Contains(name, "/aircall/") && got[name].sha256 != f.sha256 {
			t.Errorf("%s has other bytes", name)
		}
	}
}

// refusesReplay expects a replay to end at a page, and to say both ways out.
func (v *vendors) refusesReplay(warehouse, ref string) {
	v.t.Helper()
	_, err := v.runner(v.load(warehouse)).Replay(v.t.Context(), pipeline.Rebuild{})
	for _, words := range []string{ref + " is corrupt", "restore it from a backup", "`etl replay --skip " + ref + "`", "`etl verify --landing`"} {
		if err == nil || !strings.Contains(err.Error(), words) {
			v.t.Errorf("%v does not say %q", err, words)
		}
	}
}

// replaysWithout replays without a page of the calls, and expects that to be on the record.
func (v *vendors) replaysWithout(warehouse, ref string) {
	v.t.Helper()
	run, err := v.runner(v.load(warehouse)).Replay(v.t.Context(), pipeline.Rebuild{Skip: []string{ref}})
	if err != nil {
		v.t.Fatal(err)
	}
	l := legOf(v.t, run, "calls")
	if run.Status != summary.Incomplete || run.Generation == 0 || !l.Published || !strings.Contains(l.Reason, ref+", with 100 records") {
		v.t.Errorf("the replay is %s, calls published %t: %s", run.Status, l.Published, l.Reason)
	}
	if other := legOf(v.t, run, "conversations"); other.Status != summary.Complete {
		v.t.Errorf("conversations are %s: %s", other.Status, other.Reason)
	}
	v.config = v.load(warehouse)
	said := v.query("SELECT status, reason FROM etl.reconciliation WHERE pipeline = 'calls' AND reason LIKE '%" + ref + "%'")
	if len(said) != 1 || said[0]["status"] != "incomplete" || !strings.Contains(said[0]["reason"].(string), "100 records") {
		v.t.Errorf("etl.reconciliation says %v", said)
	}
	if rows := v.query("SELECT 1 AS n FROM aircall.calls WHERE _page = '" + ref + "'"); len(rows) > 0 {
		v.t.Errorf("%d rows of the page are in the table", len(rows))
	}
	v.verify()
}

func lastOf(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatal(err)
	}
	return entries[len(entries)-1].Name()
}

// What stands behind the damage of a journal that was published is gone on without
// in the same way.
func TestReplayWithoutTheRestOfAJournal(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	dir := filepath.Join(v.config.Warehouse, "landing", "aircall", "calls")
	run := lastOf(t, dir)
	edit(t, filepath.Join(dir, run, "journal.jsonl"), func(b []byte) []byte { b[bytes.Index(b, []byte(`"seq":2`))] ^= 1; return b })
	ref := "aircall/calls/" + run + "/journal.jsonl"
	_, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{})
	if err == nil || !strings.Contains(err.Error(), "`etl replay --skip "+ref+"`") {
		t.Errorf("got %v, want the way out", err)
	}
	got, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{Skip: []string{ref}})
	if err != nil || got.Status != summary.Incomplete || !strings.Contains(legOf(t, got, "calls").Reason, ref) {
		t.Errorf("%+v, %v", got, err)
	}
	v.verify()
}
