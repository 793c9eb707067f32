package landing

import (
	"path"
	"path/filepath"

	"nightjar/load/ref"
)

// The files of a run beside its journal.
const (
	packName  = "pages.tar"
	asideName = "aside.jsonl"
)

// File is the file that holds a page or a journal, as a path below the zone with
// slashes: what a backup is asked for.
func File(p ref.Page) string {
	if p.Journal() {
		return p.String()
	}
	return path.Join(p.Run.String(), packName)
}

// folder is where a run's files stand.
func (z *Zone) folder(run ref.Run) string {
	return filepath.Join(z.dir, filepath.FromSlash(run.String()))
}

// path is the file of a page or of a journal.
func (z *Zone) path(p ref.Page) string { return filepath.Join(z.dir, filepath.FromSlash(File(p))) }
