package pipeline_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// A schema that changes between two nights costs nothing that was there: the second
// night's rows are what the vendor holds, and in the columns that it was not asked
// for what they held before. A replay of the landing zone comes to the same, and to
// no other status. A third night with the schema as it was, over everything, comes to
// what the vendor holds, and a replay of it tells of no drift any more.
func TestEverySourceDriftsOnTheSecondNight(t *testing.T) {
	for _, source := range sources {
		for _, fault := range sandbox.FaultNames() {
			if !drifts(fault) || !slices.Contains(touches[fault], source) || testing.Short() && !oneOfThree(source+"/"+fault) {
				continue
			}
			t.Run(source+"/"+fault, func(t *testing.T) {
				t.Parallel()
				want, ok := promises[source+"/"+fault]
				if !ok {
					want = promise{equal, equal}
				}
				s := scene{Options: sandbox.Options{Seed: 1, Scale: 0.05, Waves: 6, WaveSize: 20}, days: 12}
				play(t, s, func(h *theatre) {
					names := pipelinesOf(source)
					h.expect("the first night", equal, names)
					h.nightLater()
					h.change(fault)
					h.expect("the second night", want.second, names)
					h.verified()
					h.replays("the second night", want.second, names)
					if want.second == equal {
						return
					}
					h.nightLater()
					h.change()
					third := h.run(pipeline.Request{Pipelines: names, Full: true})
					for _, l := range third.Pipelines {
						if d := h.differences(l.Pipeline, nightBefore{}, nil); l.Status != summary.Complete || d != "" {
							t.Errorf("the third night: %s is %s: %s: %s", l.Pipeline, l.Status, l.Reason, d)
						}
					}
					h.replays("the third night", equal, names)
				})
			})
		}
	}
}

// replays expects a replay to leave every row as it is, where it came from included,
// and to end as the night before it.
func (h *theatre) replays(when, want string, names []string) {
	h.t.Helper()
	stood := h.everything(names)
	run, err := h.runner.Replay(h.t.Context(), pipeline.Rebuild{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, name := range names {
		worst := equal
		if l := legOf(h.t, run, name); l.Status != summary.Complete {
			worst = string(l.Status) + ": " + l.Reason
		}
		if !strings.HasPrefix(worst, want) {
			h.t.Errorf("the replay of %s ends %q, want %q", when, worst, want)
		}
	}
	if now := h.everything(names); !maps.Equal(now, stood) {
		h.t.Errorf("the replay of %s leaves other rows: %s", when, difference(stood, now))
	}
	h.verified()
}

// everything is all rows of the pipelines' tables, as text.
func (h *theatre) everything(names []string) map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, name := range names {
		for _, c := range comparisons[name] {
			for _, row := range h.query("SELECT t::VARCHAR FROM " + c.table + " AS t") {
				all[c.table+" "+row[0]] = row[0]
			}
		}
	}
	return all
}
