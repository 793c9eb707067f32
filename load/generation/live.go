package generation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"nightjar/load/durable"
)

// UnreadableError says that a generation cannot be read, or that nobody can tell
// which one is live.
type UnreadableError struct {
	Number int // of the generation; zero where the link "current" names none
	Err    error
}

func (e *UnreadableError) Error() string {
	if e.Number == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("generation %d cannot be read: %v", e.Number, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// Current returns the live generation, or ErrNone. One that cannot be read, and a
// link that is none, are an *UnreadableError.
func (s *Store) Current() (*Generation, error) {
	n, err := s.Live()
	if err != nil {
		return nil, err
	}
	return s.Get(n)
}

// Live is the number of the generation that is live, whether it can be read or
// not. It is ErrNone, or an *UnreadableError, as Current says.
func (s *Store) Live() (int, error) {
	link := filepath.Join(s.dir, currentLink)
	info, err := os.Lstat(link)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, ErrNone
	case err != nil:
		return 0, fmt.Errorf("find the live generation: %w", err)
	case info.IsDir():
		return 0, &UnreadableError{Err: fmt.Errorf("%s is a folder, and should be a link to a generation", link)}
	case info.Mode()&fs.ModeSymlink == 0:
		return 0, &UnreadableError{Err: fmt.Errorf("%s is a file, and should be a link to a generation", link)}
	}
	target, err := os.Readlink(link)
	if err != nil {
		return 0, fmt.Errorf("find the live generation: %w", err)
	}
	n, err := strconv.Atoi(filepath.Base(target))
	if err != nil || n < 1 || target != name(n) {
		return 0, &UnreadableError{Err: fmt.Errorf("%s points to %q, which is no generation of this warehouse", link, target)}
	}
	return n, nil
}

// SetCurrent points the link "current" at generation n, by one rename. What
// stands there and is no link is kept beside it.
func (s *Store) SetCurrent(n int) error {
	if _, err := s.Get(n); err != nil {
		return err
	}
	link, next := filepath.Join(s.dir, currentLink), filepath.Join(s.dir, currentLink+".new")
	os.Remove(next)
	if err := os.Symlink(name(n), next); err != nil {
		return fmt.Errorf("point to generation %d: %w", n, err)
	}
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		if err := os.Rename(link, durable.FreeName(link+".aside")); err != nil {
			return fmt.Errorf("point to generation %d: %w", n, err)
		}
	}
	if err := os.Rename(next, link); err != nil {
		return fmt.Errorf("point to generation %d: %w", n, err)
	}
	s.linkDatabase()
	return durable.Sync(s.dir)
}

// linkDatabase keeps <warehouse>/analytics.duckdb pointing at the live database.
// It is a convenience that no reader depends on, so an error is no error.
func (s *Store) linkDatabase() {
	link, want := filepath.Join(s.dir, databaseFile), filepath.Join(currentLink, databaseFile)
	if have, err := os.Readlink(link); err == nil && have == want {
		return
	}
	os.Remove(link)
	os.Symlink(want, link)
}
