package landing

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math"
	"path"
	"time"
)

// blockBytes is the unit of a tar: a member is a header of one block, and its bytes,
// filled up with zeros to whole blocks. Two blocks of zeros end the file.
const blockBytes = 512

// pageSuffix ends the name of a page's member, which begins with the page's number.
const pageSuffix = ".json.zst"

// appendMember appends a page's member of the pack. It depends on nothing but the page
// and its time, so that the same pages make the same pack.
func appendMember(dst []byte, l *Landed, packed []byte) ([]byte, error) {
	header, err := memberHeader(l)
	if err != nil {
		return dst, err
	}
	dst = append(dst, header...)
	dst = append(dst, packed...)
	return append(dst, make([]byte, padding(l.Stored))...), nil
}

// memberHeader is the header of a page's member.
func memberHeader(l *Landed) ([]byte, error) {
	at := time.Unix(0, 0)
	if s := l.At.Unix(); s > 0 && s <= math.MaxUint32 { // what the field holds in every reader
		at = time.Unix(s, 0)
	}
	var header bytes.Buffer
	err := tar.NewWriter(&header).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: path.Base(l.Ref.String()) + pageSuffix, Size: l.Stored, Mode: 0o600, ModTime: at, Format: tar.FormatUSTAR,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the header of its member: %w", err)
	}
	return header.Bytes(), nil
}

// padding is how many zeros stand behind a member of so many bytes.
func padding(size int64) int64 { return -size & (blockBytes - 1) }

// endOfPack is what a tar ends with. A run that died has none; readers of tar do
// without.
func endOfPack() []byte { return make([]byte, 2*blockBytes) }
