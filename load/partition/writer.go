package partition

import (
	"os"
	"path/filepath"

	"nightjar/load/parquetfile"
)

// partitionWriter lists the rows of a partition's new file, and has them encoded by a
// goroutine of its own, so that merging and encoding share the cores. The file is begun
// with the first change: until then the row groups passed are those of the old file.
type partitionWriter struct {
	merge *merge
	part  Partition
	files Files
	old   *oldFile // nil: there is none
	rows  picker
	delta []int32   // of the rows under way: what is new or changed
	group groupKeys // of the row group under way

	still   still // of the old row group under way
	behind  int   // row groups of the old file that stand as they were, before the file is begun
	changed bool

	jobs   chan job      // nil until the file is begun
	keep   bool          // set before jobs is closed: the file is wanted
	done   chan struct{} // closed when result and err are final
	result Result
	err    error
}

// atCut reports whether a row group begins with the next row.
func (w *partitionWriter) atCut() bool { return len(w.group.keys) == 0 }

// begin begins the file with what was passed of the old one.
func (w *partitionWriter) begin() error {
	for _, path := range []string{w.files.Path, w.files.Keys} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	}
	w.merge.encoders <- struct{}{}
	out, err := parquetfile.Create(w.files.Path, w.merge.stage.table, w.merge.stage.mem)
	if err != nil {
		<-w.merge.encoders
		return err
	}
	w.jobs, w.done = make(chan job, 1), make(chan struct{})
	go func() {
		defer close(w.done)
		defer func() { <-w.merge.encoders }()
		w.result, w.err = w.encode(out)
	}()
	for i := range w.behind {
		w.jobs <- job{copy: i}
	}
	return nil
}

// pass says that an old row group stands as it was, byte for byte. The new file is at a
// cut.
func (w *partitionWriter) pass(group int) error {
	if w.jobs == nil {
		w.behind++
		return nil
	}
	if err := w.merge.stop(); err != nil {
		return err
	}
	w.jobs <- job{copy: group}
	return nil
}

// put lists a row, of which g may have values that stand elsewhere, and hands over what is
// listed where a row group ends with it.
func (w *partitionWriter) put(b *batch, row int, g *group, changed bool) error {
	w.list(b, row, g, changed)
	if w.note(b, row) {
		return w.flush(true)
	}
	if w.rows.Len() == listRows {
		return w.flush(false)
	}
	return nil
}

func (w *partitionWriter) list(b *batch, row int, g *group, changed bool) {
	w.rows.add(b, row)
	if g != nil {
		for c := range g.elsewhere.each() {
			w.rows.instead(c, g.apart[c].b, g.apart[c].row)
		}
	}
	if changed && w.merge.plan.Delta != "" {
		w.delta = append(w.delta, int32(w.rows.Len()-1))
	}
}

// note notes the key of a row, and reports whether a row group ends with it.
func (w *partitionWriter) note(b *batch, row int) bool {
	l := &w.merge.stage.layout
	hash := w.group.add(b.slots[row], b.keys.Value(row), l.nested)
	return l.cuts.after(len(w.group.keys), hash)
}

// flush hands the rows under way to the encoder, and whether a row group ends with them.
func (w *partitionWriter) flush(ends bool) error {
	rows, err := w.taken()
	if err != nil {
		rows.release()
		return err
	}
	return w.send(rows, ends)
}

// send hands rows to the encoder, which releases them.
func (w *partitionWriter) send(rows picks, ends bool) error {
	if err := w.merge.stop(); err != nil {
		rows.release()
		return err
	}
	if n := rows.Len(); n > 0 {
		at := rows.rows[n-1]
		b := rows.batches[at.Slot]
		w.group.end(b.slots[at.Row], b.keys.Value(int(at.Row)))
	}
	j := job{copy: -1, rows: rows}
	if ends {
		group := w.group
		j.ends, w.group = &group, groupKeys{}
	}
	w.jobs <- j
	return nil
}

// end ends the last row group, tells the encoder that nothing more comes, and whether
// the file is wanted.
func (w *partitionWriter) end(err error) error {
	w.still.release()
	if err == nil && w.jobs != nil && !w.atCut() {
		err = w.flush(true)
	}
	w.rows.take().release()
	if w.jobs != nil {
		w.keep = err == nil && w.changed
		close(w.jobs)
	}
	return err
}

func (w *partitionWriter) wait() (Result, error) {
	if w.jobs == nil {
		w.old.close()
		return Result{Partition: w.part}, nil
	}
	<-w.done
	return w.result, w.err
}
