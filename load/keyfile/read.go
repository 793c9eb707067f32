package keyfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"unsafe"

	"github.com/FastFilter/xorfilter"
)

// Read reads the groups of a file. Their filters stand in the memory of what was read.
// A file that is damaged, or of another version, is an error.
func Read(path string) ([]Group, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	groups, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return groups, nil
}

var errDamaged = errors.New("it is damaged")

// decode takes those bytes alone that write makes.
func decode(data []byte) ([]Group, error) {
	if len(data) < headSize+4 || string(data[:len(magic)]) != magic {
		return nil, errors.New("it is no key file")
	}
	if v := binary.LittleEndian.Uint32(data[len(magic):]); v != version {
		return nil, fmt.Errorf("it is of version %d, and only %d is known", v, version)
	}
	body := data[:len(data)-4]
	if binary.LittleEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return nil, errDamaged
	}
	n := binary.LittleEndian.Uint32(data[len(magic)+4:])
	rest := body[headSize:]
	if int64(n)*groupSize > int64(len(rest)) {
		return nil, errDamaged
	}
	groups := make([]Group, n)
	for i := range groups {
		size, ok := groups[i].decode(rest)
		if !ok {
			return nil, errDamaged
		}
		rest = rest[size:]
	}
	if len(rest) > 0 {
		return nil, errDamaged
	}
	return groups, nil
}

// decode reads the group that data begins with, and returns how many bytes it has.
func (g *Group) decode(data []byte) (size int64, ok bool) {
	if len(data) < groupSize {
		return 0, false
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	first, last, flags := int64(u32(16)), int64(u32(20)), u32(24)
	parentsAt := groupSize + 4*int64(u32(44))
	firstAt := parentsAt + 4*int64(u32(60))
	end := firstAt + first + last
	size = end + -end&(alignment-1)
	if int64(len(data)) < size || !zeros(data[28:32]) || !zeros(data[end:size]) {
		return 0, false
	}
	g.Rows = int64(binary.LittleEndian.Uint64(data))
	g.First = Place{Day: int32(u32(8)), Key: string(data[firstAt : firstAt+first])}
	g.Last = Place{Day: int32(u32(12)), Key: string(data[firstAt+first : end])}
	g.Keys, ok = decodeFilter(data[32:48], data[groupSize:parentsAt])
	switch {
	case !ok || g.Rows < 0:
		return 0, false
	case flags == hasParents:
		g.Parents, ok = decodeFilter(data[48:64], data[parentsAt:firstAt])
		return size, ok
	}
	return size, flags == 0 && zeros(data[48:64])
}

func zeros(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// decodeFilter reads a filter: every hash then leads to fingerprints that are there.
func decodeFilter(head, fingerprints []byte) (*Filter, bool) {
	length := binary.LittleEndian.Uint32(head[8:])
	f := &Filter{xorfilter.BinaryFuse[uint32]{Seed: binary.LittleEndian.Uint64(head), SegmentLength: length}}
	if len(fingerprints) == 0 {
		return f, zeros(head)
	}
	n := uint32(len(fingerprints) / 4)
	if length == 0 || length&(length-1) != 0 || n%length != 0 || n/length < 3 {
		return nil, false
	}
	f.fuse.SegmentLengthMask = length - 1
	f.fuse.SegmentCount = n/length - 2
	f.fuse.SegmentCountLength = n - 2*length
	f.fuse.Fingerprints = asFingerprints(fingerprints)
	return f, true
}

// asFingerprints is the same memory where it stands as numbers do, else a copy.
func asFingerprints(data []byte) []uint32 {
	at := unsafe.Pointer(unsafe.SliceData(data))
	if littleEndian && uintptr(at)%unsafe.Alignof(uint32(0)) == 0 {
		return unsafe.Slice((*uint32)(at), len(data)/4)
	}
	all := make([]uint32, len(data)/4)
	for i := range all {
		all[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return all
}
