package partition

import (
	"slices"
	"strings"

	"nightjar/load/column"
)

// moving is what has been counted of a key that moves, in the partitions visited so
// far: it is one key, however many of them have its rows.
type moving struct {
	windows []int // that have been given the key
	counted bool  // as one that came and changed nothing, or is gone
}

// movingOf returns where the key ends and what has been counted of it; nil for one
// that stands in one partition.
func (m *merge) movingOf(key string) (move, *moving) {
	to, ok := m.plan.Moved[key]
	if !ok {
		return move{}, nil
	}
	so := m.moving[key]
	if so == nil {
		if m.moving == nil {
			m.moving = map[string]*moving{}
		}
		so = &moving{}
		m.moving[strings.Clone(key)] = so
	}
	return to, so
}

// countOnce leaves those windows to the group that have not been given the key in
// another partition.
func (k *moving) countOnce(g *group) {
	if k == nil {
		return
	}
	g.windows = slices.DeleteFunc(g.windows, func(n int) bool { return slices.Contains(k.windows, n) })
	k.windows = append(k.windows, g.windows...)
}

// leave counts the rows of a group whose key ends in another partition. They gave
// way to what is there, but for the one that stands for the key where no other does.
func (k *moving) leave(g *group, to move, counts *Counts) {
	counts.Superseded += g.incoming
	if g.incoming > 0 && !to.came && !k.counted {
		k.counted = true
		counts.Superseded--
		counts.Unchanged++
	}
}

// gone counts the rows of a group whose key is gone.
func (m *merge) gone(w *partitionWriter, so *moving) error {
	g, counts := &m.group, &m.out.Counts
	counts.Superseded += g.incoming
	if !so.counted {
		so.counted = true
		counts.Gone++
	}
	if !g.old {
		return nil
	}
	counts.Superseded++
	m.out.GoneRows++
	return m.drop(w)
}

// drop leaves the old row of the group out of the file.
func (m *merge) drop(w *partitionWriter) error {
	if err := w.change(); err != nil {
		return err
	}
	return m.addLeft()
}

// addLeft appends the old row of the group to the file of those that left.
func (m *merge) addLeft() error {
	g := &m.group
	if m.plan.Left == "" {
		return nil
	}
	m.out.LeftRows++
	return m.scratch(&m.left, m.plan.Left, picks{batches: []*batch{g.before}, rows: []column.Pick{{Row: int32(g.beforeRow)}}})
}
