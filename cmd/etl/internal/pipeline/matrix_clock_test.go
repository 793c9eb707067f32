package pipeline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// A first run in a clock that was ahead leaves bookmarks that are to come. The nights
// after it, in a clock that is right, bring what is new and set them right; so does
// the night after a rebuild from the landing zone alone.
func TestAFirstRunInAClockThatWasAhead(t *testing.T) {
	for name, rebuilt := range map[string]bool{"the next nights": false, "rebuilt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, scene{Options: sandbox.Options{Seed: 2, Scale: 0.05, Waves: 2, WaveSize: 5}, days: 5}, func(h *theatre) {
				timed := []string{"iadvize", "messages", "desk"}
				h.runner.Now = func() time.Time { return h.clock.now().AddDate(0, 0, 40) }
				h.expect("the night in a clock that is ahead", equal, timed)
				h.runner.Now = h.clock.now
				if rebuilt {
					h.rebuild()
				}
				h.nightLater()
				plans, err := h.runner.Plan(h.t.Context(), pipeline.Request{Pipelines: []string{"iadvize"}})
				if err != nil {
					h.t.Fatal(err)
				}
				if from := plans[0].Windows[0].From; from.Before(h.clock.now().Add(-150 * time.Hour)) {
					h.t.Errorf("asked from %s on, where the warehouse holds what came before", from)
				}
				h.expect("a night in a clock that is right", equal, timed)
				state, err := operate.Status(h.t.Context(), h.runner.Site)
				if err != nil {
					h.t.Fatal(err)
				}
				for _, p := range state.Pipelines {
					if today := h.clock.now().Format(time.DateOnly); p.Last != nil && !strings.Contains(p.Bookmark, today) {
						h.t.Errorf("%s stands at %s", p.Pipeline, p.Bookmark)
					}
				}
			})
		})
	}
}

// rebuild makes the warehouse anew from its landing zone alone.
func (h *theatre) rebuild() {
	h.t.Helper()
	for _, name := range []string{"current", "generations"} {
		if err := os.RemoveAll(filepath.Join(h.runner.Config.Warehouse, name)); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := h.runner.Replay(h.t.Context(), pipeline.Rebuild{}); err != nil {
		h.t.Fatal(err)
	}
}
