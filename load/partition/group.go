package partition

import (
	"slices"

	"nightjar/load/column"
)

// group is the versions of one key within a slot, reduced to the winner. Where
// a version was not asked for a column, the winner has that value from the version
// before it: it is put together of several rows, none of which is copied.
type group struct {
	win      *batch
	row      int
	winIsOld bool

	apart     []cell    // by column: where the winner's value stands, if elsewhere has the column
	elsewhere columnSet // columns whose value is not that of the winner's row
	guessed   columnSet // columns that no version so far was asked for
	unasked   columnSet // columns that the newest version was not asked for

	old       bool // the old file has the key, in this row
	before    *batch
	beforeRow int

	kept     []*batch // retained: their cursors have left them behind
	incoming int64
	windows  []int
}

// cell is where one value stands: a row of a batch.
type cell struct {
	b   *batch
	row int
}

// at is where the winner's value of a column stands.
func (g *group) at(c int) cell {
	if g.elsewhere.has(c) {
		return g.apart[c]
	}
	return cell{g.win, g.row}
}

// same compares the winner with a row in the columns given, but for those that the
// row was not asked for.
func (g *group) same(b *batch, row int, columns []int, unasked columnSet) bool {
	for _, c := range columns {
		if unasked.has(c) {
			continue
		}
		if at := g.at(c); !column.Equal(at.b.rec.Column(c), at.row, b.rec.Column(c), row) {
			return false
		}
	}
	return true
}

// choose makes a row the winner. What it was not asked for it has from the winner
// before it, if that holds a value.
func (g *group) choose(b *batch, row int, isOld bool, unasked columnSet) {
	if g.win == nil {
		g.guessed = unasked
	} else {
		g.compose(unasked)
	}
	g.win, g.row, g.winIsOld = b, row, isOld
	g.sweep()
}

// compose notes where the values of columns stand that are to outlive the winner.
func (g *group) compose(unasked columnSet) {
	outlive := columnSet(0)
	for c := range unasked.each() {
		at := g.at(c)
		if at.b.rec.Column(c).IsNull(at.row) {
			continue
		}
		for len(g.apart) <= c {
			g.apart = append(g.apart, cell{})
		}
		g.apart[c] = at
		outlive |= columnOf(c)
	}
	g.elsewhere = outlive
}

// present is the set of the columns in which the winner is not null.
func (g *group) present() columnSet { return g.win.present(g.row) | g.elsewhere }

// holds reports whether a value of the group stands in b.
func (g *group) holds(b *batch) bool {
	if g.win == b || g.before == b {
		return true
	}
	for c := range g.elsewhere.each() {
		if g.apart[c].b == b {
			return true
		}
	}
	return false
}

// keep holds on to b if a value of the group stands in it.
func (g *group) keep(b *batch) {
	if g.holds(b) && !slices.Contains(g.kept, b) {
		b.rec.Retain()
		g.kept = append(g.kept, b)
	}
}

// sweep lets go of the batches in which nothing of the group stands any more.
func (g *group) sweep() {
	if len(g.kept) == 0 {
		return
	}
	g.kept = slices.DeleteFunc(g.kept, func(b *batch) bool {
		if g.holds(b) {
			return false
		}
		b.rec.Release()
		return true
	})
}

// clear is called once or more for each key: it leaves alone what costs to reset and
// is never looked at.
func (g *group) clear() {
	if len(g.kept) > 0 {
		g.win, g.before, g.elsewhere = nil, nil, 0
		g.sweep()
	}
	g.win, g.winIsOld, g.old, g.before = nil, false, false, nil
	g.elsewhere, g.guessed, g.unasked = 0, 0, 0
	g.incoming, g.windows = 0, g.windows[:0]
}
