package coverage

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightjar/extract"
)

// bookmark is a coverage as it is written.
type bookmark[K cmp.Ordered] struct {
	Epoch   int          `json:"epoch,omitempty"`
	AsOf    time.Time    `json:"as_of,omitzero"`
	Covered []stretch[K] `json:"covered"`
}

// stretch says of some parts that everything in [from, before) has been asked for,
// and that what lies before settled_before does not change any more.
type stretch[K cmp.Ordered] struct {
	Of            []K       `json:"of,omitempty"`            // ascending; none: the whole source, which has the zero key
	From          time.Time `json:"from,omitzero"`           // zero: everything before
	SettledBefore time.Time `json:"settled_before,omitzero"` // zero: nothing is settled
	Before        time.Time `json:"before"`
	AskedAt       time.Time `json:"asked_at,omitzero"` // where that is not before
}

// Read takes the coverage from a bookmark; nil is none. Parts that do not exist are
// refused.
func Read[K cmp.Ordered](b extract.Bookmark, exists func(part K) bool) (Coverage[K], error) {
	c := Coverage[K]{Parts: map[K][]Piece{}}
	if b == nil {
		return c, nil
	}
	var written bookmark[K]
	strict := json.NewDecoder(bytes.NewReader(b))
	strict.DisallowUnknownFields()
	err := strict.Decode(&written)
	switch {
	case err != nil:
	case written.Covered == nil:
		err = errors.New("covered is missing")
	case written.Epoch < 0:
		err = fmt.Errorf("there is no epoch %d", written.Epoch)
	default:
		c.Epoch, c.AsOf = written.Epoch, written.AsOf
		for _, s := range written.Covered {
			if err = c.take(s, exists); err != nil {
				break
			}
		}
	}
	if err != nil {
		return Coverage[K]{}, fmt.Errorf("read bookmark %s: %w", b, err)
	}
	return c, nil
}

// take adds what one stretch says.
func (c *Coverage[K]) take(s stretch[K], exists func(part K) bool) error {
	settled, asked := s.SettledBefore, s.AskedAt
	if settled.IsZero() {
		settled = s.From
	}
	if asked.IsZero() {
		asked = s.Before
	}
	if settled.Before(s.From) || s.Before.Before(settled) || !s.From.Before(s.Before) {
		return errors.New("from, settled_before and before do not follow one another")
	}
	var zero K
	parts := s.Of
	if parts == nil {
		parts = []K{zero}
	} else if slices.Contains(parts, zero) {
		return fmt.Errorf("there is no %v to be asked", zero)
	}
	for _, part := range parts {
		if !exists(part) {
			return fmt.Errorf("there is no %v to be asked", part)
		}
		c.Parts[part] = Over(c.Parts[part], []Piece{{Interval: Interval{s.From, settled}}})
		c.Parts[part] = Over(c.Parts[part], []Piece{{Interval{settled, s.Before}, asked}})
	}
	c.AsOf = Latest(c.AsOf, asked, s.Before)
	return nil
}

// Bookmark writes the coverage; parts that stand at the same place share a stretch.
// Nil where a year has more than four digits.
func (c Coverage[K]) Bookmark() extract.Bookmark {
	var zero K
	written := bookmark[K]{Epoch: c.Epoch, AsOf: c.AsOf.UTC(), Covered: []stretch[K]{}}
	for _, part := range slices.Sorted(maps.Keys(c.Parts)) {
		for _, s := range stretches[K](c.Parts[part]) {
			at := slices.IndexFunc(written.Covered, func(o stretch[K]) bool { return o.same(s) && (o.Of == nil) == (part == zero) })
			if at < 0 {
				at = len(written.Covered)
				written.Covered = append(written.Covered, s)
			}
			if part != zero {
				written.Covered[at].Of = append(written.Covered[at].Of, part)
			}
		}
	}
	slices.SortStableFunc(written.Covered, func(a, b stretch[K]) int {
		return cmp.Or(a.From.Compare(b.From), a.Before.Compare(b.Before))
	})
	b, err := json.Marshal(written)
	if err != nil {
		return nil
	}
	return b
}

// same reports whether two stretches say the same of their parts.
func (s stretch[K]) same(o stretch[K]) bool {
	return s.From.Equal(o.From) && s.SettledBefore.Equal(o.SettledBefore) && s.Before.Equal(o.Before) && s.AskedAt.Equal(o.AskedAt)
}

// stretches joins each settled piece with the one that follows it.
func stretches[K cmp.Ordered](pieces []Piece) []stretch[K] {
	var all []stretch[K]
	for _, p := range pieces {
		from, to := p.From.UTC(), p.To.UTC()
		if p.Asked.IsZero() {
			all = append(all, stretch[K]{From: from, SettledBefore: to, Before: to})
			continue
		}
		if n := len(all); n == 0 || !all[n-1].Before.Equal(from) || !all[n-1].SettledBefore.Equal(from) {
			all = append(all, stretch[K]{From: from})
		}
		last := &all[len(all)-1]
		last.Before = to
		if !p.Asked.Equal(to) {
			last.AskedAt = p.Asked.UTC()
		}
	}
	return all
}

// Extend is the bookmark old with what covers says besides. The order in which a
// bookmark is extended makes no difference, and neither does doing it twice. What
// cannot be read covers nothing, and is asked for again.
func Extend[K cmp.Ordered](old, covers extract.Bookmark, exists func(part K) bool) extract.Bookmark {
	var sum Coverage[K]
	for _, b := range []extract.Bookmark{old, covers} {
		if c, err := Read(b, exists); err == nil {
			sum = sum.join(c)
		}
	}
	return sum.Bookmark()
}
