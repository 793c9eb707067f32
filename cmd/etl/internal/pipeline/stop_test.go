package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// stopAt ends a run when it comes to a stage.
type stopAt struct {
	stage string
	stop  context.CancelFunc
}

func (stopAt) Start(string, int, int) {}
func (stopAt) Page(string, int64)     {}
func (stopAt) Window(string)          {}
func (stopAt) Done()                  {}

func (s stopAt) Stage(what string) {
	if strings.HasPrefix(what, s.stage) {
		s.stop()
	}
}

// A run that is stopped while it publishes leaves the live generation and asks for
// nothing twice: the next run publishes what has landed.
func TestStoppedWhileItPublishes(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"merge", "database"} {
		t.Run(stage, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.05})
			v.run(pipeline.Request{Pipelines: []string{"calls"}})
			v.pass(aDay)
			ctx, cancel := context.WithCancel(t.Context())
			r := v.runner(v.config)
			r.Progress = stopAt{stage, cancel}
			run, err := r.Run(ctx, pipeline.Request{})
			if err != nil {
				t.Fatal(err)
			}
			if run.Status != summary.Interrupted || run.Generation != 0 || v.live().Manifest.Generation != 1 {
				t.Errorf("the run is %s, published %d, and generation %d is live", run.Status, run.Generation, v.live().Manifest.Generation)
			}
			for _, l := range run.Pipelines {
				if l.Published || l.Status != summary.Interrupted || !strings.Contains(l.Reason, "the next run publishes it") {
					t.Errorf("%s is %s, published %t: %s", l.Pipeline, l.Status, l.Published, l.Reason)
				}
			}
			v.verify()
			adopted := 0
			for _, l := range v.run(pipeline.Request{}).Pipelines {
				adopted += l.Adopted
			}
			if adopted != 4 {
				t.Errorf("%d landed runs are taken over, want those of all four", adopted)
			}
			v.expectTruth()
			v.verify()
		})
	}
}
