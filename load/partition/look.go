package partition

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"slices"
)

// A look is a landed page that shows a record with all the rows of a table that are
// nested in it: its children, of which it is the parent. A child that the newest look
// at its parent does not show, and no page after it does, is gone: its key ends
// nowhere. One that comes back begins anew, whatever was known of it before.

// nowhere is where a key ends whose rows are gone.
const nowhere Partition = math.MinInt32

// lookLimit is how many sightings stay in memory, 32 bytes each.
const lookLimit = 128 << 10

// lookLog notes which page shows which child, and which shows a parent with all its
// children.
type lookLog struct {
	hashLog[sighting]
	seeds [2]maphash.Seed
	looks int // sightings of parents
}

// sighting is of a child on a page or, where child is zero, of a parent with all its
// children. Parents are told apart by 128 bits of hash alone: no two have the same.
type sighting struct {
	parent [2]uint64
	child  uint64 // hash of its key
	page   int32  // number
}

const sightingBytes = 28

func (s sighting) hashed() uint64 { return s.parent[0] }

func (s sighting) append(to []byte) []byte {
	for _, n := range [...]uint64{s.parent[0], s.parent[1], s.child} {
		to = binary.LittleEndian.AppendUint64(to, n)
	}
	return binary.LittleEndian.AppendUint32(to, uint32(s.page))
}

func readSighting(from []byte) sighting {
	at := binary.LittleEndian.Uint64
	return sighting{[2]uint64{at(from), at(from[8:])}, at(from[16:]), int32(binary.LittleEndian.Uint32(from[24:]))}
}

func newLookLog(path string) *lookLog {
	return &lookLog{
		hashLog: hashLog[sighting]{path: path, limit: lookLimit, size: sightingBytes, read: readSighting},
		seeds:   [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
	}
}

func (l *lookLog) parent(name []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(l.seeds[0], name), maphash.Bytes(l.seeds[1], name)}
}

// child notes a page that shows a child, by the hash of its key.
func (l *lookLog) child(parent string, key uint64, page int32) error {
	return l.put(sighting{l.parent([]byte(parent)), max(key, 1), page})
}

// Look says that a landed page shows these parents with all their children, those
// that are added and no others. It may be called while rows are added, and before
// the merge.
func (s *Stage) Look(page string, parents iter.Seq[[]byte]) error {
	if s.looks == nil {
		return fmt.Errorf("table %s: its rows are nested in no record", s.table.Full())
	}
	number := s.pool.pages.one(page)
	s.mu.Lock()
	defer s.mu.Unlock()
	for parent := range parents {
		s.looks.looks++
		if err := s.looks.put(sighting{parent: s.looks.parent(parent), page: number}); err != nil {
			return err
		}
	}
	return nil
}

// looked reports whether a page may show children to be gone.
func (s *Stage) looked() bool { return s.looks != nil && s.looks.looks > 0 }

// unseen finds the children that a look at their parent does not show although an
// older page does: by the hash of the key, the newest such look.
func (s *Stage) unseen() (map[uint64]string, error) {
	if !s.looked() {
		return nil, nil
	}
	names := s.pool.pages.all()
	order := make([]int32, len(names)) // numbers of the pages, oldest first
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return comparePages(names[a], names[b]) })
	age := make([]int32, len(names)) // by number; the greater, the newer
	for i, number := range order {
		age[number] = int32(i)
	}
	found := map[uint64]string{}
	err := s.looks.each(func(all []sighting) {
		for child, at := range unseenAmong(all, age) {
			found[child] = names[order[at]]
		}
	})
	return found, err
}

// family is what the pages show of one parent, by their age.
type family struct {
	looks    []int32
	children map[uint64][]int32
}

// unseenAmong is unseen for the sightings of some parents, all there are of each.
func unseenAmong(all []sighting, age []int32) map[uint64]int32 {
	families := map[[2]uint64]*family{}
	for _, s := range all {
		if s.child == 0 {
			continue
		}
		f := families[s.parent]
		if f == nil {
			f = &family{children: map[uint64][]int32{}}
			families[s.parent] = f
		}
		f.children[s.child] = append(f.children[s.child], age[s.page])
	}
	for _, s := range all {
		if f := families[s.parent]; f != nil && s.child == 0 {
			f.looks = append(f.looks, age[s.page])
		}
	}
	found := map[uint64]int32{}
	for _, f := range families {
		slices.SortFunc(f.looks, func(a, b int32) int { return cmp.Compare(b, a) })
		for child, shown := range f.children {
			oldest := slices.Min(shown)
			for _, at := range f.looks {
				if at > oldest && !slices.Contains(shown, at) {
					found[child] = at
					break
				}
			}
		}
	}
	return found
}
