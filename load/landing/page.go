package landing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"nightjar/load/ref"
)

// Body returns the bytes of a landed page, checked against the hash in its journal line,
// and puts the variables back into its request. dst is overwritten, and used where it is
// large enough. A body that is not what landed, or not there, is a *CorruptError; one
// that this machine would not read, for want of a right or of a file handle, is another
// error.
func (z *Zone) Body(l *Landed, dst []byte) ([]byte, error) {
	scratch, _ := z.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	packed, err := z.read(l, l.Offset, l.Stored, *scratch)
	if err != nil {
		return nil, err
	}
	if *scratch = packed; cap(packed) <= maxScratch {
		defer z.scratch.Put(scratch)
	}
	if l.Asked < 0 || l.Asked > l.Stored {
		return nil, &CorruptError{Ref: l.Ref, Err: errVariables}
	}
	if l.Asked > 0 {
		variables, err := readVariables(z.dec, packed[l.Stored-l.Asked:])
		if err != nil {
			return nil, &CorruptError{Ref: l.Ref, Err: err}
		}
		l.Request, packed = putVariables(l.Request, variables), packed[:l.Stored-l.Asked]
	}
	body, err := z.unpack(l, packed, dst)
	if err != nil {
		return nil, &CorruptError{Ref: l.Ref, Err: err}
	}
	return body, nil
}

// maxRatio is more than zstd makes of a byte: a block of three bytes or more stands for
// 128 KiB at most (RFC 8878, 3.1.1.2).
const maxRatio = 128 << 10 / 3

// unpack decompresses a page. It takes memory only for what both the journal and the
// page say it holds.
func (z *Zone) unpack(l *Landed, packed, dst []byte) ([]byte, error) {
	var frame zstd.Header
	if err := frame.Decode(packed); err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	if l.Bytes < 0 || !frame.HasFCS || frame.FrameContentSize != uint64(l.Bytes) || l.Bytes/maxRatio > int64(len(packed)) {
		return nil, fmt.Errorf("it holds %d bytes, not %d", frame.FrameContentSize, l.Bytes)
	}
	// The capacity is the bound: what would grow past it is refused.
	body, err := z.dec.DecodeAll(packed, slices.Grow(dst[:0], int(l.Bytes)))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != l.SHA256 || int64(len(body)) != l.Bytes {
		return nil, fmt.Errorf("its sha256 is %x, not %s", sum, l.SHA256)
	}
	return body, nil
}

// read reads so many bytes at an offset of the pack of a page's run, into dst where it is
// large enough. Where they are not there it is a *CorruptError of the page.
func (z *Zone) read(l *Landed, offset, size int64, dst []byte) ([]byte, error) {
	data, err := readAt(z.path(l.Ref), offset, size, dst)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, errShort), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EIO):
		return nil, &CorruptError{Ref: l.Ref, Err: err}
	}
	return nil, fmt.Errorf("reading landed page %s: %w", l.Ref, err)
}

var errShort = errors.New("its bytes are not there")

func readAt(path string, offset, size int64, dst []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if have := info.Size(); !info.Mode().IsRegular() || offset < 0 || size < 0 || size > have || offset > have-size {
		return nil, fmt.Errorf("%w: %d bytes from byte %d on, and %s has %d", errShort, size, offset, path, have)
	}
	data := slices.Grow(dst[:0], int(size))[:size]
	n, err := f.ReadAt(data, offset)
	if int64(n) < size && err == io.EOF {
		return nil, fmt.Errorf("%w: %s was cut while it was read", errShort, path)
	}
	if int64(n) == size {
		err = nil
	}
	return data, err
}

// checkMember checks what stands around the bytes of a page in the pack: readers of tar
// need it, and Body does not.
func (z *Zone) checkMember(l *Landed) error {
	header, err := z.read(l, l.Offset-blockBytes, blockBytes, nil)
	if err != nil {
		return err
	}
	want, err := memberHeader(l)
	if err != nil {
		return &CorruptError{Ref: l.Ref, Err: err}
	}
	if !bytes.Equal(header, want) {
		return &CorruptError{Ref: l.Ref, Err: fmt.Errorf("its header in %s is not what was written: tar may not find it; the page itself is whole", packName)}
	}
	behind, err := z.read(l, l.Offset+l.Stored, padding(l.Stored), nil)
	if err != nil {
		return err
	}
	if len(bytes.Trim(behind, "\x00")) > 0 {
		return &CorruptError{Ref: l.Ref, Err: fmt.Errorf("what fills it up in %s is not what was written; the page itself is whole", packName)}
	}
	return nil
}

// Has reports whether a page, or a journal, has landed. An error says that the run
// cannot be read.
func (z *Zone) Has(p ref.Page) (bool, error) {
	r, err := z.Run(p.Run)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || p.Journal() {
		return err == nil, err
	}
	_, found, err := r.Page(p.Seq)
	return found, err
}
