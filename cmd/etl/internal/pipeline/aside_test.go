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
	"nightjar/load/landing"
	"nightjar/load/ref"
)

// dies runs a night of which conversations fail half-way, and returns the folder
// of what they have landed.
func (v *vendors) dies(request pipeline.Request) string {
	v.t.Helper()
	v.config.Sources.IAdvize.Concurrency = 1 // so that the windows before have ended
	february := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
	v.refuse(func(a asked) bool { return a.vendor == "iadvize" && intervalOf(v.t, a).from.After(february) })
	run := v.attempt(request)
	v.refuse(nil)
	if l := legOf(v.t, run, "conversations"); l.Status != summary.Failed || l.Pages < 2 || l.Windows[0].Status != summary.Complete {
		v.t.Fatalf("conversations are %s with %d pages, the first window is %s: this proves nothing", l.Status, l.Pages, l.Windows[0].Status)
	}
	return filepath.Join(v.config.Warehouse, "landing", "iadvize", "closed_conversations", string(run.RunID))
}

// wholePage is a page with rows, in a window that has landed whole.
func wholePage(t *testing.T, run string) landing.Landed {
	t.Helper()
	r := landedRun(t, run)
	whole := map[string]bool{}
	for _, w := range r.Windows {
		whole[w.ID] = w.Settled && w.Status == string(summary.Complete)
	}
	for page, err := range r.Pages() {
		if err == nil && whole[page.Window] && page.Rows > 0 {
			return page
		}
	}
	t.Fatal("no window with rows has landed whole: this proves nothing")
	return landing.Landed{}
}

