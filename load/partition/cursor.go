package partition

import "io"

// cursor walks the rows of one run, batch by batch.
type cursor struct {
	rank int // order among cursors for rows alike in slot, key and page
	cur  *batch
	pos  int
	at   place                  // of the row at pos
	next func() (*batch, error) // io.EOF at the end
	done func()                 // frees what next holds

	old     bool        // the rows are of an old file
	carried bool        // the rows stand in another slot, see merge.carry
	unasked []columnSet // by page number: what the rows leave as it was; nil for nothing
	day     columnSet   // the column that tells the slot, if any
}

// leaves is the columns that the row was not asked for.
func (c *cursor) leaves() columnSet {
	if c.unasked == nil {
		return 0
	}
	set := c.unasked[c.cur.pages[c.row()]]
	if c.at.slot != slot(None) {
		set &^= c.day // it is where the row stands
	}
	return set
}

func (c *cursor) row() int { return int(c.at.row) }

func (c *cursor) key() string { return c.cur.keys.Value(c.row()) }

// look notes where the row at pos stands.
func (c *cursor) look() {
	c.at = place{c.cur.slots[c.pos], int32(c.pos), prefix(c.cur.keys.Value(c.pos))}
}

// sameKey reports whether the row has the key, and stands in the same slot.
func (c *cursor) sameKey(at place, key string) bool {
	return c.at.slot == at.slot && c.at.prefix == at.prefix && c.key() == key
}

// before is the order in which the merge visits rows.
func (c *cursor) before(o *cursor) bool {
	switch {
	case c.at.slot != o.at.slot:
		return c.at.slot < o.at.slot
	case c.at.prefix != o.at.prefix:
		return c.at.prefix < o.at.prefix
	}
	if x, y := c.key(), o.key(); x != y {
		return x < y
	}
	if order := comparePages(c.cur.page(c.row()), o.cur.page(o.row())); order != 0 {
		return order < 0
	}
	return c.rank < o.rank
}

// advance steps to the next row; false at the end of the run. keep is called
// with the batch that is left behind, before it is released.
func (c *cursor) advance(keep func(*batch)) (bool, error) {
	c.pos++
	if c.pos < c.cur.rows() {
		c.look()
		return true, nil
	}
	keep(c.cur)
	c.cur.rec.Release()
	c.cur = nil
	return c.load()
}

// load fetches the next batch that has rows.
func (c *cursor) load() (bool, error) {
	for {
		b, err := c.next()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if b.rows() == 0 {
			b.rec.Release()
			continue
		}
		c.cur, c.pos = b, 0
		c.look()
		return true, nil
	}
}

func (c *cursor) close() {
	if c.cur != nil {
		c.cur.rec.Release()
		c.cur = nil
	}
	c.done()
}

// each visits the batches of a run, and closes it.
func (c *cursor) each(visit func(*batch) error) error {
	defer c.close()
	for {
		b, err := c.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = visit(b)
			b.rec.Release()
		}
		if err != nil {
			return err
		}
	}
}

func closeAll(cursors []*cursor) {
	for _, c := range cursors {
		c.close()
	}
}

// inMemory is a cursor over one batch, which it takes over.
func inMemory(b *batch, rank int) *cursor {
	next := func() (*batch, error) {
		if b == nil {
			return nil, io.EOF
		}
		given := b
		b = nil
		return given, nil
	}
	done := func() {
		if b != nil {
			b.rec.Release()
		}
	}
	return &cursor{rank: rank, next: next, done: done}
}
