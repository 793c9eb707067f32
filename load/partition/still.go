package partition

import (
	"nightjar/load/column"
	"nightjar/load/parquetfile"
)

// still is what is known of an old row group while its keys stand as they were, all of
// them, and no others: as long, its rows are listed whole. It may turn out that none has
// changed, or which columns hold other values.
type still struct {
	batch    *batch    // of the row group; nil where there is none, or its keys have changed
	passed   int       // rows that stand as they were, before the first that does not
	replaced bool      // some rows do not: all so far are listed
	altered  columnSet // columns in which they differ
}

func (s *still) release() {
	if s.batch != nil {
		s.batch.rec.Release()
	}
	*s = still{}
}

// hold begins with the rows of an old row group, where a new one begins too.
func (w *partitionWriter) hold(b *batch) {
	b.rec.Retain()
	w.still = still{batch: b}
}

// endRegion ends with the old row group, and does what is cheapest if its keys stand.
func (w *partitionWriter) endRegion(group int) error {
	s := w.still
	defer s.release()
	w.still = still{}
	switch {
	case s.batch == nil:
		return nil
	case !s.replaced:
		return w.pass(group)
	}
	if err := w.merge.stop(); err != nil {
		return err
	}
	rows, err := w.taken()
	w.jobs <- job{copy: group, rows: rows, altered: s.altered}
	return err
}

// taken takes the rows listed, of which what is new or changed goes to the delta.
func (w *partitionWriter) taken() (picks, error) {
	rows := w.rows.take()
	var err error
	if len(w.delta) > 0 {
		err = w.merge.addDelta(rows.only(w.delta))
		w.delta = w.delta[:0]
	}
	return rows, err
}

// add lists the winner of a group.
func (w *partitionWriter) add(g *group, changed bool) error {
	s := &w.still
	switch {
	case s.batch == nil:
	case !changed && !s.replaced:
		s.passed++
		return nil
	case !changed:
		w.list(g.win, g.row, nil, false)
		return nil
	case g.old:
		return w.replace(g)
	}
	if changed {
		if err := w.change(); err != nil {
			return err
		}
	}
	return w.put(g.win, g.row, g, changed)
}

// replace lists the winner of a group in the place of its old row.
func (w *partitionWriter) replace(g *group) error {
	if err := w.ensure(); err != nil {
		return err
	}
	s := &w.still
	if !s.replaced {
		s.replaced = true
		for row := range s.passed {
			w.list(s.batch, row, nil, false)
		}
	}
	w.list(g.win, g.row, g, true)
	l := &w.merge.stage.layout
	if l.page >= 0 {
		s.altered |= columnOf(l.page)
	}
	for c := range w.merge.stage.tables.NumFields() {
		if s.altered.has(c) {
			continue
		}
		if at := g.at(c); !column.Equal(at.b.rec.Column(c), at.row, g.before.rec.Column(c), g.beforeRow) {
			s.altered |= columnOf(c)
		}
	}
	return nil
}

// change says that rows come in or leave, and lists those of the old row group so far as
// any others.
func (w *partitionWriter) change() error {
	if err := w.ensure(); err != nil {
		return err
	}
	s := w.still
	if s.batch == nil {
		return nil
	}
	w.still = still{}
	defer s.release()
	if !s.replaced {
		for row := range s.passed {
			if err := w.put(s.batch, row, nil, false); err != nil {
				return err
			}
		}
		return nil
	}
	rows, err := w.taken()
	if err != nil {
		rows.release()
		return err
	}
	return w.putAll(rows)
}

// putAll lists rows again, which it takes over.
func (w *partitionWriter) putAll(rows picks) error {
	from := 0
	for i, at := range rows.rows {
		ends := w.note(rows.batches[at.Slot], int(at.Row))
		if !ends && i+1-from < listRows {
			continue
		}
		some := rows.slice(from, i+1)
		some.retain()
		if err := w.send(some, ends); err != nil {
			rows.release()
			return err
		}
		from = i + 1
	}
	w.rows.resume(rows.slice(from, len(rows.rows)))
	return nil
}

// ensure begins the file, if it is not.
func (w *partitionWriter) ensure() error {
	w.changed = true
	if w.jobs != nil {
		return nil
	}
	return w.begin()
}

// lists are the rows cut to lists as they are encoded one by one.
func (p picks) lists() []parquetfile.Rows {
	var all []parquetfile.Rows
	for from := 0; from < len(p.rows); from += listRows {
		all = append(all, p.slice(from, min(from+listRows, len(p.rows))))
	}
	return all
}
