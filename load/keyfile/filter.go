package keyfile

import (
	"fmt"
	"slices"

	"github.com/FastFilter/xorfilter"
)

// Filter is a set of hashes that may be asked for one. It may be used by several
// goroutines.
type Filter struct {
	fuse xorfilter.BinaryFuse[uint32] // without fingerprints: the empty set
}

// Has reports whether the hash is in the set; of those that are not it takes one in
// 2^32 for one that is.
func (f *Filter) Has(hash uint64) bool {
	return len(f.fuse.Fingerprints) > 0 && f.fuse.Contains(hash)
}

// Builder makes filters, one after another in the same memory.
type Builder struct {
	fuse   xorfilter.BinaryFuseBuilder
	hashes []uint64
}

// Filter is the set of the hashes, any of which may come more than once; where equal
// ones stand together they take no room.
func (b *Builder) Filter(hashes []uint64) (*Filter, error) {
	b.hashes = slices.Compact(append(b.hashes[:0], hashes...))
	if len(b.hashes) == 0 {
		return &Filter{}, nil
	}
	fuse, err := xorfilter.BuildBinaryFuse[uint32](&b.fuse, b.hashes)
	if err != nil {
		return nil, fmt.Errorf("filter of %d keys: %w", len(b.hashes), err)
	}
	fuse.Fingerprints = slices.Clone(fuse.Fingerprints)
	return &Filter{fuse}, nil
}
