package main

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"nightjar/cmd/etl/internal/budget"
	"nightjar/cmd/etl/internal/pipeline"
)

// limitMemory keeps the process within what the configuration allows, or the
// container where that is less.
func limitMemory(r *pipeline.Runner) {
	asked := r.Config.Memory
	r.Memory = budget.Within(asked, containerLimit(r))
	if r.Memory < asked {
		r.Log.Info("the container allows less memory than the configuration", "configured", asked, "taken", r.Memory)
	}
	if os.Getenv("GOMEMLIMIT") == "" { // the operator's word goes first
		debug.SetMemoryLimit(r.Budget().Go)
	}
}

// containerLimit is what the process's control group allows, in bytes; zero is no
// limit.
func containerLimit(r *pipeline.Runner) uint64 {
	limit, err := memlimit.FromCgroup()
	switch {
	case err == nil:
		return limit
	case errors.Is(err, memlimit.ErrNoLimit), errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported):
	default:
		r.Log.Info("the container's limit of memory cannot be read; the configuration's holds", "error", err)
	}
	return 0
}
