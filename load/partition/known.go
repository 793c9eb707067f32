package partition

import (
	"context"
	"maps"
	"slices"
	"strings"

	"nightjar/load/keyfile"
	"nightjar/load/parquetfile"
)

// groupsAtOnce is how many row groups are asked for hashes in one pass over a log: what
// they may hold is noted in memory.
const groupsAtOnce = 8

// eachGroups visits the row groups of the old files, some at a time.
func (s *Stage) eachGroups(ctx context.Context, old map[Partition]Files, visit func(at *oldGroups) error) error {
	for _, p := range slices.Sorted(maps.Keys(old)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		all, err := s.groupsOf(p, old[p])
		if err != nil {
			return err
		}
		at := &oldGroups{stage: s, part: p, path: old[p].Path}
		for at.first = 0; at.first < len(all) && err == nil; at.first += groupsAtOnce {
			at.groups = all[at.first:min(at.first+groupsAtOnce, len(all))]
			err = visit(at)
		}
		at.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// oldGroups is some row groups of an old file.
type oldGroups struct {
	stage  *Stage
	part   Partition
	path   string
	first  int // number of the first group
	groups []keyfile.Group
	source *parquetfile.Source // nil until a key is read
}

// eachKey reads the keys of one of the groups, and their pages where they are asked for and
// there are any.
func (o *oldGroups) eachKey(n int, pages bool, visit func(oldKey) error) error {
	if o.source == nil {
		var err error
		if o.source, err = parquetfile.OpenSource(o.path); err != nil {
			return err
		}
	}
	l := &o.stage.layout
	return l.eachKey(o.source, o.first+n, o.part, o.stage.tables, pages && l.page >= 0, visit)
}

func (o *oldGroups) close() {
	if o.source != nil {
		o.source.Close()
	}
}

// holds reports whether all rows of a group stand in the slot.
func holds(g *keyfile.Group, at slot) bool {
	return g.First.Day == g.Last.Day && slot(g.First.Day) == at
}

// knownPlaces finds where old rows stand whose hash is wanted, and those of keys that came
// in another slot, whose hash is wanted from then on.
func (s *Stage) knownPlaces(ctx context.Context, old map[Partition]Files, wanted map[uint64]struct{}, unseen map[uint64]absence) (placesByKey, error) {
	places := placesByKey{}
	err := s.eachGroups(ctx, old, func(at *oldGroups) error {
		asked, err := s.asked(at, wanted, unseen)
		if err != nil {
			return err
		}
		for n, slots := range asked {
			if len(slots) == 0 {
				continue
			}
			if err := at.elsewhere(n, slots, wanted, places); err != nil {
				return err
			}
		}
		return nil
	})
	return places, err
}

// elsewhere notes where rows of a group stand whose hash is wanted, or came in another
// slot. Most often there is none, and pages are not read.
func (o *oldGroups) elsewhere(n int, slots map[uint64]slot, wanted map[uint64]struct{}, places placesByKey) error {
	found := 0
	err := o.eachKey(n, false, func(k oldKey) error {
		hash := keyfile.Hash(k.key)
		came, ok := slots[hash]
		if _, all := wanted[hash]; ok && (came != k.slot || all) {
			wanted[hash] = struct{}{}
			found++
		}
		return nil
	})
	if err != nil || found == 0 {
		return err
	}
	return o.eachKey(n, true, func(k oldKey) error {
		hash := keyfile.Hash(k.key)
		_, ok := slots[hash]
		if _, all := wanted[hash]; ok && all {
			places.see(strings.Clone(k.key), whereabouts{k.slot, k.page, true})
		}
		return nil
	})
}

// asked are the hashes that each of the groups may hold, with a slot in which they came:
// those that are wanted, and those that came in another slot than the group may hold.
func (s *Stage) asked(at *oldGroups, wanted map[uint64]struct{}, unseen map[uint64]absence) ([]map[uint64]slot, error) {
	asked := make([]map[uint64]slot, len(at.groups))
	for n := range asked {
		asked[n] = map[uint64]slot{}
	}
	err := s.keys.each(func(entries []entry) {
		for n := range at.groups {
			g := &at.groups[n]
			for _, e := range entries {
				if !g.Keys.Has(e.hash) {
					continue
				}
				if _, all := wanted[e.hash]; all || !holds(g, e.slot) {
					asked[n][e.hash] = e.slot
				}
			}
		}
	})
	for n := range at.groups {
		for hash := range unseen {
			if at.groups[n].Keys.Has(hash) {
				asked[n][hash] = nowhere
			}
		}
	}
	return asked, err
}

// logChildren adds to the log of looks which children of the parents that pages show with
// all their children stand in the old files.
func (s *Stage) logChildren(ctx context.Context, old map[Partition]Files) error {
	if !s.looked() {
		return nil
	}
	return s.eachGroups(ctx, old, func(at *oldGroups) error {
		shown, err := s.shown(at)
		if err != nil {
			return err
		}
		for n, parents := range shown {
			if len(parents) == 0 {
				continue
			}
			err := at.eachKey(n, true, func(k oldKey) error {
				parent := s.looks.parent([]byte(k.parent))
				if _, ok := parents[parent.high]; !ok {
					return nil
				}
				return s.looks.child(parent, keyfile.Hash(k.key), s.pool.pages.Number(k.page))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// shown are the parents that pages show with all their children, of those that each of the
// groups may hold.
func (s *Stage) shown(at *oldGroups) ([]map[uint64]struct{}, error) {
	shown := make([]map[uint64]struct{}, len(at.groups))
	for n := range shown {
		shown[n] = map[uint64]struct{}{}
	}
	err := s.looks.each(func(all []sighting) {
		for n := range at.groups {
			for _, look := range all {
				if look.child == 0 && at.groups[n].Parents.Has(look.parent.high) {
					shown[n][look.parent.high] = struct{}{}
				}
			}
		}
	})
	return shown, err
}
