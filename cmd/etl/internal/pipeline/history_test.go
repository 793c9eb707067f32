package pipeline_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
	"nightjar/load/generation"
)

var (
	histories = flag.Int("histories", 16, "random histories of a warehouse to live through")
	history   = flag.Uint64("history", 0, "live through the history of this seed alone")
)

// Whatever a warehouse lives through, the one that is rebuilt from its landing zone and
// run records equals it, and the next good nights bring it to what the vendors hold.
func TestHistories(t *testing.T) {
	for seed := range seeds(*histories, 2, *history) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			v := open(t, noon, sandbox.Options{Scale: 0.03, Seed: seed, Waves: 4, WaveSize: 6})
			l := &life{vendors: v, rng: rand.New(rand.NewPCG(seed, 20261121))}
			defer func() {
				if t.Failed() {
					t.Logf("it lived through %s; try it again with: go test ./cmd/etl/internal/pipeline -run Histories -history %d", strings.Join(l.lived, ", "), seed)
				}
			}()
			for range 4 {
				l.happens()
			}
			l.expectRebuilt()
			l.comesToRest()
			l.expectRebuilt()
		})
	}
}

// life is a warehouse to which things happen.
type life struct {
	*vendors
	rng   *rand.Rand
	lived []string
}

// happens has one thing happen, a day after the last one.
func (l *life) happens() {
	l.pass(aDay)
	events := map[string]func(){
		"a night":            func() { l.attempt(pipeline.Request{}) },
		"a full run":         func() { l.attempt(pipeline.Request{Full: true}) },
		"a backfill":         l.backfill,
		"a month refused":    func() { l.refused("iadvize") },
		"calls refused":      func() { l.refused("aircall") },
		"all refused":        func() { l.refused("") },
		"a cap":              func() { l.faulty(pipeline.Request{}, sandbox.Options{Faults: []string{"cap"}}) },
		"a cap accepted":     func() { l.faulty(pipeline.Request{Accept: true}, sandbox.Options{Faults: []string{"cap"}}) },
		"almost nothing":     l.dropped,
		"a word":             l.word,
		"a project more":     func() { l.names(shop, store); l.attempt(pipeline.Request{}) },
		"a project less":     func() { l.names(shop); l.attempt(pipeline.Request{}) },
		"a field dropped":    func() { l.faulty(pipeline.Request{}, sandbox.Options{Faults: []string{"drift-gone"}}) },
		"a page damaged":     l.damaged,
		"a rollback":         l.rollback,
		"a replay":           func() { l.replayed() },
		"a death":            l.death,
		"a change of zone":   l.zoned,
		"a change of width":  l.widened,
		"one pipeline's run": func() { l.attempt(pipeline.Request{Pipelines: []string{"calls"}}) },
		"a channel more": func() {
			l.config.Marts.CSATChannels = append(l.config.Marts.CSATChannels, "SMS")
			l.attempt(pipeline.Request{})
		},
		"an earlier start": l.started,
	}
	name := slices.Sorted(maps.Keys(events))[l.rng.IntN(len(events))]
	l.lived = append(l.lived, name)
	events[name]()
}

// comesToRest has good nights bring what the vendors hold.
func (l *life) comesToRest() {
	l.t.Helper()
	l.zone("Europe/Paris")                     // where the truth is told
	for _, full := range []bool{true, false} { // what a field held that was away is asked for by a full run alone
		l.pass(aDay)
		run := l.attempt(pipeline.Request{Full: full})
		if run.Status != summary.Complete {
			l.t.Errorf("a good night is %s:\n%s", run.Status, reasons(run))
		}
	}
	l.lived = append(l.lived, "a good full run and a good night")
	l.verify()
	l.expectTruth()
	expectFewFiles(l.t, l.config.Warehouse)
}

// expectFewFiles expects that no landed run has more than its three files, whatever it
// lived through.
func expectFewFiles(t *testing.T, warehouse string) {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(warehouse, "landing", "*", "*", "*"))
	if err != nil || len(runs) == 0 {
		t.Fatalf("nothing has landed: %v", err)
	}
	for _, run := range runs {
		entries, err := os.ReadDir(run)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !slices.Contains([]string{"journal.jsonl", "pages.tar", "aside.jsonl"}, e.Name()) {
				t.Errorf("%s has %s", run, e.Name())
			}
		}
	}
}

// expectRebuilt rebuilds the warehouse from its landing zone and run records alone, and
// compares: tables and marts by their bytes, rejects, bookmarks, and what waits.
func (l *life) expectRebuilt() {
	l.t.Helper()
	if _, err := generation.Open(l.config.Warehouse).Live(); err != nil {
		return // nothing was published
	}
	if n := len(l.lived); n > 0 && l.lived[n-1] == "a death" {
		return // no record tells whether its generation came; the next night makes them equal
	}
	rebuilt := l.backup()
	r := l.runner(rebuilt.config)
	r.Base = noNetwork{l.t}
	run, err := r.Replay(l.t.Context(), pipeline.Rebuild{})
	if err != nil {
		if strings.Contains(err.Error(), "nothing to replay") && len(l.bookmarks()) == 0 {
			return
		}
		l.t.Errorf("the rebuild: %v", err)
		return
	}
	if run.Generation == 0 {
		l.t.Errorf("the rebuild is %s:\n%s", run.Status, reasons(run))
		return
	}
	expectSameFiles(l.t, exported(l.t, rebuilt.config.Warehouse), exported(l.t, l.config.Warehouse))
	if was, is := l.bookmarks(), rebuilt.bookmarks(); !maps.Equal(was, is) {
		l.t.Errorf("the bookmarks were %v and are %v", was, is)
	}
	if was, is := l.waits(), rebuilt.waits(); !slices.Equal(was, is) {
		l.t.Errorf("there waited\n%s\nand there wait\n%s", strings.Join(was, "\n"), strings.Join(is, "\n"))
	}
	query := "SELECT * EXCLUDE (_extracted_at) FROM etl.rejects"
	expectRows(l.t, "etl.rejects", []string{"_page", "position", "field"}, rebuilt.query(query), l.query(query), 0)
}

// waits lists the landed runs that are not in the tables.
func (v *vendors) waits() []string {
	v.t.Helper()
	return waitsOf(v.t, v.runner(v.config))
}
