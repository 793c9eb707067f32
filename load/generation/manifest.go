package generation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"nightjar/load/ref"
)

// format is the version of the manifest's own layout.
const format = 1

// Manifest says what a generation holds. It is the one record of the warehouse's
// state: bookmarks and the landed runs are committed with the rows they describe.
type Manifest struct {
	Format     int       `json:"format"`
	Generation int       `json:"generation"`
	Parent     int       `json:"parent,omitempty"` // the generation it was built on; zero for none
	RunID      ref.RunID `json:"run_id"`
	Created    time.Time `json:"created"`
	Program    string    `json:"program"` // name and version
	Origin     string    `json:"origin"`  // where the rows come from, in the caller's words

	Database    File             `json:"database"`
	DatabaseRun ref.RunID        `json:"database_run"` // the run that built the database afresh; those since have updated it
	Tables      map[string]Table `json:"tables"`       // by "schema.table"
	Marts       map[string]File  `json:"marts"`        // by "marts.name"
	// MadeBy tells of each mart, by "marts.name", what made it: a fingerprint of its query
	// and columns, in the caller's words.
	MadeBy map[string]string `json:"made_by"`

	Bookmarks      map[ref.Stream]Bookmark `json:"bookmarks"`
	Ledger         json.RawMessage         `json:"ledger,omitempty"`         // which landed runs are in the tables, in the caller's words
	DependsOn      map[string]string       `json:"depends_on,omitempty"`     // settings that the rows were made with, by name
	Reconciliation json.RawMessage         `json:"reconciliation,omitempty"` // of the run that made the generation
}

// File is one file of a generation.
type File struct {
	Path   string `json:"path"`             // relative to the generation
	Rows   int64  `json:"rows"`             // of a Parquet file; zero for the database
	Bytes  int64  `json:"bytes"`            //
	SHA256 string `json:"sha256,omitempty"` // hex; the database has none, whose blocks have checksums of DuckDB's
	// Modified is when the bytes last changed, as the disk says. A file of the same
	// size and time is taken for what was published without being read.
	Modified time.Time `json:"modified,omitzero"`
	Min      string    `json:"min,omitempty"`
	Max      string    `json:"max,omitempty"` // first and last key, in the order of the rows
	// Keys is the file that tells which row group of a partition may hold a key;
	// it can be made of that one alone. Nil for any other file, and without rows.
	Keys *File `json:"keys,omitempty"`
}

// Table is one table's partitions, by folder name: "month=2026-11"; "." is the one of
// a table that has no folders.
type Table struct {
	Rows       int64           `json:"rows"`
	Columns    string          `json:"columns"` // names, types and field ids of the version that published it; a partition has those of the version that wrote it
	Partitions map[string]File `json:"partitions"`
}

// Bookmark is how far a stream has been read, in its own words.
type Bookmark struct {
	Value    json.RawMessage `json:"value"`
	Pipeline string          `json:"pipeline"` // that set it
	RunID    ref.RunID       `json:"run_id"`   // the run that set it
	Updated  time.Time       `json:"updated"`
}

// Files lists every file of the generation but the manifest itself, by path.
func (m *Manifest) Files() []File {
	files := []File{m.Database}
	for _, name := range slices.Sorted(maps.Keys(m.Tables)) {
		for _, folder := range slices.Sorted(maps.Keys(m.Tables[name].Partitions)) {
			f := m.Tables[name].Partitions[folder]
			if files = append(files, f); f.Keys != nil {
				files = append(files, *f.Keys)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Marts)) {
		files = append(files, m.Marts[name])
	}
	return files
}

// readManifest reads the manifest of generation n, which fsys holds.
func readManifest(fsys fs.FS, n int) (*Manifest, error) {
	data, err := fs.ReadFile(fsys, manifestFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("its %s is missing", manifestFile)
	case err != nil:
		return nil, fmt.Errorf("read its manifest: %w", err)
	case len(data) == 0:
		return nil, fmt.Errorf("its %s is empty", manifestFile)
	}
	var m Manifest
	if json.Unmarshal(data, &m) != nil {
		return nil, fmt.Errorf("its %s is damaged: it is not the JSON of a manifest", manifestFile)
	}
	switch {
	case m.Format != format:
		return nil, fmt.Errorf("its %s has format %d, and this program reads format %d", manifestFile, m.Format, format)
	case m.Generation != n || m.Database.Path == "":
		return nil, fmt.Errorf("its %s is damaged: it does not describe generation %d", manifestFile, n)
	}
	for _, f := range m.Files() {
		if !filepath.IsLocal(f.Path) {
			return nil, fmt.Errorf("its %s is damaged: it names a file outside the generation", manifestFile)
		}
	}
	return &m, nil
}
