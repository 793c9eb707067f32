package pipeline_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// write runs statements on the live database, as someone with the right to write
// does, and closes it.
func (v *vendors) write(statements ...string) {
	v.t.Helper()
	path := v.live().Database()
	if err := os.Chmod(path, 0o644); err != nil {
		v.t.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			v.t.Fatalf("%s: %v", s, err)
		}
	}
}

// flip damages a file in its middle. Its time says so, unless that is kept.
func flip(t *testing.T, path string, keepTime bool) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 0x40
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if keepTime {
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
}

// expectDamage expects a run whose summary tells of damage in these words, and of no
// other.
func expectDamage(t *testing.T, run *summary.Summary, words ...string) {
	t.Helper()
	for _, w := range words {
		if !slices.ContainsFunc(run.Damage, func(d string) bool { return strings.Contains(d, w) }) {
			t.Errorf("the summary does not tell of %q: %q", w, run.Damage)
		}
	}
	if len(run.Damage) != len(words) {
		t.Errorf("the summary tells of %q", run.Damage)
	}
}

// What somebody writes into the live database never becomes a published number,
// whether it is in the file or in a log beside it.
func TestWriteIntoTheLiveDatabase(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"in the file": {"UPDATE iadvize.conversations SET csat_score = 5", "DELETE FROM volt.messages", "CHECKPOINT"},
		"in a log": {"PRAGMA disable_checkpoint_on_shutdown", "SET wal_autocheckpoint = '1TB'",
			"UPDATE iadvize.conversations SET csat_score = 5", "DELETE FROM volt.messages"},
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.run(pipeline.Request{})
			before := v.live()
			v.write(statements...)
			_, err := os.Stat(before.Database() + ".wal")
			if (err == nil) != (name == "in a log") || before.DatabaseUntouched() {
				t.Fatalf("the write left no trace: this proves nothing (%v)", err)
			}
			v.pass(aDay)
			expectDamage(t, v.run(pipeline.Request{}), "analytics.duckdb of generation 1 is not what was published")
			v.expectTruth()
			v.expectMarts()
			v.verify()
			expectDamage(t, v.run(pipeline.Request{}))
		})
	}
}

// Status tells of the runs that there were, not of those that somebody wrote down.
func TestStatusOfAChangedDatabase(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	v.write("UPDATE etl.runs SET status = 'invented'")
	state, err := operate.Status(t.Context(), v.runner(v.config).Site)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		if p.Enabled && (p.Last == nil || p.Last.Status != "complete") {
			t.Errorf("the last run of %s is %+v", p.Pipeline, p.Last)
		}
	}
}

// A partition that was written to is made anew of what has landed, whether the
// night reads it or not, also where its time tells nothing.
func TestDamagedParquetIsMadeAnew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		newest, keepTime bool
	}{
		"a partition that the night merges":          {true, false},
		"the same, with the time that it had":        {true, true},
		"a partition that the night leaves as it is": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.nights(aDay)
			files := v.files("iadvize.conversations")
			path := files[0]
			if test.newest {
				path = files[len(files)-1]
			}
			flip(t, path, test.keepTime)
			v.pass(aDay)
			run := v.run(pipeline.Request{})
			expectDamage(t, run, strings.TrimPrefix(path, filepath.Join(v.config.Warehouse, "current")+"/"))
			if l := legOf(t, run, "conversations"); l.Adopted != 0 || slices.ContainsFunc(l.Windows, func(w *summary.Window) bool { return w.RunID != run.RunID }) {
				t.Errorf("the old pages are told as this night's: %d runs, %d windows", l.Adopted, len(l.Windows))
			}
			v.expectTruth()
			v.expectMarts()
			v.verify()
			want := exported(t, v.config.Warehouse)
			dir := v.withLanding()
			v.replay(dir, time.Time{})
			expectSameFiles(t, exported(t, dir), want)
		})
	}
}

