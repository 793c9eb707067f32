package partition

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"strings"

	"nightjar/load/keyfile"
)

// A look is a landed page that shows a record with all the rows of a table that are
// nested in it: its children, of which it is the parent. A child that the newest look
// at its parent does not show, and no page after it does, is gone: its key ends
// nowhere. One that comes back begins anew, whatever was known of it before.

// nowhere is where a key ends whose rows are gone.
const nowhere slot = math.MinInt32

// lookLimit is how many sightings stay in memory, 24 bytes each.
const lookLimit = 64 << 10

// lookLog notes which page shows which child, and which shows a parent with all its
// children.
type lookLog struct {
	hashLog[sighting]
	seed  maphash.Seed
	looks int // sightings of parents
}

// sighting is of a child on a page or, where child is zero, of a parent with all its
// children.
type sighting struct {
	parent parentHash
	page   int32  // number
	child  uint64 // hash of its key
}

// parentHash tells parents apart by itself: no two have the same 96 bits. The high ones
// are what key files go by.
type parentHash struct {
	high uint64
	low  uint32
}

const sightingBytes = 24

func (s sighting) hashed() uint64 { return s.parent.high }

func (s sighting) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, s.parent.high)
	to = binary.LittleEndian.AppendUint32(to, s.parent.low)
	to = binary.LittleEndian.AppendUint32(to, uint32(s.page))
	return binary.LittleEndian.AppendUint64(to, s.child)
}

func readSighting(from []byte) sighting {
	order := binary.LittleEndian
	return sighting{parentHash{order.Uint64(from), order.Uint32(from[8:])}, int32(order.Uint32(from[12:])), order.Uint64(from[16:])}
}

func newLookLog(path string) *lookLog {
	return &lookLog{
		hashLog: hashLog[sighting]{path: path, limit: lookLimit, size: sightingBytes, read: readSighting},
		seed:    maphash.MakeSeed(),
	}
}

func (l *lookLog) parent(name []byte) parentHash {
	return parentHash{keyfile.Hash(name), uint32(maphash.Bytes(l.seed, name))}
}

// child notes a page that shows a child, by the hash of its key.
func (l *lookLog) child(parent parentHash, key uint64, page int32) error {
	return l.put(sighting{parent, page, max(key, 1)})
}

// Look says that a landed page shows these parents with all their children, those
// that are added and no others. It may be called while rows are added, and before
// the merge.
func (s *Stage) Look(page string, parents iter.Seq[[]byte]) error {
	if s.looks == nil {
		return fmt.Errorf("table %s: its rows are nested in no record", s.table.Full())
	}
	number := s.pool.pages.Number(page)
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

// absence is of a child of the parent: the newest look that does not show it.
type absence struct {
	parent parentHash
	page   string
}

// gone is the newest look that does not show a key, by what unseen has found; empty
// for none. That a key has the hash of one that is gone means nothing by itself.
func (s *Stage) gone(unseen map[uint64]absence, key string) string {
	found, ok := unseen[keyfile.Hash(key)]
	if parent, _, _ := strings.Cut(key, "\x00"); !ok || found.parent != s.looks.parent([]byte(parent)) {
		return ""
	}
	return found.page
}

// unseen finds the children that a look at their parent does not show although an
// older page does, by the hash of the key.
func (s *Stage) unseen() (map[uint64]absence, error) {
	if !s.looked() {
		return nil, nil
	}
	names := s.pool.pages.All()
	order := make([]int32, len(names)) // numbers of the pages, oldest first
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return comparePages(names[a], names[b]) })
	age := make([]int32, len(names)) // by number; the greater, the newer
	for i, number := range order {
		age[number] = int32(i)
	}
	found := map[uint64]absence{}
	err := s.looks.each(func(all []sighting) {
		unseenAmong(all, age, func(child sighting, at int32) { found[child.child] = absence{child.parent, names[order[at]]} })
	})
	return found, err
}

// family is what pages show of one parent.
type family struct {
	children []sighting // by child, then by age of the page
	oldest   int32      // age of the first page that shows any
	looks    []int32    // ages of those after it that show all
}

// unseenAmong is unseen for the sightings of some parents, all there are of each. It
// passes a sighting of the child and the age of the look.
func unseenAmong(all []sighting, age []int32, found func(child sighting, at int32)) {
	families, near := familiesOf(all, age)
	if len(families) == 0 {
		return
	}
	for _, s := range all {
		if s.child == 0 && near.has(s.parent.high) {
			if f := families[s.parent]; f != nil && age[s.page] > f.oldest {
				f.looks = append(f.looks, age[s.page])
			}
		}
	}
	for _, f := range families {
		f.unseen(age, found)
	}
}

// familiesOf are those of the parents with children, and a filter of the parents:
// most have none.
func familiesOf(all []sighting, age []int32) (map[parentHash]*family, filter) {
	var children []sighting
	for _, s := range all {
		if s.child != 0 {
			children = append(children, s)
		}
	}
	slices.SortFunc(children, func(a, b sighting) int {
		return cmp.Or(cmp.Compare(a.parent.high, b.parent.high), cmp.Compare(a.parent.low, b.parent.low),
			cmp.Compare(a.child, b.child), cmp.Compare(age[a.page], age[b.page]))
	})
	families, near := map[parentHash]*family{}, newFilter(len(children))
	for len(children) > 0 {
		f, parent := &family{oldest: math.MaxInt32}, children[0].parent
		n := 0
		for ; n < len(children) && children[n].parent == parent; n++ {
			f.oldest = min(f.oldest, age[children[n].page])
		}
		f.children, children = children[:n], children[n:]
		families[parent] = f
		near.set(parent.high)
	}
	return families, near
}

// unseen finds for each child the newest look that does not show it, after one page
// that does.
func (f *family) unseen(age []int32, found func(child sighting, at int32)) {
	if len(f.looks) == 0 {
		return
	}
	slices.SortFunc(f.looks, func(a, b int32) int { return cmp.Compare(b, a) })
	for rest := f.children; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].child == rest[0].child {
			n++
		}
		shown := rest[:n]
		rest = rest[n:]
		for _, at := range f.looks {
			if at > age[shown[0].page] && !slices.ContainsFunc(shown, func(s sighting) bool { return age[s.page] == at }) {
				found(shown[0], at)
				break
			}
		}
	}
}
