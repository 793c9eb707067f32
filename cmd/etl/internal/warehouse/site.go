// Package warehouse is what a command finds when it opens a warehouse: what is live, what
// has landed, what was decided of that, and so where each stream stands. It is the edge of
// package ledger, which decides and reads no disk. A Site is the place; a View is one
// reading of it, and the decisions that one command adds.
package warehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"nightjar/cmd/etl/internal/budget"
	"nightjar/cmd/etl/internal/config"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/lock"
	"nightjar/load/runlog"
	"nightjar/transform"
)

// Site is the warehouse of a configuration, and the program that works on it.
type Site struct {
	Config  *config.Config
	Version string           // of the program, for records
	Log     *slog.Logger     // for the operator
	Memory  int64            // bytes that the process may take; zero: what Config says
	Wait    time.Duration    // for another who writes
	Now     func() time.Time // read once a command
}

// UsageError says that a request makes no sense with this configuration.
type UsageError struct{ Problem string }

func (e *UsageError) Error() string { return e.Problem }

// Zone opens the landing zone.
func (s *Site) Zone() (*landing.Zone, error) {
	return landing.Open(filepath.Join(s.Config.Warehouse, "landing"))
}

// Store opens the generations.
func (s *Site) Store() *generation.Store { return generation.Open(s.Config.Warehouse) }

// Records opens the run records.
func (s *Site) Records() *runlog.Log { return runlog.Open(filepath.Join(s.Config.Warehouse, "runs")) }

// Acquire takes the lock of whoever writes, and waits for it as the site says. The
// function returned lets go of it. What is read before may be another's by then.
func (s *Site) Acquire(ctx context.Context) (func() error, error) {
	return lock.Acquire(ctx, s.lockPath(), s.Wait, func(h lock.Holder) {
		s.Log.Warn("another writes to the warehouse; waiting for it to end", "holder", h, "wait", s.Wait)
	})
}

// Writer says who holds the lock, and whether anybody does.
func (s *Site) Writer() (lock.Holder, bool) { return lock.Look(s.lockPath()) }

func (s *Site) lockPath() string { return filepath.Join(s.Config.Warehouse, "lock") }

// Daemon says who looks after the warehouse, and whether anybody does.
func (s *Site) Daemon() (lock.Holder, bool) { return lock.Look(s.daemonPath()) }

func (s *Site) daemonPath() string { return filepath.Join(s.Config.Warehouse, "schedule.lock") }

// Attend takes the lock of the one daemon that a warehouse has, for as long as it lives.
// It is not the lock of whoever writes: a run by hand beside the daemon takes its turn.
func (s *Site) Attend(ctx context.Context) (func() error, error) {
	release, err := lock.Acquire(ctx, s.daemonPath(), 0, nil)
	var held *lock.HeldError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("another `etl schedule` looks after %s: %v; stop it before you start this one", s.Config.Warehouse, held.Holder)
	}
	return release, err
}

// Budget is what the parts of the process may take.
func (s *Site) Budget() budget.Budget {
	return budget.Divide(cmp.Or(s.Memory, s.Config.Memory), runtime.GOMAXPROCS(0))
}

// Limits are those of a database that spills to a folder in temp; where that is
// empty, in the system's place.
func (s *Site) Limits(temp string) database.Limits {
	b := s.Budget()
	return database.Limits{Memory: b.DuckDB, Threads: b.Threads, Temp: temp}
}

// Fits says where the container leaves too little memory for a run. What only
// looks does with less.
func (s *Site) Fits() error {
	if s.Memory == 0 || s.Memory >= budget.Floor {
		return nil
	}
	return &UsageError{fmt.Sprintf("the container leaves the program %dMB of memory, too little for a run; want a limit of %dMB or more",
		s.Memory/1e6, (budget.LeastLimit()+1e6-1)/1e6)}
}

// Transform is what the decoders need to know of the configuration.
func (s *Site) Transform() transform.Options {
	o := transform.Options{Location: s.Config.Timezone, DurationUnit: time.Millisecond}
	if a := s.Config.Sources.Aircall; a != nil {
		o.DurationUnit = cmp.Or(a.DurationUnit, time.Millisecond)
	}
	return o
}
