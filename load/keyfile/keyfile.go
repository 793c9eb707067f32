// Package keyfile is the small immutable file that belongs to a partition's Parquet file
// and tells which of its row groups may hold a key, so that nobody reads the keys
// of the history to find one.
//
// Of each row group it says how many rows there are, the place of the first and of the
// last, and the hashes of the keys, in a binary fuse filter with fingerprints of 32 bits:
// 38 bits a key, and of the hashes that are not in it one in 4 thousand million passes.
// Its bytes depend on the places and on the keys in their order alone.
//
// All numbers are little-endian. The file is a header of 16 bytes, the groups, and the
// CRC-32C of all that stands before it:
//
//	header   magic "NJARKEYS", uint32 version, uint32 number of groups
//	group    int64 rows, int32 day of the first place, int32 of the last, uint32 length of
//	         the first key, uint32 of the last, uint32 flags (1: parents), uint32 zero
//	         then of the keys, and of the parents (zeros where there are none): uint64
//	         seed, uint32 segment length, uint32 number of fingerprints
//	         then the keys' fingerprints, the parents', uint32 each, the first key, the
//	         last, and zeros up to a multiple of 8 bytes
package keyfile

import (
	"cmp"
	"strings"

	"github.com/zeebo/xxh3"
)

// Place is where a row stands among those of its partition.
type Place struct {
	Day int32  // days since 1970-01-01; the same for all where the table is not ordered by day
	Key string // as text that sorts as the key does, of any bytes
}

// Compare orders places by day, then by key.
func (p Place) Compare(other Place) int {
	return cmp.Or(cmp.Compare(p.Day, other.Day), strings.Compare(p.Key, other.Key))
}

// Group is what is known of one row group.
type Group struct {
	Rows        int64
	First, Last Place
	Keys        *Filter // never nil
	Parents     *Filter // nil where the table is not nested in a record
}

// File is what is known of a file that has been written.
type File struct {
	Path   string
	Bytes  int64
	SHA256 string // hex
}

// Hash is the hash of a key, or of a parent, that filters go by: XXH3, the same on every
// machine.
func Hash[T string | []byte](key T) uint64 {
	switch key := any(key).(type) {
	case string:
		return xxh3.HashString(key)
	case []byte:
		return xxh3.Hash(key)
	}
	panic("unreachable")
}
