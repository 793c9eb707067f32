package generation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"nightjar/load/durable"
)

// Sweep removes what runs that died have left: generations that are not whole,
// and a link that was not renamed. One that was whole but never live stays in
// the list, and goes as others go. Where the live generation cannot be read,
// nothing is removed. What could not be removed, another user's perhaps, is in
// the error; it is in nobody's way. The caller holds the warehouse's lock.
func (s *Store) Sweep() error {
	if _, err := s.Current(); err != nil && !errors.Is(err, ErrNone) {
		return fmt.Errorf("sweep nothing: %w", err)
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep generations: %w", err)
	}
	var left []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), building) {
			left = append(left, s.removeFolder(filepath.Join(s.dir, folder, e.Name())))
		}
	}
	os.Remove(filepath.Join(s.dir, currentLink+".new"))
	return errors.Join(left...)
}

// Prune removes all but the newest keep generations; the live one always stays.
// Where it cannot be read, nothing is removed. What could not be removed is in
// the error, and is left to Sweep.
func (s *Store) Prune(keep int) error {
	live, err := s.Current()
	if err != nil {
		return fmt.Errorf("prune nothing: %w", err)
	}
	numbers, err := s.Numbers()
	if err != nil {
		return err
	}
	var left []error
	for _, n := range numbers[:max(0, len(numbers)-keep)] {
		if n != live.Manifest.Generation {
			left = append(left, s.removeGeneration(n))
		}
	}
	return errors.Join(left...)
}

// removeGeneration first takes the folder out of the list of generations, so
// that a removal that is cut short leaves nothing that looks whole.
func (s *Store) removeGeneration(n int) error {
	aside := durable.FreeName(filepath.Join(s.dir, folder, fmt.Sprintf("%sremoved-%06d", building, n)))
	if err := os.Rename(s.path(n), aside); err != nil {
		return fmt.Errorf("remove generation %d: %w", n, err)
	}
	return s.removeFolder(aside)
}

func (s *Store) removeFolder(dir string) error {
	if err := s.remove(dir); err != nil {
		return fmt.Errorf("remove %s: %w", dir, err)
	}
	return nil
}
