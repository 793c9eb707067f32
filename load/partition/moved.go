package partition

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"nightjar/load/keyfile"
)

// Moves tells of keys that stand in more than one slot, old and incoming rows together,
// where they end. Rows of such a key leave every other slot. So do, with all their
// versions, the keys that a look shows to be gone.
type Moves map[string]move

// move is where a key ends that stands in several slots, or is gone or was.
type move struct {
	to    slot   // nowhere: it is gone
	after string // the newest page on which it stood elsewhere: versions up to it have had their day
	gone  string // the newest look that did not show it: versions older than that are as if they had never been
	known bool   // the table held the key before
	came  bool   // an incoming row stands where the key ends
	held  []slot // where old files have the key, ascending
}

// Held lists the old partitions in which a moved key stands: what decides where it
// ends. Ascending.
func (s *Stage) Held(m Moves) []Partition {
	found := map[Partition]struct{}{}
	for _, to := range m {
		for _, at := range to.held {
			found[s.layout.width.of(at)] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Moved finds the keys that came and stand in more than one slot, and those that
// are gone, or were before they came again. Old maps each partition of the table to
// its file. It is called after the last Add.
//
// Keys are compared by their hashes, of which the logs spill to disk. What is read of the
// old files is their key files, and the keys of those row groups that may hold one of
// these keys elsewhere; where one hash stands in several slots, or was gone, the keys
// behind it decide.
func (s *Stage) Moved(ctx context.Context, old map[Partition]Files) (Moves, error) {
	moves, err := s.moved(ctx, old)
	if err != nil {
		return nil, fmt.Errorf("find keys of %s that moved: %w", s.table.Full(), err)
	}
	return moves, nil
}

func (s *Stage) moved(ctx context.Context, old map[Partition]Files) (Moves, error) {
	if s.nothingMoves(old) && !s.looked() {
		return nil, nil
	}
	if err := s.logChildren(ctx, old); err != nil {
		return nil, err
	}
	wanted, err := s.keys.several()
	if err != nil {
		return nil, err
	}
	unseen, err := s.unseen()
	if err != nil {
		return nil, err
	}
	for hash := range unseen {
		wanted[hash] = struct{}{}
	}
	known, err := s.knownPlaces(ctx, old, wanted, unseen)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	places := placesByKey{}
	if err := s.incomingPlaces(wanted, places); err != nil {
		return nil, err
	}
	for key, all := range known {
		if places[key] != nil || s.gone(unseen, key) != "" {
			places[key] = append(places[key], all...)
		}
	}
	return places.settle(func(key string) string { return s.gone(unseen, key) }), nil
}

// nothingMoves reports whether all rows, old and incoming, stand in one slot.
func (s *Stage) nothingMoves(old map[Partition]Files) bool {
	touched := s.Touched()
	switch {
	case len(s.slots) > 1:
		return false
	case len(s.slots) == 0 || len(old) == 0:
		return true
	}
	return s.layout.day < 0 && len(old) == 1 && old[touched[0]] != (Files{})
}

// incomingPlaces notes where the staged rows stand whose hash is wanted.
func (s *Stage) incomingPlaces(wanted map[uint64]struct{}, places placesByKey) error {
	return s.eachBatch(func(b *batch) error {
		for i := range b.rows() {
			key := b.keys.Value(i)
			if _, ok := wanted[keyfile.Hash(key)]; ok {
				places.see(string([]byte(key)), whereabouts{b.slots[i], b.page(i), false})
			}
		}
		return nil
	})
}

// whereabouts is where versions of a key stand: the newest page of them.
type whereabouts struct {
	slot  slot
	page  string
	known bool // in an old file, not among the incoming
}

type placesByKey map[string][]whereabouts

func (p placesByKey) see(key string, at whereabouts) {
	for i, o := range p[key] {
		if o.slot == at.slot && o.known == at.known {
			if comparePages(at.page, o.page) > 0 {
				p[key][i].page = string([]byte(at.page))
			}
			return
		}
	}
	at.page = string([]byte(at.page)) // the record that it stands in is let go
	p[key] = append(p[key], at)
}

// settle decides for each key which slot holds its newest version. A page
// that is read again, after a fix, wins over what it gave before. Gone names the
// newest look that did not show a key; empty for none.
func (p placesByKey) settle(gone func(key string) string) Moves {
	moves := Moves{}
	for key, all := range p {
		newest := slices.MaxFunc(all, func(a, b whereabouts) int {
			return cmp.Or(comparePages(a.page, b.page), -compareBool(a.known, b.known), cmp.Compare(a.slot, b.slot))
		})
		m := move{to: newest.slot, gone: gone(key)}
		elsewhere := false
		for _, at := range all {
			if at.known {
				m.known, m.held = true, append(m.held, at.slot)
			} else if at.slot == newest.slot {
				m.came = true
			}
			if at.slot != newest.slot {
				elsewhere = true
				if comparePages(at.page, newest.page) < 0 {
					m.after = laterPage(m.after, at.page)
				}
			}
		}
		if comparePages(newest.page, m.gone) < 0 {
			m.to, m.after, m.came = nowhere, "", false
		}
		if slices.Sort(m.held); elsewhere || m.gone != "" { // and not two keys with one hash
			moves[key] = m
		}
	}
	return moves
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
