package partition

import "slices"

// groups visits the rows up to a bound key by key and writes the newest version of each.
func (m *merge) groups(w *partitionWriter, end bound) error {
	for len(m.heap) > 0 && m.heap[0].upTo(end) {
		at, key := m.heap[0].at, m.heap[0].key()
		m.group.clear()
		moved, so := m.movingOf(key)
		for len(m.heap) > 0 && m.heap[0].sameKey(at, key) {
			if err := m.take(moved); err != nil {
				return err
			}
		}
		so.countOnce(&m.group)
		if err := m.settle(w, at.slot, key, moved, so); err != nil {
			return err
		}
	}
	return nil
}

// take moves the heap's first row into the group: it becomes the winner unless
// its content is that of the winner so far, which was seen first and stays. A
// winner so far that is no newer than moved.after gives way in any case; so does one
// of which a value is not known to a row of the old file, which knows what came
// before. A row from before the key was gone is counted, and no more.
func (m *merge) take(moved move) error {
	c := m.heap[0]
	row, unasked := c.row(), c.leaves()
	gone, after := moved.gone != "" && comparePages(c.cur.page(row), moved.gone) < 0, moved.after
	g := &m.group
	switch {
	case c.carried:
	case c.old:
		g.old, g.before, g.beforeRow = true, c.cur, row
	default:
		g.incoming++
		m.count(c.cur.page(row))
	}
	switch {
	case gone:
	case g.win == nil || after != "" && comparePages(g.win.page(g.row), after) <= 0 || c.old && g.guessed != 0 || !g.same(c.cur, row, m.stage.layout.compare, unasked):
		g.choose(c.cur, row, c.old && !c.carried, unasked)
	}
	if !gone {
		g.guessed, g.unasked = g.guessed&unasked, unasked
	}
	return m.heap.step(g.keep)
}

// count books an incoming row to its window.
func (m *merge) count(page string) {
	if m.plan.Window == nil {
		return
	}
	if n := m.plan.Window(page); n >= 0 {
		m.out.Windows[n].Rows++
		if !slices.Contains(m.group.windows, n) {
			m.group.windows = append(m.group.windows, n)
		}
	}
}

// settle writes the group's winner, unless the key's newest version stands in
// another slot, and counts.
func (m *merge) settle(w *partitionWriter, at slot, key string, moved move, so *moving) error {
	g := &m.group
	defer g.clear()
	counts := &m.out.Counts
	for _, n := range g.windows {
		m.out.Windows[n].Keys++
	}
	if so != nil && moved.to == nowhere {
		return m.gone(w, so)
	}
	m.again(key, moved, so != nil && moved.to != at)
	if so != nil && moved.to != at {
		so.leave(g, moved, counts)
		if g.old {
			return m.drop(w)
		}
		return nil
	}
	if g.incoming > 0 {
		counts.Superseded += g.incoming - 1
	}
	if kept := g.unasked &^ g.guessed; kept != 0 {
		m.keptBy(kept & g.present())
	}
	changed := !g.winIsOld
	switch {
	case g.incoming == 0:
	case !changed:
		counts.Unchanged++
	case g.old || moved.known:
		counts.Changed++
	default:
		counts.New++
	}
	if changed && g.old {
		if err := m.addLeft(); err != nil {
			return err
		}
	}
	return w.add(g, changed)
}
