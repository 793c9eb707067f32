package partition

import (
	"os"
	"path/filepath"

	"nightjar/load"
	"nightjar/load/keyfile"
	"nightjar/load/parquetfile"
)

// partitionWriter lists the rows of a partition's new file, and has them encoded by a
// goroutine of its own, so that merging and encoding share the cores. The file is begun
// with the first change: until then the row groups passed are those of the old file.
type partitionWriter struct {
	merge *merge
	part  Partition
	path  string
	old   *oldFile // nil: there is none
	rows  picker
	delta []int32   // of the rows under way: what is new or changed
	group groupKeys // of the row group under way

	waiting *batch // an old row group that stands as it was so far, up to the row passed
	passed  int
	behind  int // row groups of the old file that stand as they were, before the file is begun
	changed bool

	jobs   chan job      // nil until the file is begun
	keep   bool          // set before jobs is closed: the file is wanted
	done   chan struct{} // closed when result and err are final
	result Result
	err    error
}

// job is a part of the file: some rows, up to listRows, or a row group of the old file.
type job struct {
	rows picks
	ends *groupKeys // of the row group that ends with the rows; nil where it goes on
	copy int        // row group of the old file; -1 for none
}

// atCut reports whether a row group begins with the next row.
func (w *partitionWriter) atCut() bool { return len(w.group.keys) == 0 }

// begin begins the file with what was passed of the old one.
func (w *partitionWriter) begin() error {
	if err := os.MkdirAll(filepath.Dir(w.path), 0o700); err != nil {
		return err
	}
	w.merge.encoders <- struct{}{}
	out, err := parquetfile.Create(w.path, w.merge.stage.table, w.merge.stage.mem)
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

// hold holds back the rows of an old row group for as long as they stand as they were.
func (w *partitionWriter) hold(b *batch) {
	b.rec.Retain()
	w.waiting, w.passed = b, 0
}

// still reports whether all of the row group was held back, of which the end has come.
func (w *partitionWriter) still() bool {
	if w.waiting == nil {
		return false
	}
	w.waiting.rec.Release()
	w.waiting = nil
	return true
}

// change says that the file is no longer what it was, and lists the rows held back.
func (w *partitionWriter) change() error {
	w.changed = true
	if w.jobs == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	if w.waiting == nil {
		return nil
	}
	b := w.waiting
	w.waiting = nil
	defer b.rec.Release()
	for row := range w.passed {
		if err := w.put(b, row, nil, false); err != nil {
			return err
		}
	}
	return nil
}

// add lists the winner of a group.
func (w *partitionWriter) add(g *group, changed bool) error {
	if changed {
		if err := w.change(); err != nil {
			return err
		}
	}
	if w.waiting != nil {
		w.passed++
		return nil
	}
	return w.put(g.win, g.row, g, changed)
}

// put lists a row, of which g may have values that stand elsewhere.
func (w *partitionWriter) put(b *batch, row int, g *group, changed bool) error {
	w.rows.add(b, row)
	if g != nil && g.elsewhere != 0 {
		for c := range g.elsewhere.each() {
			w.rows.instead(c, g.apart[c].b, g.apart[c].row)
		}
	}
	last := w.rows.Len() - 1
	if changed && w.merge.plan.Delta != "" {
		w.delta = append(w.delta, int32(last))
	}
	l := &w.merge.stage.layout
	hash := w.group.add(b.slots[row], b.keys.Value(row), l.nested)
	if l.cuts.after(len(w.group.keys), hash) {
		return w.flush(true)
	}
	if last+1 == listRows {
		return w.flush(false)
	}
	return nil
}

// flush hands the rows under way to the encoder, and whether a row group ends with them.
func (w *partitionWriter) flush(ends bool) error {
	if w.rows.Len() == 0 && !ends {
		return nil
	}
	if err := w.merge.stop(); err != nil {
		return err
	}
	j := job{copy: -1}
	if n := w.rows.Len(); n > 0 {
		at := w.rows.rows[n-1]
		b := w.rows.batches[at.Slot]
		w.group.end(b.slots[at.Row], b.keys.Value(int(at.Row)))
	}
	j.rows = w.rows.take()
	var err error
	if len(w.delta) > 0 {
		err = w.merge.addDelta(j.rows.only(w.delta))
		w.delta = w.delta[:0]
	}
	if ends {
		group := w.group
		j.ends, w.group = &group, groupKeys{}
	}
	w.jobs <- j
	return err
}

// end ends the last row group, tells the encoder that nothing more comes, and whether
// the file is wanted.
func (w *partitionWriter) end(err error) error {
	w.still()
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

// encode does the jobs. A file that is not wanted, or has no row, is removed. It takes
// every job, also after an error: the merge waits for it.
func (w *partitionWriter) encode(out *parquetfile.Writer) (result Result, err error) {
	defer load.Catch(&err)
	defer w.old.close()
	e := encoding{writer: w, out: out}
	var failed error
	for j := range w.jobs {
		if failed == nil {
			failed = e.do(j)
		}
		j.rows.release()
	}
	if failed != nil || !w.keep || len(e.groups) == 0 {
		if err := out.Abandon(); failed == nil {
			failed = err
		}
		return Result{Partition: w.part, Changed: w.keep}, failed
	}
	return e.close()
}

// encoding is the new file as far as it is written.
type encoding struct {
	writer *partitionWriter
	out    *parquetfile.Writer
	keys   keyfile.Builder
	groups []keyfile.Group
}

func (e *encoding) do(j job) (err error) {
	defer load.Catch(&err)
	if j.copy >= 0 {
		e.groups = append(e.groups, e.writer.old.groups[j.copy])
		return e.writer.old.copy(j.copy, e.out)
	}
	if j.rows.Len() > 0 {
		if err := e.out.Write(j.rows); err != nil {
			return err
		}
	}
	if j.ends == nil {
		return nil
	}
	group, err := j.ends.group(&e.keys, e.writer.merge.stage.layout.nested)
	if err != nil {
		return err
	}
	e.groups = append(e.groups, group)
	return e.out.EndGroup()
}

// close finishes the file, and writes the one of its keys.
func (e *encoding) close() (Result, error) {
	file, err := e.out.Close()
	if err != nil {
		return Result{}, err
	}
	keys, err := keyfile.Write(filepath.Join(filepath.Dir(file.Path), keyfile.Name), e.groups)
	if err != nil {
		return Result{}, err
	}
	l, last := &e.writer.merge.stage.layout, len(e.groups)-1
	result := Result{
		Partition: e.writer.part, Changed: true, Path: file.Path, Bytes: file.Bytes, SHA256: file.SHA256, Keys: keys,
		MinKey: l.readable(e.groups[0].First.Key), MaxKey: l.readable(e.groups[last].Last.Key),
	}
	for _, g := range e.groups {
		result.Rows += g.Rows
	}
	return result, nil
}
