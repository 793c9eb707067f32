package partition

import "nightjar/load/keyfile"

// partition merges the rows of p, old and new, into a new file, one old row group after
// the other. The writer that it returns is to be waited for.
func (m *merge) partition(p Partition) (*partitionWriter, error) {
	old, err := m.openOld(p)
	if err != nil {
		return nil, err
	}
	w := &partitionWriter{merge: m, part: p, files: m.plan.New(p), old: old}
	return w, w.end(m.regions(w))
}

// regions visits the rows of the partition. The region of an old row group is all rows
// behind the group before it, up to its last; of the last group, all rows behind it too,
// unless it would end there whatever came.
//
// A region that nothing touches, or changes, stands as it was, byte for byte, if a row
// group begins with it: where one ends follows from the rows since the last end.
func (m *merge) regions(w *partitionWriter) error {
	l := &m.stage.layout
	end := bound{slot: l.width.last(w.part), all: true}
	if w.old == nil {
		return m.groups(w, end)
	}
	if !w.old.sameSchema {
		if err := w.begin(); err != nil {
			return err
		}
	}
	for i, g := range w.old.groups {
		until := boundOf(g.Last)
		if i == len(w.old.groups)-1 && !l.cuts.after(int(g.Rows), keyfile.Hash(g.Last.Key)) {
			until = end
		}
		stands := w.old.sameSchema && w.atCut()
		if stands && !m.touches(w.part, until) {
			if err := w.pass(i); err != nil {
				return err
			}
			continue
		}
		if err := m.region(w, i, until, stands); err != nil {
			return err
		}
	}
	return m.groups(w, end)
}

// touches reports whether rows come in up to the bound, or leave.
func (m *merge) touches(p Partition, until bound) bool {
	leaving := m.leaving[p]
	return len(m.heap) > 0 && m.heap[0].upTo(until) || len(leaving) > 0 && upTo(leaving[0], until)
}

// region merges the rows up to a bound with those of an old row group, which may stand as
// it was if a row group begins with it.
func (m *merge) region(w *partitionWriter, group int, until bound, stands bool) error {
	c, err := w.old.cursor(group)
	if err != nil {
		return err
	}
	if ok, err := c.load(); err != nil || !ok {
		c.close()
		return err
	}
	if stands {
		w.hold(c.cur)
	}
	m.heap.push(c)
	if err := m.groups(w, until); err != nil {
		return err
	}
	leaving := m.leaving[w.part]
	for len(leaving) > 0 && upTo(leaving[0], until) {
		leaving = leaving[1:]
	}
	m.leaving[w.part] = leaving
	return w.endRegion(group)
}
