package partition

import (
	"slices"
	"strings"

	"nightjar/load/keyfile"
	"nightjar/load/parquetfile"
)

// cuts say where a row group ends: after a row that its key marks, so that rows which
// come in before it or leave are no reason to cut what is behind otherwise.
type cuts struct {
	least, most int    // rows of a group; the last of a file may have fewer than least
	mask        uint64 // bits that are zero in the hash of a key that ends a group
}

// usualCuts mark one key in 16 thousand: a group has 80 thousand rows on average.
var usualCuts = cuts{least: 64 << 10, most: parquetfile.RowGroupRows, mask: 16<<10 - 1}

// after reports whether a group ends with its nth row, whose key has the hash.
func (c cuts) after(n int, hash uint64) bool {
	return n >= c.most || n >= c.least && hash&c.mask == 0
}

// groupKeys is what is noted of the rows of one row group.
type groupKeys struct {
	first, last   keyfile.Place
	keys, parents []uint64 // hashes, in the order of the rows
}

// add notes a row, and returns the hash of its key.
func (g *groupKeys) add(at slot, key string, nested bool) uint64 {
	if len(g.keys) == 0 {
		g.first = keyfile.Place{Day: int32(at), Key: strings.Clone(key)}
	}
	hash := keyfile.Hash(key)
	g.keys = append(g.keys, hash)
	if nested {
		parent, _, _ := strings.Cut(key, "\x00")
		g.parents = append(g.parents, keyfile.Hash(parent))
	}
	return hash
}

// end notes the last row so far.
func (g *groupKeys) end(at slot, key string) {
	g.last = keyfile.Place{Day: int32(at), Key: strings.Clone(key)}
}

// group makes what stands in the key file.
func (g *groupKeys) group(b *keyfile.Builder, nested bool) (keyfile.Group, error) {
	group := keyfile.Group{Rows: int64(len(g.keys)), First: g.first, Last: g.last}
	var err error
	if group.Keys, err = b.Filter(g.keys); err == nil && nested {
		group.Parents, err = b.Filter(g.parents)
	}
	return group, err
}

// bound is the end of a stretch of rows in their order.
type bound struct {
	slot   slot
	prefix uint64
	key    string
	all    bool // of the slot, whatever the key
}

func boundOf(p keyfile.Place) bound {
	return bound{slot: slot(p.Day), prefix: prefix(p.Key), key: p.Key}
}

// upTo reports whether the row stands before the bound or at it.
func (c *cursor) upTo(b bound) bool {
	switch {
	case c.at.slot != b.slot:
		return c.at.slot < b.slot
	case b.all:
		return true
	case c.at.prefix != b.prefix:
		return c.at.prefix < b.prefix
	}
	return c.key() <= b.key
}

// upTo reports whether the place is before the bound or at it.
func upTo(p keyfile.Place, b bound) bool {
	if slot(p.Day) != b.slot || b.all {
		return slot(p.Day) <= b.slot
	}
	return p.Key <= b.key
}

// leaving are the places of rows in old files whose key ends elsewhere, by partition, in
// order.
func (m Moves) leaving(w Width) map[Partition][]keyfile.Place {
	all := map[Partition][]keyfile.Place{}
	for key, to := range m {
		for _, at := range to.held {
			if at != to.to {
				all[w.of(at)] = append(all[w.of(at)], keyfile.Place{Day: int32(at), Key: key})
			}
		}
	}
	for _, places := range all {
		slices.SortFunc(places, keyfile.Place.Compare)
	}
	return all
}
