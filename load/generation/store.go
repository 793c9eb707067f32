// Package generation commits. A generation is a folder that holds everything a
// reader needs: Parquet, database, manifest. It is built aside, made durable, and
// becomes live by one rename of the link "current"; after that nothing in it
// changes. What did not change since its parent is a hard link, so a night costs
// what the night brought.
//
// A crash at any instruction leaves the live generation as it was, and at most a
// folder aside that the next Sweep removes.
package generation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"nightjar/load/durable"
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
type Store struct {
	dir     string
	remove  func(dir string) error // with all that is in it
	readers Readers
}

// Open returns the store of the warehouse at dir, which need not exist yet.
func Open(dir string) *Store { return &Store{dir: dir, remove: os.RemoveAll} }

// Generation is one published generation.
type Generation struct {
	Dir      string // absolute or relative as the store's
	Manifest *Manifest
}

// Database is the path of the DuckDB file.
func (g *Generation) Database() string { return filepath.Join(g.Dir, databaseFile) }

// Path is the path of one of the generation's files.
func (g *Generation) Path(f File) string { return filepath.Join(g.Dir, f.Path) }

// Get returns generation n, live or not; one that cannot be read is an
// *UnreadableError.
func (s *Store) Get(n int) (*Generation, error) {
	dir := s.path(n)
	m, err := readManifest(os.DirFS(dir), n)
	if err == nil {
		return &Generation{Dir: dir, Manifest: m}, nil
	}
	if _, missing := os.Stat(dir); errors.Is(missing, fs.ErrNotExist) {
		err = fmt.Errorf("there is no folder %s", name(n))
	}
	return nil, &UnreadableError{Number: n, Err: err}
}

// name is the path of a generation in the warehouse.
func name(n int) string { return fmt.Sprintf("%s/%06d", folder, n) }

func (s *Store) path(n int) string { return filepath.Join(s.dir, name(n)) }

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

// Begin prepares a generation to be built on parent, nil for the first. The
// caller holds the warehouse's lock.
func (s *Store) Begin(parent *Generation) (*Build, error) {
	numbers, err := s.Numbers()
	if err != nil {
		return nil, err
	}
	n := 1
	if len(numbers) > 0 {
		n = numbers[len(numbers)-1] + 1
	}
	if err := durable.MakeDir(filepath.Join(s.dir, folder)); err != nil {
		return nil, fmt.Errorf("begin generation %d: %w", n, err)
	}
	// What a run that died has left under the name may be another user's.
	dir := durable.FreeName(filepath.Join(s.dir, folder, fmt.Sprintf("%s%06d", building, n)))
	b := &Build{store: s, dir: dir, number: n, parent: parent}
	for _, dir := range []string{b.dir, b.Scratch()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, fmt.Errorf("begin generation %d: %w", n, err)
		}
	}
	return b, nil
}
