package pipeline_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
	"nightjar/load/generation"
)

var (
	histories = flag.Int("histories", 40, "random histories of a warehouse to live through")
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

func (l *life) backfill() {
	from := l.clock().AddDate(0, 0, -10-l.rng.IntN(30))
	l.attempt(pipeline.Request{From: from, To: from.AddDate(0, 0, 5), Pipelines: []string{"conversations"}})
}

// refused has a vendor, or all, refuse what is asked after a while.
func (l *life) refused(vendor string) {
	left := l.rng.IntN(3)
	l.refuse(func(a asked) bool {
		if vendor != "" && a.vendor != vendor {
			return false
		}
		left--
		return left < 0
	})
	l.attempt(pipeline.Request{})
	l.refuse(nil)
}

// faulty has a night with vendors that misbehave.
func (l *life) faulty(request pipeline.Request, opt sandbox.Options) {
	if opt.Scale == 0 {
		opt.Scale = l.opt.Scale
	}
	opt.Seed, opt.Waves, opt.WaveSize, opt.End = l.opt.Seed, l.opt.Waves, l.opt.WaveSize, noon // the same records
	good := l.swap(l.another(opt))
	l.attempt(request)
	l.swap(good)
}

// dropped has vendors show almost nothing of what they have shown before.
func (l *life) dropped() {
	pipelines := []string{"calls", "conversations"}
	if _, err := generation.Open(l.config.Warehouse).Live(); err != nil {
		return
	}
	for _, name := range pipelines {
		if _, published := l.bookmarks()[name]; !published {
			return
		}
	}
	l.faulty(pipeline.Request{Pipelines: pipelines}, sandbox.Options{Scale: 0.002})
}

// word accepts or discards one of the held runs.
func (l *life) word() {
	r := l.runner(l.config)
	held, err := operate.Held(r.Site)
	if err != nil {
		l.t.Fatal(err)
	}
	held = slices.DeleteFunc(held, func(h warehouse.HeldRun) bool { return h.Status == "superseded" })
	if len(held) == 0 {
		return
	}
	h := held[l.rng.IntN(len(held))]
	if l.rng.IntN(2) == 0 {
		_, err = operate.Discard(l.t.Context(), r.Site, h.RunID, []string{h.Pipeline})
	} else {
		_, err = r.Accept(l.t.Context(), h.RunID, []string{h.Pipeline})
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) rollback() {
	numbers, err := generation.Open(l.config.Warehouse).Numbers()
	if err != nil {
		l.t.Fatal(err)
	}
	if len(numbers) == 0 {
		return
	}
	was := l.live().Manifest.DependsOn
	if _, _, err := operate.Rollback(l.t.Context(), l.runner(l.config).Site, numbers[l.rng.IntN(len(numbers))]); err != nil {
		l.t.Fatal(err)
	}
	if !maps.Equal(was, l.live().Manifest.DependsOn) {
		l.attempt(pipeline.Request{}) // of another zone: the next run makes it anew
	}
}

// death is a night that is killed between its decision and the rename: what it made
// is not live.
func (l *life) death() {
	store := generation.Open(l.config.Warehouse)
	live, err := store.Live()
	if err != nil {
		return
	}
	report := l.attempt(pipeline.Request{})
	if report.Generation == 0 {
		return
	}
	if err := store.SetCurrent(live); err != nil {
		l.t.Fatal(err)
	}
}

// damaged is a night that fails and of which a page is damaged before the next one takes
// it over.
func (l *life) damaged() {
	l.refused("iadvize")
	state, err := operate.Status(l.t.Context(), l.runner(l.config).Site)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		for _, w := range p.Waiting {
			pages, err := filepath.Glob(filepath.Join(l.config.Warehouse, "landing", "iadvize", "closed_conversations", string(w.RunID), "*.zst"))
			if err != nil || p.Pipeline != "conversations" || w.Status != "failed" || len(pages) == 0 {
				continue
			}
			edit(l.t, pages[l.rng.IntN(len(pages))], func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b })
		}
	}
	l.attempt(pipeline.Request{})
}

func (l *life) zoned() {
	zones := []string{"Europe/Paris", "America/New_York", "Asia/Kolkata"}
	l.zone(zones[l.rng.IntN(len(zones))])
	l.attempt(pipeline.Request{})
}

func (l *life) zone(name string) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		l.t.Fatal(err)
	}
	l.config.Timezone = zone
}

func (l *life) widened() {
	widths := map[bool]string{true: "day", false: "month"}
	width := widths[l.rng.IntN(2) == 0]
	for i := range l.config.Pipelines {
		if l.config.Pipelines[i].Name == "calls" {
			l.config.Pipelines[i].Partition = config.Partition(width)
		}
	}
	l.attempt(pipeline.Request{})
}

func (l *life) started() {
	for i := range l.config.Pipelines {
		if p := &l.config.Pipelines[i]; p.Name == "conversations" {
			p.Start = p.Start.AddDate(0, 0, -l.rng.IntN(20))
		}
	}
	l.attempt(pipeline.Request{})
}

// comesToRest has good nights bring what the vendors hold.
func (l *life) comesToRest() {
	l.t.Helper()
	l.zone("Europe/Paris")                     // where the truth is told
	for _, full := range []bool{true, false} { // what a field held that was away is asked for by a full run alone
		l.pass(aDay)
		report := l.attempt(pipeline.Request{Full: full})
		if report.Status != summary.Complete {
			l.t.Errorf("a good night is %s:\n%s", report.Status, reasons(report))
		}
	}
	l.lived = append(l.lived, "a good full run and a good night")
	l.verify()
	l.expectTruth()
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
	report, err := r.Replay(l.t.Context(), pipeline.Rebuild{})
	if err != nil {
		if strings.Contains(err.Error(), "nothing to replay") && len(l.bookmarks()) == 0 {
			return
		}
		l.t.Errorf("the rebuild: %v", err)
		return
	}
	if report.Generation == 0 {
		l.t.Errorf("the rebuild is %s:\n%s", report.Status, reasons(report))
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
