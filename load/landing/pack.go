package landing

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/valyala/gozstd"

	"nightjar/load"
)

const (
	// compressionLevel is zstd's, of which it is the fastest ordinary one: pages
	// become a seventh. They are compressed by the C library, which does it at twice
	// the pace of Go's and leaves the processor's cache to others.
	compressionLevel = 1
	// maxScratch bounds what a worker keeps for the next page, in bytes.
	maxScratch = 1 << 20
)

// work compresses pages and writes their files.
func (w *Writer) work() {
	var scratch []byte
	for e := range w.pages {
		if w.failure() == nil {
			scratch, e.err = w.store(e, scratch)
		}
		if cap(scratch) > maxScratch {
			scratch = nil
		}
		close(e.ready)
	}
}

// store compresses a page and writes its file, which is yet to be synced.
func (w *Writer) store(e *entry, scratch []byte) (packed []byte, err error) {
	defer inPage(e, &err)
	defer load.Catch(&err)
	sum := sha256.Sum256(e.body)
	packed = gozstd.CompressLevel(scratch[:0], e.body, compressionLevel)
	if _, variables := cutVariables(e.landed.Request); variables != nil && !e.write {
		page := len(packed)
		packed = appendVariables(packed, variables)
		e.landed.Asked = int64(len(packed) - page)
	}
	e.landed.SHA256 = hex.EncodeToString(sum[:])
	e.landed.Stored = int64(len(packed))
	e.file, err = writeNew(w.zone.disk, w.zone.path(e.landed.Ref), packed)
	return packed, err
}
