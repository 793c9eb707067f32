package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"nightjar/load/generation"
)

// current returns the live generation, or generation.ErrNone. Any other error
// says what the operator can do.
func (r *Runner) current() (*generation.Generation, error) {
	g, err := r.store().Current()
	return g, r.mended(err)
}

// mended adds to an error of reading a generation the commands that mend it.
func (r *Runner) mended(err error) error {
	var unreadable *generation.UnreadableError
	if !errors.As(err, &unreadable) {
		return err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: give %s to the user that runs etl (chown -R)", err, r.Config.Warehouse)
	}
	const replay = "`etl replay` rebuilds the warehouse from the landing zone"
	n := r.newestReadable(unreadable.Number)
	if n == 0 {
		return fmt.Errorf("%w: %s", err, replay)
	}
	return fmt.Errorf("%w: `etl rollback %d` makes generation %d live again; %s", err, n, n, replay)
}

// newestReadable is the newest generation on disk that can be read and is older
// than before; zero for before is no bound, and zero returned is none.
func (r *Runner) newestReadable(before int) int {
	store := r.store()
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

// sweep removes what dead runs have left. What cannot be removed is in nobody's
// way, and while nobody can tell what is live nothing is.
func (r *run) sweep() {
	err := r.store.Sweep()
	var unreadable *generation.UnreadableError
	if err != nil && !errors.As(err, &unreadable) { // which has been told
		r.Log.Warn("what earlier runs left could not be removed: give it to the user that runs etl (chown -R), or remove it by hand", "error", err)
	}
}

// prune removes old generations.
func (r *run) prune() {
	if err := r.store.Prune(r.Config.Publish.Keep); err != nil {
		r.Log.Warn("old generations could not be removed, and the next run tries again: give them to the user that runs etl (chown -R), or remove them by hand", "error", err)
	}
}
