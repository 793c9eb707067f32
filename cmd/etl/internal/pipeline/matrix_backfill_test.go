package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// A backfill that is stopped after any number of requests goes on where it was:
// what has landed is not asked for again, and the bookmark stays.
func TestAStoppedBackfillGoesOn(t *testing.T) {
	s := scene{Options: sandbox.Options{Seed: 5, Scale: 0.05}, days: 60}
	for _, source := range []string{"iadvize", "desk"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			play(t, s, func(h *theatre) {
				back := pipeline.Request{Pipelines: []string{source}, From: firstNight.AddDate(0, 0, -55).Truncate(24 * time.Hour), To: firstNight.AddDate(0, 0, -10).Truncate(24 * time.Hour)}
				h.run(back)
				whole := h.asked.count(source)
				windows := len(legOf(t, h.run(back), source).Windows)
				t.Logf("%s: %d requests in %d windows", source, whole, windows)
				for _, after := range []int{1, 2, 3, whole / 2, whole - 1} {
					if after < 1 || after >= whole {
						continue
					}
					g := raise(h.t, s, h.t.TempDir())
					g.run(pipeline.Request{Pipelines: []string{source}})
					before := g.query("SELECT bookmark FROM etl.bookmarks")
					g.asked.reset()
					ctx, stop := context.WithCancel(h.t.Context())
					seen := 0
					g.asked.set(func(w http.ResponseWriter, r *http.Request) bool {
						if strings.Contains(r.URL.Path, "oauth2") {
							return false
						}
						if seen++; seen > after {
							stop()
						}
						return false
					})
					run, err := g.runner.Run(ctx, back)
					stop()
					if err != nil && !errors.Is(err, context.Canceled) {
						t.Fatal(err)
					}
					if err == nil && run.Status != summary.Interrupted {
						t.Errorf("after %d requests: a stopped backfill is %s", after, run.Status)
					}
					g.asked.set(nil)
					first := g.asked.count(source)
					r := legOf(t, g.run(back), source)
					if r.Status != summary.Complete {
						t.Errorf("after %d requests: the second backfill is %s: %s", after, r.Status, r.Reason)
					}
					// The request that was under way, and the discovery of the schema, come again.
					if again := g.asked.count(source) - whole; first > 3 && again > 2+windowsInFlight {
						t.Errorf("after %d requests: %d requests in all where %d are enough", after, g.asked.count(source), whole)
					}
					if d := g.differences(source, nightBefore{}, nil); d != "" {
						t.Errorf("after %d requests: %s", after, d)
					}
					if after := g.query("SELECT bookmark FROM etl.bookmarks"); !slices.EqualFunc(after, before, slices.Equal) {
						t.Errorf("the bookmark moved from %v to %v", before, after)
					}
				}
			})
		})
	}
}

// windowsInFlight is how many windows may be under way, and are lost, when a
// backfill stops: one, as the theatre's sources have a concurrency of 1.
const windowsInFlight = 1

// The windows of a backfill are walked side by side, as many as the source
// allows and no more.
func TestWindowsOfABackfillSideBySide(t *testing.T) {
	const allowed = 3
	h := raise(t, scene{Options: sandbox.Options{Seed: 5, Scale: 0.02}, days: 300, concurrency: allowed}, t.TempDir())
	full := make(chan struct{})
	once := sync.OnceFunc(func() { close(full) })
	h.asked.set(func(w http.ResponseWriter, r *http.Request) bool {
		h.asked.mu.Lock()
		busy := h.asked.busy["iadvize"]
		h.asked.mu.Unlock()
		if busy == allowed {
			once()
		}
		if h.asked.count("iadvize") > 2 { // the first ones look at the schema, alone
			select {
			case <-full:
			case <-time.After(2 * time.Second):
			}
		}
		return false
	})
	h.complete(pipeline.Request{Pipelines: []string{"iadvize"}, From: h.clock.now().AddDate(0, 0, -290), To: h.clock.now().AddDate(0, 0, -10)})
	if most := h.asked.most["iadvize"]; most != allowed {
		t.Errorf("%d requests at once, of %d allowed", most, allowed)
	}
}
