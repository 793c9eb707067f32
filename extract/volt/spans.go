package volt

import (
	"math"
	"slices"
)

// span is the ids from lo to hi, both included.
type span struct{ lo, hi int64 }

// spans is a set of ids: ascending, disjoint, not adjacent. It stays small where
// ids come in islands.
type spans []span

// add puts the ids from lo to hi into the set.
func (s *spans) add(lo, hi int64) {
	if lo > hi {
		return
	}
	from, _ := slices.BinarySearchFunc(*s, lo, func(x span, lo int64) int {
		if x.hi < lo-1 {
			return -1
		}
		return 1
	})
	to := from
	for to < len(*s) && (*s)[to].lo <= hi+1 {
		lo, hi = min(lo, (*s)[to].lo), max(hi, (*s)[to].hi)
		to++
	}
	*s = slices.Replace(*s, from, to, span{lo, hi})
}

// missing returns the first ids of s, at most n, that are not in t.
func (s spans) missing(t spans, n int) []int64 {
	var ids []int64
	for _, x := range s {
		for id := x.lo; id <= x.hi && len(ids) < n; {
			for len(t) > 0 && t[0].hi < id {
				t = t[1:]
			}
			if len(t) > 0 && t[0].lo <= id {
				id = t[0].hi + 1
				continue
			}
			ids = append(ids, id)
			id++
		}
	}
	return ids
}

// lowest returns the lowest id of s that is not in t, and the highest number
// there is where all are.
func (s spans) lowest(t spans) int64 {
	if ids := s.missing(t, 1); len(ids) > 0 {
		return ids[0]
	}
	return math.MaxInt64
}
