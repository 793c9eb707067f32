package warehouse

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/generation"
)

// Current returns the live generation, or generation.ErrNone. Any other error
// says what the operator can do.
func (s *Site) Current() (*generation.Generation, error) {
	g, err := s.Store().Current()
	return g, s.Mended(err)
}

// Mended adds to an error of reading a generation the commands that mend it.
func (s *Site) Mended(err error) error {
	var unreadable *generation.UnreadableError
	if !errors.As(err, &unreadable) {
		return err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: give %s to the user that runs etl (chown -R)", err, s.Config.Warehouse)
	}
	const replay = "`etl replay` rebuilds the warehouse from the landing zone"
	n := s.NewestReadable(unreadable.Number)
	if n == 0 {
		return fmt.Errorf("%w: %s", err, replay)
	}
	return fmt.Errorf("%w: `etl rollback %d` makes generation %d live again; %s", err, n, n, replay)
}

// NewestReadable is the newest generation on disk that can be read and is older
// than before; zero for before is no bound, and zero returned is none.
func (s *Site) NewestReadable(before int) int {
	store := s.Store()
	numbers, err := store.Numbers()
	if err != nil {
		return 0
	}
	for _, n := range slices.Backward(numbers) {
		if before > 0 && n >= before {
			continue
		}
		if _, err := store.Get(n); err == nil {
			return n
		}
	}
	return 0
}

// LogPublished writes the line of the log that says which generation is live now, and how
// many rows all of its tables hold. What else is to be told of it comes in pairs.
func (s *Site) LogPublished(m *generation.Manifest, attrs ...any) {
	var rows int64
	for _, t := range m.Tables {
		rows += t.Rows
	}
	s.Log.Info(fmt.Sprintf("published generation %d", m.Generation), append([]any{"generation", m.Generation, "rows", rows}, attrs...)...)
}

// Sweep removes what dead runs have left. What cannot be removed is in nobody's
// way, and while nobody can tell what is live nothing is.
func (v *View) Sweep() {
	err := v.Store.Sweep()
	var unreadable *generation.UnreadableError
	if err != nil && !errors.As(err, &unreadable) { // which has been told
		v.Log.Warn("what earlier runs left could not be removed: give it to the user that runs etl (chown -R), or remove it by hand", "error", err)
	}
}

// Prune removes old generations.
func (v *View) Prune() {
	if err := v.Store.Prune(v.Config.Publish.Keep); err != nil {
		v.Log.Warn("old generations could not be removed, and the next run tries again: give them to the user that runs etl (chown -R), or remove them by hand", "error", err)
	}
}

// RepeatRollback makes a generation live whose rollback was decided, and which died
// before the rename.
func (v *View) RepeatRollback() error {
	var last *ledger.Decision
	for _, d := range decisionsOf(v.recorded) {
		if d.Kind == ledger.Publish || d.Kind == ledger.Rollback {
			last = &d
		}
	}
	if last == nil || last.Kind != ledger.Rollback || v.Live == nil || last.Parent == v.Live.Manifest.RunID {
		return nil
	}
	numbers, err := v.Store.Numbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		g, err := v.Store.Get(n)
		if err != nil || g.Manifest.RunID != last.Parent {
			continue
		}
		v.Found("the rollback to generation %d of %s had not ended; it has now", n, last.RunID)
		if err := v.Store.SetCurrent(n); err != nil {
			return err
		}
		v.Live = g
		v.LogPublished(g.Manifest, "run", last.RunID, "mode", "rollback")
		return v.remember()
	}
	return nil
}
