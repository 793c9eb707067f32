package generation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// CheckFiles recomputes the size and hash of every file of the generation, of the
// database the size and time, and looks for files that the manifest does not know. It
// returns what is wrong, in words, and how many files it looked at; the error says that
// the folder could not be walked.
func (g *Generation) CheckFiles() (problems []string, files int, err error) {
	known := map[string]bool{manifestFile: true}
	for _, f := range g.Manifest.Files() {
		known[f.Path] = true
		files++
		problem := ""
		if f.Path != databaseFile {
			problem = g.checkFile(f)
		} else if !g.asNoted(f) {
			problem = f.Path + " was written to, copied or lost since it was published: the next run builds it from the Parquet"
		}
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	err = fs.WalkDir(os.DirFS(g.Dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() && !known[name] {
			problems = append(problems, fmt.Sprintf("%s is not in the manifest", name))
		}
		return nil
	})
	if err != nil {
		return nil, files, fmt.Errorf("look through generation %d: %w", g.Manifest.Generation, err)
	}
	return problems, files, nil
}

// Intact reports whether one of the generation's Parquet files still is what was
// published, byte for byte.
func (g *Generation) Intact(f File) bool { return g.checkFile(f) == "" }

// Untouched reports the same at the cost of a look at the folder: a file that has
// the size and the time that it was published with is not read. Files that come
// from a backup have another time, and are.
func (g *Generation) Untouched(f File) bool { return g.asNoted(f) || g.Intact(f) }

// DatabaseUntouched reports whether nobody has written to the database since it was
// published, by its size and time; it is not read. One that comes from a backup has
// another time, and so it is not. Nor is one with a write-ahead log beside it: who opens
// it reads more than the file.
func (g *Generation) DatabaseUntouched() bool {
	_, err := os.Lstat(g.Database() + logSuffix)
	return errors.Is(err, fs.ErrNotExist) && g.asNoted(g.Manifest.Database)
}

// logSuffix is what DuckDB adds to the name of a database for that of its log.
const logSuffix = ".wal"

// asNoted reports whether a file has the size and the time that the manifest says.
func (g *Generation) asNoted(f File) bool {
	info, err := os.Lstat(g.Path(f))
	return err == nil && info.Mode().IsRegular() && info.Size() == f.Bytes && !f.Modified.IsZero() && info.ModTime().Equal(f.Modified)
}

func (g *Generation) checkFile(f File) string {
	if info, err := os.Lstat(g.Path(f)); err == nil && !info.Mode().IsRegular() {
		return fmt.Sprintf("%s is no file of the generation's own", f.Path)
	}
	bytes, sum, err := sumFile(g.Path(f))
	switch {
	case err != nil:
		return fmt.Sprintf("%s cannot be read: %v", f.Path, err)
	case bytes != f.Bytes:
		return fmt.Sprintf("%s has %d bytes, and the manifest says %d", f.Path, bytes, f.Bytes)
	case sum != f.SHA256:
		return fmt.Sprintf("%s is not what was published: its SHA-256 differs", f.Path)
	}
	return ""
}