// landedRun reads the landed run of a folder.
func landedRun(t *testing.T, run string) *landing.Run {
	t.Helper()
	zone, err := landing.Open(filepath.Join(run, "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	stream := ref.Stream{Source: filepath.Base(filepath.Join(run, "..", "..")), Name: filepath.Base(filepath.Dir(run))}
	r, err := zone.Run(stream.Run(ref.RunID(filepath.Base(run))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// flipPage damages a page of the landed run of a folder.
func flipPage(t *testing.T, run string, seq int) {
	t.Helper()
	page, has, err := landedRun(t, run).Page(seq)
	if err != nil || !has {
		t.Fatalf("page %d of %s: %t, %v", seq, run, has, err)
	}
	edit(t, filepath.Join(run, "pages.tar"), func(b []byte) []byte { b[page.Offset+page.Stored/2] ^= 0x40; return b })
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Damage in what a run that died has landed is set aside and asked for again by
// the next run, which is complete; the other pipelines do not notice. A replay
// comes to the same.
func TestDamageInWaitingRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		damage func(t *testing.T, run string)
		kept   string // the file that says what is set aside
		told   string
	}{
		"a page": {func(t *testing.T, run string) { flipPage(t, run, wholePage(t, run).Seq) }, "aside.jsonl", "its window is asked for again"},
		"a page is lost": {func(t *testing.T, run string) {
			page := wholePage(t, run)
			edit(t, filepath.Join(run, "pages.tar"), func(b []byte) []byte { clear(b[page.Offset:][:page.Stored]); return b })
		}, "aside.jsonl", "its window is asked for again"},
		"a line of the journal": {func(t *testing.T, run string) {
			edit(t, filepath.Join(run, "journal.jsonl"), func(b []byte) []byte { b[bytes.Index(b, []byte(`"seq":2`))] ^= 1; return b })
		}, "aside.jsonl", "the rest is asked for again"},
		"the header of the journal": {func(t *testing.T, run string) {
			edit(t, filepath.Join(run, "journal.jsonl"), func(b []byte) []byte { b[20] ^= 1; return b })
		}, "aside.jsonl", "the rest is asked for again"},
		"the end of the journal": {func(t *testing.T, run string) {
			edit(t, filepath.Join(run, "journal.jsonl"), func(b []byte) []byte { return b[:len(b)/2] })
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.1})
			two := pipeline.Request{Pipelines: []string{"calls", "conversations"}}
			run := v.dies(two)
			test.damage(t, run)
			v.pass(aDay)
			got := v.run(two)
			if test.told != "" {
				expectDamage(t, got, test.told)
			}
			if kept, err := filepath.Glob(filepath.Join(run, test.kept)); err != nil || len(kept) != 1 {
				t.Errorf("the damage is kept as %v (%v)", kept, err)
			}
			truth := v.truth()
			for _, name := range []string{"iadvize.conversations", "iadvize.transactions", "aircall.calls"} {
				expectRows(t, name, keys[name], v.table(name), truth[name], 0)
			}
			v.verify()
			checked, err := operate.VerifyLanding(t.Context(), v.runner(v.config).Site)
			if err != nil || len(checked.Problems) > 0 {
				t.Errorf("the landing zone has problems: %+v, %v", checked, err)
			}

			want := exported(t, v.config.Warehouse)
			dir := v.withLanding()
			v.replay(dir, time.Time{})
			expectSameFiles(t, exported(t, dir), want)
			v.pass(aDay)
			expectDamage(t, v.run(two))
		})
	}
}

// Where a run that died has lost all its pages at once, all its windows are asked for again.
func TestLostPackOfAWaitingRun(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	died := v.dies(pipeline.Request{})
	lost := landedRun(t, died).Landed
	removeAll(t, filepath.Join(died, "pages.tar"))
	v.pass(aDay)
	if got := v.run(pipeline.Request{}); len(got.Damage) == 0 || len(got.Damage) > lost || !strings.Contains(got.Damage[0], "pages.tar") {
		t.Errorf("of %d lost pages the summary tells %q", lost, got.Damage)
	}
	v.expectTruth()
	v.verify()
	v.pass(aDay)
	expectDamage(t, v.run(pipeline.Request{}))
	expectFewFiles(t, v.config.Warehouse)
}

// A night that fails again after it has set a page aside leaves the page to the
// next one, and the bookmark never passes it.
func TestDamageInWaitingRunOfNightsThatFail(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	died := v.dies(pipeline.Request{})
	flipPage(t, died, wholePage(t, died).Seq)
	v.pass(aDay)
	v.refuse(func(a asked) bool { return a.vendor == "iadvize" })
	run := v.attempt(pipeline.Request{})
	if l := legOf(t, run, "conversations"); l.Status != summary.Failed {
		t.Fatalf("conversations are %s", l.Status)
	}
	v.refuse(nil)
	if _, moved := v.bookmarks()["conversations"]; moved {
		t.Error("the bookmark moved")
	}
	v.pass(aDay)
	v.run(pipeline.Request{})
	v.expectTruth()
	v.verify()
}

// The windows of a backfill are in no nightly plan: they are asked for all the
// same, and the bookmark does not follow them.
func TestDamageInWaitingBackfill(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.run(pipeline.Request{Pipelines: []string{"calls"}})
	run := v.dies(pipeline.Request{Pipelines: []string{"conversations"}, From: noon.AddDate(0, -4, 0), To: noon.AddDate(0, 0, -10)})
	v.config = v.load(v.config.Warehouse)
	for i, p := range v.config.Pipelines {
		if p.Name == "conversations" {
			v.config.Pipelines[i].Start = noon.AddDate(0, 0, -5) // the nights begin after the backfill
		}
	}
	flipPage(t, run, wholePage(t, run).Seq)
	v.pass(aDay)
	v.requests()
	v.run(pipeline.Request{Pipelines: []string{"conversations"}})
	old := 0
	for _, a := range v.requests() {
		if a.vendor == "iadvize" && intervalOf(t, a).from.Before(noon.AddDate(0, 0, -20)) {
			old++
		}
	}
	if old == 0 {
		t.Error("the damaged window is not asked for again")
	}
	if mark := v.bookmarks()["conversations"]; !strings.Contains(mark, "2026-04-01") {
		t.Errorf("the bookmark is %s", mark)
	}
	v.verify()
}
