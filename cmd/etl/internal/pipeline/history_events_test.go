package pipeline_test

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
	"nightjar/load/generation"
)

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
	run := l.attempt(pipeline.Request{})
	if run.Generation == 0 {
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
			if p.Pipeline != "conversations" || w.Status != "failed" {
				continue
			}
			run := filepath.Join(l.config.Warehouse, "landing", "iadvize", "closed_conversations", string(w.RunID))
			if landed := landedRun(l.t, run).Landed; landed > 0 {
				flipPage(l.t, run, 1+l.rng.IntN(landed))
			}
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
