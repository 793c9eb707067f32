package pipeline_test

import (
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/load/generation"
)

// oneOfThree picks a third of the cases, the same ones every time: to rebuild each of
// them in all ways would take as long as to play them.
func oneOfThree(name string) bool {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()%3 == 0
}

// rebuilt rebuilds the warehouse from a copy of its landing zone and run records, and
// compares it with the one that lived. Where thoroughly, that copy is rebuilt a second
// time over itself, and one of the landing zone alone once.
func (h *theatre) rebuilt(thoroughly bool) {
	h.t.Helper()
	backup := h.copied("landing", "runs")
	h.expectRebuilt(backup, "from the landing zone and the records")
	if !thoroughly {
		return
	}
	h.expectRebuilt(backup, "a second time")
	h.expectRebuilt(h.copied("landing"), "from the landing zone alone")
}

// copied is a theatre whose warehouse has a copy of those folders and nothing else, and
// where nobody answers.
func (h *theatre) copied(folders ...string) *theatre {
	h.t.Helper()
	dir := h.t.TempDir()
	for _, folder := range folders {
		from := filepath.Join(h.runner.Config.Warehouse, folder)
		if _, err := os.Stat(from); err != nil {
			continue // nothing has landed
		}
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(from)); err != nil {
			h.t.Fatal(err)
		}
	}
	cfg, runner := *h.runner.Config, *h.runner
	cfg.Warehouse = dir
	runner.Config, runner.Base = &cfg, noNetwork{h.t}
	return &theatre{t: h.t, box: h.box, clock: h.clock, runner: &runner, asked: h.asked, faults: h.faults, opt: h.opt}
}

// expectRebuilt replays the copy, and expects the tables, marts and bookmarks that lived,
// and that the same runs wait.
func (h *theatre) expectRebuilt(c *theatre, how string) {
	h.t.Helper()
	run, err := c.runner.Replay(h.t.Context(), pipeline.Rebuild{})
	if h.live() == "" {
		if err == nil && run.Generation != 0 || err != nil && !strings.Contains(err.Error(), "nothing to replay") {
			h.t.Errorf("rebuilt %s, what published nothing: %v, %v", how, run, err)
		}
	} else {
		if err != nil || run.Generation == 0 {
			h.t.Errorf("rebuilt %s: %v, %v", how, run, err)
			return
		}
		expectSameFiles(h.t, exported(h.t, c.runner.Config.Warehouse), exported(h.t, h.runner.Config.Warehouse))
		if was, is := h.bookmarks(), c.bookmarks(); !maps.Equal(was, is) {
			h.t.Errorf("rebuilt %s, the bookmarks are %v and were %v", how, is, was)
		}
	}
	if was, is := h.waits(), c.waits(); !slices.Equal(was, is) {
		h.t.Errorf("rebuilt %s, there wait\n%s\nand there waited\n%s", how, strings.Join(is, "\n"), strings.Join(was, "\n"))
	}
}

// bookmarks are those of the live generation, by pipeline.
func (h *theatre) bookmarks() map[string]string {
	h.t.Helper()
	g, err := generation.Open(h.runner.Config.Warehouse).Current()
	if err != nil {
		h.t.Fatal(err)
	}
	return bookmarksOf(g)
}

func bookmarksOf(g *generation.Generation) map[string]string {
	all := map[string]string{}
	for _, b := range g.Manifest.Bookmarks {
		all[b.Pipeline] = string(b.Value)
	}
	return all
}

// waits lists the landed runs that are not in the tables, of the sources that have landed
// anything: what status says of the others takes its time.
func (h *theatre) waits() []string {
	h.t.Helper()
	cfg, runner := *h.runner.Config, *h.runner
	cfg.Pipelines = slices.DeleteFunc(slices.Clone(cfg.Pipelines), func(p config.Pipeline) bool {
		_, err := os.Stat(filepath.Join(cfg.Warehouse, "landing", p.Source))
		return err != nil
	})
	runner.Config = &cfg
	return waitsOf(h.t, &runner)
}

// waitsOf lists the landed runs that are not in the tables.
func waitsOf(t testing.TB, r *pipeline.Runner) []string {
	t.Helper()
	state, err := operate.Status(t.Context(), r.Site)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range state.Pipelines {
		for _, w := range p.Waiting {
			all = append(all, strings.Join([]string{p.Pipeline, string(w.RunID), w.Status, w.Reason}, " "))
		}
	}
	return all
}
