// Package generation commits. A generation is a folder that holds everything a
// reader needs: Parquet, database, manifest. It is built aside, made durable, and
// becomes live by one rename of the link "current"; after that nothing in it
// changes. What did not change since its parent is a hard link, so a night costs
// what the night brought.
//
// A crash at any instruction leaves the live generation as it was, and at most a
// folder aside that the next Begin removes.
package generation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	currentLink  = "current"
	databaseFile = "analytics.duckdb"
	manifestFile = "manifest.json"
	folder       = "generations"
	building     = ".building-" // prefix of a generation that is not whole yet
)

// ErrNone says that the warehouse has no live generation yet.
var ErrNone = errors.New("the warehouse is empty: no run has published yet")

// Store is the generations of one warehouse.
type Store struct{ dir string }

// Open returns the store of the warehouse at dir, which need not exist yet.
func Open(dir string) *Store { return &Store{dir: dir} }

// Generation is one published generation.
type Generation struct {
	Dir      string // absolute or relative as the store's
	Manifest *Manifest
}

// Database is the path of the DuckDB file.
func (g *Generation) Database() string { return filepath.Join(g.Dir, databaseFile) }

// Path is the path of one of the generation's files.
func (g *Generation) Path(f File) string { return filepath.Join(g.Dir, filepath.FromSlash(f.Path)) }

// Current returns the live generation, or ErrNone.
func (s *Store) Current() (*Generation, error) {
	target, err := os.Readlink(filepath.Join(s.dir, currentLink))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("find the live generation: %w", err)
	}
	return s.load(filepath.Join(s.dir, target))
}

// Get returns generation n, live or not.
func (s *Store) Get(n int) (*Generation, error) { return s.load(s.path(n)) }

func (s *Store) load(dir string) (*Generation, error) {
	m, err := readManifest(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("generation %s: %w", filepath.Base(dir), err)
	}
	return &Generation{Dir: dir, Manifest: m}, nil
}

func (s *Store) path(n int) string { return filepath.Join(s.dir, folder, fmt.Sprintf("%06d", n)) }

// Numbers lists the generations on disk, oldest first.
func (s *Store) Numbers() ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Begin prepares a generation to be built on parent, nil for the first. It
// removes what a run that died has left aside. The caller holds the warehouse's
// lock.
func (s *Store) Begin(parent *Generation) (*Build, error) {
	if err := s.sweep(); err != nil {
		return nil, err
	}
	numbers, err := s.Numbers()
	if err != nil {
		return nil, err
	}
	n := 1
	if len(numbers) > 0 {
		n = numbers[len(numbers)-1] + 1
	}
	dir := filepath.Join(s.dir, folder, building+fmt.Sprintf("%06d", n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("begin generation %d: %w", n, err)
	}
	b := &Build{store: s, dir: dir, number: n, parent: parent}
	if err := os.Mkdir(b.Scratch(), 0o755); err != nil {
		return nil, fmt.Errorf("begin generation %d: %w", n, err)
	}
	return b, nil
}

// sweep removes what runs that died have left: generations that are not whole,
// and a link that was not renamed. One that was whole but never live stays in
// the list, and goes as others go.
func (s *Store) sweep() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep generations: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), building) {
			if err := removeGeneration(filepath.Join(s.dir, folder, e.Name())); err != nil {
				return fmt.Errorf("sweep generations: %w", err)
			}
		}
	}
	os.Remove(filepath.Join(s.dir, currentLink+".new"))
	return nil
}

// SetCurrent points the link "current" at generation n, by one rename.
func (s *Store) SetCurrent(n int) error {
	if _, err := s.Get(n); err != nil {
		return err
	}
	link, aside := filepath.Join(s.dir, currentLink), filepath.Join(s.dir, currentLink+".new")
	os.Remove(aside)
	if err := os.Symlink(filepath.Join(folder, fmt.Sprintf("%06d", n)), aside); err != nil {
		return fmt.Errorf("point to generation %d: %w", n, err)
	}
	if err := os.Rename(aside, link); err != nil {
		return fmt.Errorf("point to generation %d: %w", n, err)
	}
	s.linkDatabase()
	return syncDir(s.dir)
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

// Prune removes all but the newest keep generations; the live one always stays.
func (s *Store) Prune(keep int) error {
	numbers, err := s.Numbers()
	if err != nil {
		return err
	}
	live := 0
	if g, err := s.Current(); err == nil {
		live = g.Manifest.Generation
	}
	for _, n := range numbers[:max(0, len(numbers)-keep)] {
		if n == live {
			continue
		}
		if err := removeGeneration(s.path(n)); err != nil {
			return fmt.Errorf("remove generation %d: %w", n, err)
		}
	}
	return nil
}

// removeGeneration first takes the folder out of the list of generations, so
// that a removal that is cut short leaves nothing that looks whole.
func removeGeneration(dir string) error {
	aside := filepath.Join(filepath.Dir(dir), building+"removed-"+strings.TrimPrefix(filepath.Base(dir), building))
	if err := os.Rename(dir, aside); err != nil {
		return err
	}
	return os.RemoveAll(aside)
}

func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}
