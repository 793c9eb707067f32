package partition

import (
	"slices"

	"nightjar/load"
	"nightjar/load/keyfile"
	"nightjar/load/parquetfile"
)

// job is a part of the file: some rows, up to listRows, or a row group of the old file, as
// it is or with other values.
type job struct {
	rows    picks
	ends    *groupKeys // of the row group that ends with the rows; nil where it goes on
	copy    int        // row group of the old file; -1 for none
	altered columnSet  // columns in which the rows differ from those of that row group
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
		if j.altered == 0 {
			return e.out.Copy(e.writer.old.source, j.copy)
		}
		return e.out.Rewrite(e.writer.old.source, j.copy, slices.Collect(j.altered.each()), j.rows.lists()...)
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
	keys, err := keyfile.Write(e.writer.files.Keys, e.groups)
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
