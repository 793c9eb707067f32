package pipeline_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

var (
	mixes = flag.Int("mixes", 24, "random mixes of faults to try")
	mix   = flag.Uint64("mix", 0, "try the mix of this seed alone")
)

// A mix is a handful of faults, a source and a size, all of a seed. However they
// combine, a night ends with tables that equal what the vendor holds, or says
// that they do not and leaves the live rows alone.
func TestRandomMixesOfFaults(t *testing.T) {
	for seed := range seeds(*mixes, 12, *mix) {
		source, faults, scale := mixOf(seed)
		t.Run(fmt.Sprintf("%d %s %s", seed, source, strings.Join(faults, "+")), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("try it again with: go test ./cmd/etl/internal/pipeline -run RandomMixes -mix %d", seed)
				}
			}()
			s := scene{Options: sandbox.Options{Seed: seed, Scale: scale, Faults: faults, Waves: 3, WaveSize: 12}, days: 6, maxRejects: "100%"}
			play(t, s, func(h *theatre) {
				request := pipeline.Request{Pipelines: pipelinesOf(source)}
				h.night(request)
				if seed%4 == 0 {
					h.nightLater()
					h.night(request)
				}
				if seed%8 == 0 && h.live() != "" {
					h.verified()
				}
			})
		})
	}
}

// mixOf is the mix of a seed: one source, two to five of the faults that touch it.
func mixOf(seed uint64) (source string, faults []string, scale float64) {
	random := rand.New(rand.NewPCG(seed, 20261120))
	source = sources[int(seed)%len(sources)]
	var all []string
	for _, fault := range sandbox.FaultNames() {
		// Endless bodies cost seconds each, and schemas change in one way at a time:
		// both have their rows in the matrix.
		if among, ok := touches[fault]; fault != "huge" && !drifts(fault) && (!ok || slices.Contains(among, source)) {
			all = append(all, fault)
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	faults = all[:2+random.IntN(4)]
	slices.Sort(faults)
	return source, faults, 0.02 + 0.08*random.Float64()
}