// Where the landing zone lacks the pages that a damaged partition came from, its
// tables stay as they are, and the others go on.
func TestDamagedParquetThatCannotBeMadeAnew(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*vendors, string){
		"its pages are gone":    func(v *vendors, run string) { removeAll(v.t, run) },
		"a page is damaged too": func(v *vendors, run string) { flip(v.t, filepath.Join(run, "000001.json.zst"), false) },
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.run(pipeline.Request{})
			runs, err := filepath.Glob(filepath.Join(v.config.Warehouse, "landing", "iadvize", "*", "*"))
			if err != nil || len(runs) != 1 {
				t.Fatal(runs, err)
			}
			lose(v, runs[0])
			flip(t, v.files("iadvize.conversations")[0], false)
			v.pass(aDay)
			got := v.attempt(pipeline.Request{})
			l := legOf(t, got, "conversations")
			if l.Status != summary.Failed || l.Published || !strings.Contains(l.Reason, "etl replay") {
				t.Errorf("conversations are %s, published %t: %s", l.Status, l.Published, l.Reason)
			}
			if calls := legOf(t, got, "calls"); calls.Status != summary.Complete || !calls.Published {
				t.Errorf("calls are %s, published %t: %s", calls.Status, calls.Published, calls.Reason)
			}
			expectRows(t, "aircall.calls", keys["aircall.calls"], v.table("aircall.calls"), v.truth()["aircall.calls"], 0)
		})
	}
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// A damaged file that a run needs nothing of is handed on, and told of.
func TestDamagedParquetOfAnotherPipeline(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	flip(t, v.files("iadvize.conversations")[0], false)
	v.pass(aDay)
	expectDamage(t, v.run(pipeline.Request{Pipelines: []string{"calls"}}), "is handed on as it is")
	expectDamage(t, v.run(pipeline.Request{}), "its tables are made anew")
	v.expectTruth()
	v.verify()
}

// expectUnpublished expects a run that this machine failed, whose summary says why, and
// what there is to do.
func expectUnpublished(t *testing.T, run *summary.Summary, words ...string) {
	t.Helper()
	if run.Status != summary.Failed || run.Generation != 0 || len(run.Next) == 0 {
		t.Errorf("the run is %s and published %d; next %v", run.Status, run.Generation, run.Next)
	}
	for _, word := range words {
		if said := reasons(run); !strings.Contains(said, word) {
			t.Errorf("the summary says %q, and does not name %s", said, word)
		}
	}
	for _, l := range run.Pipelines {
		if l.Published || l.Status != summary.Failed {
			t.Errorf("%s is %s, published %t", l.Pipeline, l.Status, l.Published)
		}
	}
}

// One that is lost cannot be handed on.
func TestLostParquetOfAnotherPipeline(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	removeAll(t, v.files("iadvize.conversations")[0])
	v.pass(aDay)
	run := v.attempt(pipeline.Request{Pipelines: []string{"waves"}})
	expectUnpublished(t, run, "parquet/iadvize/conversations/", "etl replay")
	expectDamage(t, v.run(pipeline.Request{}), "its tables are made anew")
	v.expectTruth()
	v.verify()
}

// Without a database to copy, every partition is needed.
func TestDamagedParquetAndDatabase(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	v.write("UPDATE iadvize.conversations SET csat_score = 5")
	flip(t, v.files("aircall.calls")[0], true)
	v.pass(aDay)
	run := v.attempt(pipeline.Request{Pipelines: []string{"waves"}})
	if l := legOf(t, run, "waves"); l.Status != summary.Failed || !strings.Contains(l.Reason, "parquet/aircall/calls/") || !strings.Contains(l.Reason, "etl replay") {
		t.Errorf("waves are %s: %s", l.Status, l.Reason)
	}
	expectUnpublished(t, v.attempt(pipeline.Request{Pipelines: []string{"conversations"}}), "parquet/aircall/calls/", "etl replay")
	v.replay(v.config.Warehouse, time.Time{})
	v.verify()
	v.run(pipeline.Request{})
	v.expectTruth()
	v.expectMarts()
}

// A mart that somebody wrote to is made anew, and that is told.
func TestDamagedMart(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.nights(aDay)
	flip(t, filepath.Join(v.config.Warehouse, "current", "parquet", "marts", "calls_daily", "data.parquet"), false)
	expectDamage(t, v.run(pipeline.Request{}), "parquet/marts/calls_daily/data.parquet of generation 2 is not what was published")
	v.expectMarts()
	v.verify()
}

// The log says what the summary says.
func TestDamageIsLogged(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.run(pipeline.Request{})
	v.write("UPDATE iadvize.conversations SET csat_score = 5")
	var log bytes.Buffer
	r := v.runner(v.config)
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := r.Run(t.Context(), pipeline.Request{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "analytics.duckdb of generation 1 is not what was published"); n != 1 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("the log tells of it %d times:\n%s", n, log.String())
	}
}
