package transform

import (
	"iter"
	"slices"
)

// names is a list of keys, copied one after another.
type names struct {
	text []byte
	ends []int
}

func (n *names) add(name []byte) {
	n.text = append(n.text, name...)
	n.ends = append(n.ends, len(n.text))
}

func (n *names) dropLast() {
	n.ends = n.ends[:len(n.ends)-1]
	start := 0
	if len(n.ends) > 0 {
		start = n.ends[len(n.ends)-1]
	}
	n.text = n.text[:start]
}

// all yields the keys; each is good until the next page is decoded.
func (n *names) all(yield func([]byte) bool) {
	start := 0
	for _, end := range n.ends {
		if !yield(n.text[start:end]) {
			return
		}
		start = end
	}
}

func (n *names) clear() { n.text, n.ends = n.text[:0], n.ends[:0] }

// Looks hands over, for each table whose rows are nested in records of another, which
// of those records the page that was decoded last shows with all their rows: a row
// that is not among them is gone. The first error of yield ends it.
func (r *Rows) Looks(yield func(t Table, parents iter.Seq[[]byte]) error) error {
	for _, s := range r.sheets {
		if len(s.looks.ends) == 0 {
			continue
		}
		if err := yield(s.table, s.looks.all); err != nil {
			return err
		}
	}
	return nil
}

// look is a record whose nested rows are being read.
type look struct {
	at       *names // that the record's key is last in; nil where the page may not show all
	rejected int    // nested rows before
}

// beginLook turns to the rows of a table that are nested in the record just appended.
// Whole says that the answer could show them all.
func (d *decoder) beginLook(table int, whole bool) look {
	s := d.rows.sheets[table]
	if !whole || slices.ContainsFunc(d.page.Gaps, func(g Gap) bool { return g.Table == s.table.Full() && g.Column == "" }) {
		return look{}
	}
	s.looks.add(d.key)
	return look{&s.looks, d.rows.rejected.Nested}
}

// endLook takes back the look where one of the rows was rejected: it may be one that
// is known.
func (d *decoder) endLook(l look) {
	if l.at != nil && d.rows.rejected.Nested != l.rejected {
		l.at.dropLast()
	}
}
