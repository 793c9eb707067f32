package pipeline_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// noNetwork fails the test that asks anything.
type noNetwork struct{ t testing.TB }

func (n noNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a replay asks %s", r.URL)
	return nil, errors.New("there is no network")
}

// nights runs once, and again after each pause.
func (v *vendors) nights(pauses ...time.Duration) {
	v.t.Helper()
	v.run(pipeline.Request{})
	for _, p := range pauses {
		v.pass(p)
		v.run(pipeline.Request{})
	}
}

// withLanding is a warehouse that has only a copy of the landing zone.
func (v *vendors) withLanding() string {
	v.t.Helper()
	dir := v.t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "landing"), os.DirFS(filepath.Join(v.config.Warehouse, "landing"))); err != nil {
		v.t.Fatal(err)
	}
	return dir
}

func (v *vendors) replay(warehouse string, since time.Time) *summary.Summary {
	v.t.Helper()
	r := v.runner(v.load(warehouse))
	r.Base = noNetwork{v.t}
	run, err := r.Replay(context.Background(), pipeline.Rebuild{Since: since})
	if err != nil {
		v.t.Fatal(err)
	}
	if run.Status != summary.Complete {
		v.t.Fatalf("the replay is %s:\n%s", run.Status, reasons(run))
	}
	return run
}

func TestReplayOfALandingZoneGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.nights(aDay, 2*aDay)
	want := exported(t, v.config.Warehouse)

	t.Run("elsewhere", func(t *testing.T) {
		dir := v.withLanding()
		v.replay(dir, time.Time{})
		expectSameFiles(t, exported(t, dir), want)
	})
	t.Run("in place", func(t *testing.T) {
		v.replay(v.config.Warehouse, time.Time{})
		expectSameFiles(t, exported(t, v.config.Warehouse), want)
		v.verify()
	})
	t.Run("of the last night alone", func(t *testing.T) {
		v.replay(v.config.Warehouse, v.clock().Add(-time.Hour))
		expectSameFiles(t, exported(t, v.config.Warehouse), want)
		v.verify()
	})
	t.Run("and the next night goes on", func(t *testing.T) {
		v.requests()
		v.pass(aDay)
		v.run(pipeline.Request{})
		v.expectTruth()
		if n := byVendor(v.requests())["iadvize"]; n > 4 {
			t.Errorf("a night after a replay asks iadvize %d times", n)
		}
	})
}

// Pages that landed and were never published are taken over, by whatever runs
// come, in whatever order.
func TestOrderOfPipelinesDoesNotMatter(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.nights(aDay)
	want := exported(t, v.config.Warehouse)
	v.config = v.load(v.withLanding())
	for _, name := range []string{"waves", "messages", "calls", "conversations"} {
		run := v.run(pipeline.Request{Pipelines: []string{name}})
		if l := legOf(t, run, name); l.Adopted != 2 {
			t.Errorf("%s takes over %d landed runs, want 2", name, l.Adopted)
		}
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), want)
	v.expectTruth()
	v.verify()
}

func TestDatabaseBroughtUpToDateEqualsOneBuiltAfresh(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.nights(aDay, aDay)
	tables := maps.Clone(keys)
	for mart, grain := range grains {
		tables["marts."+mart] = grain
	}
	before := map[string][]row{}
	for name := range tables {
		before[name] = v.table(name)
	}
	v.verify()
	if err := os.Remove(v.live().Database()); err != nil {
		t.Fatal(err)
	}
	v.run(pipeline.Request{})
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		expectRows(t, name, tables[name], v.table(name), before[name], 0)
	}
	v.verify()
}
