package generation

import (
	"fmt"
	"io/fs"
	"os"
)

// CheckFiles recomputes the size and hash of every file of the generation, and
// looks for files that the manifest does not know. It returns what is wrong, in
// words, and how many files it looked at; the error says that the folder could
// not be walked.
func (g *Generation) CheckFiles() (problems []string, files int, err error) {
	known := map[string]bool{manifestFile: true}
	for _, f := range g.Manifest.Files() {
		known[f.Path] = true
		files++
		if problem := g.checkFile(f); problem != "" {
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

// Intact reports whether one of the generation's files still is what was published,
// byte for byte. A database with a write-ahead log beside it is not: who opens it
// reads more than the file.
func (g *Generation) Intact(f File) bool {
	if f.Path == databaseFile {
		if _, err := os.Lstat(g.Database() + ".wal"); err == nil {
			return false
		}
	}
	return g.checkFile(f) == ""
}

// Untouched reports the same at the cost of a look at the folder: a file that has
// the size and the time that it was published with is not read. Files that come
// from a backup have another time, and are.
func (g *Generation) Untouched(f File) bool {
	info, err := os.Lstat(g.Path(f))
	if err == nil && info.Mode().IsRegular() && info.Size() == f.Bytes && !f.Modified.IsZero() && info.ModTime().Equal(f.Modified) {
		return true
	}
	return err == nil && g.Intact(f)
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
