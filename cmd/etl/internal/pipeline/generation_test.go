package pipeline_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
	"nightjar/load/generation"
)

func TestRollbackThenRun(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.3})
	v.run(pipeline.Request{})
	old := v.truth()
	first := exported(t, v.config.Warehouse)
	v.pass(2 * aDay)
	v.run(pipeline.Request{})

	from, to, err := operate.Rollback(t.Context(), v.runner(v.config).Site, 0)
	if err != nil || from != 2 || to != 1 {
		t.Fatalf("rolled back from %d to %d: %v", from, to, err)
	}
	expectSameFiles(t, exported(t, v.config.Warehouse), first)
	for name, want := range old {
		expectRows(t, name, keys[name], v.table(name), want, 0)
	}

	v.pass(aDay)
	run := v.run(pipeline.Request{})
	if run.Generation != 3 || run.Parent != 1 {
		t.Errorf("generation %d is built on %d, want 3 on 1", run.Generation, run.Parent)
	}
	v.expectTruth()
	v.expectMarts()
	v.verify()
}

func TestOldGenerationsGo(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	v.config.Publish.Keep = 2
	v.nights(aDay, aDay, aDay)
	numbers, err := generation.Open(v.config.Warehouse).Numbers()
	if err != nil || !slices.Equal(numbers, []int{3, 4}) {
		t.Errorf("generations %v are kept, want 3 and 4: %v", numbers, err)
	}
	entries, err := os.ReadDir(filepath.Join(v.config.Warehouse, "generations"))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v is left among the generations: %v", entries, err)
	}
	all, err := operate.Generations(v.runner(v.config).Site)
	if err != nil || len(all) != 2 || all[0].Number != 4 || !all[0].Live || all[1].Live {
		t.Errorf("listed: %+v: %v", all, err)
	}
	v.verify()
}
