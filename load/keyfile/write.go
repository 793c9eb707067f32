package keyfile

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"unsafe"
)

const (
	magic      = "NJARKEYS"
	version    = 1
	headSize   = 16
	groupSize  = 64 // of a group, before its fingerprints
	hasParents = 1
	alignment  = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write writes the file of some row groups, in their order; one that is there is
// overwritten. It is durable once the generation that it belongs to is.
func Write(path string, groups []Group) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return File{}, fmt.Errorf("create key file: %w", err)
	}
	sum := sha256.New()
	size, err := write(io.MultiWriter(f, sum), groups)
	if err := cmp.Or(err, f.Close()); err != nil {
		return File{}, fmt.Errorf("write %s: %w", path, err)
	}
	return File{Path: path, Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// write writes all of the file, and returns how many bytes it has.
func write(to io.Writer, groups []Group) (size int64, err error) {
	buf, crc := bufio.NewWriterSize(to, 256<<10), crc32.New(castagnoli)
	put := func(data []byte) {
		crc.Write(data)
		n, _ := buf.Write(data) // what fails fails the flush
		size += int64(n)
	}
	data := binary.LittleEndian.AppendUint32([]byte(magic), version)
	put(binary.LittleEndian.AppendUint32(data, uint32(len(groups))))
	for _, g := range groups {
		data = g.append(data[:0])
		put(data)
	}
	put(binary.LittleEndian.AppendUint32(nil, crc.Sum32()))
	return size, buf.Flush()
}

// append appends the group's bytes. Filters that were read are copied as they are.
func (g *Group) append(to []byte) []byte {
	le := binary.LittleEndian
	parents, flags := &Filter{}, uint32(0)
	if g.Parents != nil {
		parents, flags = g.Parents, hasParents
	}
	to = le.AppendUint64(to, uint64(g.Rows))
	to = le.AppendUint32(to, uint32(g.First.Day))
	to = le.AppendUint32(to, uint32(g.Last.Day))
	to = le.AppendUint32(to, uint32(len(g.First.Key)))
	to = le.AppendUint32(to, uint32(len(g.Last.Key)))
	to = le.AppendUint32(to, flags)
	to = le.AppendUint32(to, 0)
	for _, f := range []*Filter{g.Keys, parents} {
		to = le.AppendUint64(to, f.fuse.Seed)
		to = le.AppendUint32(to, f.fuse.SegmentLength)
		to = le.AppendUint32(to, uint32(len(f.fuse.Fingerprints)))
	}
	to = appendFingerprints(to, g.Keys.fuse.Fingerprints)
	to = appendFingerprints(to, parents.fuse.Fingerprints)
	to = append(to, g.First.Key...)
	to = append(to, g.Last.Key...)
	return append(to, make([]byte, -len(to)&(alignment-1))...)
}

// littleEndian is whether numbers stand in memory as they do in the file.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func appendFingerprints(to []byte, all []uint32) []byte {
	if littleEndian {
		return append(to, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(all))), 4*len(all))...)
	}
	for _, f := range all {
		to = binary.LittleEndian.AppendUint32(to, f)
	}
	return to
}
