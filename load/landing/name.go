package landing

import (
	"path/filepath"

	"nightjar/load/ref"
)

// pageSuffix ends the file name of a page.
const pageSuffix = ".json.zst"

// path is the file of a page or of a journal.
func (z *Zone) path(p ref.Page) string {
	path := filepath.Join(z.dir, filepath.FromSlash(p.String()))
	if p.Journal() {
		return path
	}
	return path + pageSuffix
}
