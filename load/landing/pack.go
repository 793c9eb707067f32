package landing

import (
	"crypto/sha256"
	"encoding/hex"

	"nightjar/load"
)

const (
	// compressionLevel is zstd's, of which it is the fastest ordinary one: pages
	// become a seventh. They are compressed by the C library, which does it at twice
	// the pace of Go's and leaves the processor's cache to others.
	compressionLevel = 1
	// maxScratch bounds what a worker, or the writer, keeps for the next page, in bytes.
	maxScratch = 1 << 20
)

// emptyFrame is the frame of a page without a byte, for which the C library writes none.
const emptyFrame = "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"

// work compresses pages.
func (w *Writer) work() {
	var scratch []byte
	for e := range w.pages {
		if w.failure() == nil {
			scratch, e.err = w.compress(e, scratch)
		}
		if cap(scratch) > maxScratch {
			scratch = nil
		}
		close(e.ready)
	}
}

// compress makes the member of a page, which is yet to be written.
func (w *Writer) compress(e *entry, scratch []byte) (packed []byte, err error) {
	defer inPage(e, &err)
	defer load.Catch(&err)
	sum := sha256.Sum256(e.body)
	packed = w.zone.pack(scratch[:0], e.body, compressionLevel)
	if len(e.body) == 0 {
		packed = append(packed, emptyFrame...)
	}
	if _, variables := cutVariables(e.landed.Request); variables != nil && !e.write {
		page := len(packed)
		packed = appendVariables(packed, variables)
		e.landed.Asked = int64(len(packed) - page)
	}
	e.landed.SHA256 = hex.EncodeToString(sum[:])
	e.landed.Stored = int64(len(packed))
	spare, _ := w.spare.Get().(*[]byte)
	if spare == nil {
		spare = new([]byte)
	}
	*spare, err = appendMember((*spare)[:0], &e.landed, packed)
	e.member = spare
	return packed, err
}

// written gives the memory of members back.
func (w *Writer) written(group []*entry) {
	for _, e := range group {
		if e.member != nil && cap(*e.member) <= maxScratch {
			w.spare.Put(e.member)
		}
		e.member = nil
	}
}
