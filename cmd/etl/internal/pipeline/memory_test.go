package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
)

// However much memory there is, and however many threads DuckDB has for it, the
// same pages give the same bytes.
func TestMemoryDoesNotChangeTheBytes(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	want := exported(t, v.config.Warehouse)
	for _, memory := range []int64{256e6, 1e9} {
		dir := v.withLanding()
		r := v.runner(v.load(dir))
		r.Config.Memory, r.Base = memory, noNetwork{t}
		if _, err := r.Replay(context.Background(), pipeline.Rebuild{}); err != nil {
			t.Fatal(err)
		}
		expectSameFiles(t, exported(t, dir), want)
	}
}

// A container that leaves too little is told before anything is asked or written;
// what only looks does with less.
func TestContainerTooSmallForARun(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	r := v.runner(v.config)
	r.Memory = 124e6
	_, err := r.Run(t.Context(), pipeline.Request{})
	var usage *warehouse.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "124MB") || !strings.Contains(err.Error(), "265MB") {
		t.Errorf("Run: %v; want what there is and what would be right", err)
	}
	if n := len(v.requests()); n > 0 {
		t.Errorf("the vendors were asked %d times", n)
	}
	v.run(pipeline.Request{})
	if _, err := r.Replay(t.Context(), pipeline.Rebuild{}); !errors.As(err, &usage) {
		t.Errorf("Replay: %v", err)
	}
	if s, err := operate.Status(t.Context(), r.Site); err != nil || s.Generation != 1 {
		t.Errorf("Status: %v, %v", s, err)
	}
	if f, err := operate.Verify(t.Context(), r.Site); err != nil || len(f.Problems) > 0 {
		t.Errorf("Verify: %v, %v", f, err)
	}
}
