package partition

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"nightjar/load/column"
)

// mostColumns is how many columns a table may have: a columnSet has room for them.
const mostColumns = 64

// columnSet is a set of columns of a table, by their place.
type columnSet uint64

func columnOf(c int) columnSet { return 1 << c }

func (s columnSet) has(c int) bool { return s&columnOf(c) != 0 }

// each visits the columns, in order.
func (s columnSet) each() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(bits.TrailingZeros64(uint64(s))) {
				return
			}
		}
	}
}

// ColumnCounts says what became of one column's values in a merge, counted by key.
type ColumnCounts struct {
	Had  int64 // keys seen again that held a value before
	Lost int64 // of those, they hold NULL now
	Kept int64 // keys whose newest version did not ask for the column, and that keep what they held
}

// NotAsked says that a landed page answers nothing about the columns: whatever its
// rows hold there, a row keeps the value that the version before it held, if any.
// It may be called while rows are added, and before the merge.
func (s *Stage) NotAsked(page string, columns []string) error {
	var set columnSet
	for _, name := range columns {
		at := s.tables.FieldIndices(name)
		if len(at) != 1 || !slices.Contains(s.layout.compare, at[0]) || slices.Contains(s.layout.key, at[0]) {
			return fmt.Errorf("table %s: %q is no column that may be left out", s.table.Full(), name)
		}
		set |= columnOf(at[0])
	}
	if s.layout.page < 0 {
		return fmt.Errorf("table %s: its rows have no versions that could keep a value", s.table.Full())
	}
	number := s.pool.pages.Number(page)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unasked == nil {
		s.unasked = map[int32]columnSet{}
	}
	s.unasked[number] |= set
	return nil
}

// unaskedByPage is what NotAsked has said, by the number of the page; nil where it
// has said nothing.
func (s *Stage) unaskedByPage() []columnSet {
	if len(s.unasked) == 0 {
		return nil
	}
	all := make([]columnSet, len(s.pool.pages.All()))
	for page, set := range s.unasked {
		all[page] = set
	}
	return all
}

// present is the set of the columns in which the row is not null.
func (b *batch) present(row int) columnSet {
	if b.valid == nil {
		b.valid, _ = column.Validities(b.rec.Columns())
	}
	var set columnSet
	for c, v := range b.valid {
		if v.Has(int32(row)) {
			set |= columnOf(c)
		}
	}
	return set
}

// tally counts what became of the values of one record that is seen again.
func (m *merge) tally(had, has columnSet) {
	for c := range had.each() {
		m.columns[c].Had++
	}
	for c := range (had &^ has).each() {
		m.columns[c].Lost++
	}
}

// keptBy counts the values that one record keeps unasked.
func (m *merge) keptBy(columns columnSet) {
	for c := range columns.each() {
		m.columns[c].Kept++
	}
}

// again counts the values of a group's record, where the old files have it too. Of
// one that moved, the old row and the winner are met apart: whichever comes first
// is remembered.
func (m *merge) again(key string, moved move, away bool) {
	g := &m.group
	switch {
	case g.incoming == 0 && !moved.known:
	case g.before != nil && !away:
		had := g.before.present(g.beforeRow)
		if g.winIsOld {
			m.tally(had, had)
		} else {
			m.tally(had, g.present())
		}
	case g.before != nil:
		m.meet(strings.Clone(key), crossing{had: g.before.present(g.beforeRow), hasOld: true})
	case moved.known && !away:
		m.meet(strings.Clone(key), crossing{has: g.present(), hasNew: true})
	}
}

// crossing is one key that moves between partitions: the columns in which its old
// row, and its new one, hold a value.
type crossing struct {
	had, has       columnSet
	hasOld, hasNew bool
}

// meet counts a key that moved once both its rows have been seen.
func (m *merge) meet(key string, half crossing) {
	whole := m.crossings[key]
	whole.had |= half.had
	whole.has |= half.has
	whole.hasOld, whole.hasNew = whole.hasOld || half.hasOld, whole.hasNew || half.hasNew
	if whole.hasOld && whole.hasNew {
		delete(m.crossings, key)
		m.tally(whole.had, whole.has)
		return
	}
	if m.crossings == nil {
		m.crossings = map[string]crossing{}
	}
	m.crossings[key] = whole
}
