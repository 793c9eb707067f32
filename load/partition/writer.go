package partition

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/parquetfile"
)

// partitionWriter lists winners and has them encoded by a goroutine of its own, so
// that merging and encoding share the cores.
type partitionWriter struct {
	merge *merge
	part  Partition
	rows  picker
	delta []int32 // of the rows under way: what is new or changed

	lists  chan picks    // up to listRows rows each
	keep   bool          // set before lists is closed: the file is wanted
	done   chan struct{} // closed when result and err are final
	result Result
	err    error
}

func newPartitionWriter(path string, p Partition, m *merge) (*partitionWriter, error) {
	out, err := parquetfile.Create(path, m.stage.table, m.stage.mem)
	if err != nil {
		return nil, err
	}
	w := &partitionWriter{merge: m, part: p, lists: make(chan picks, 1), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		defer func() { <-m.encoders }()
		w.result, w.err = w.encode(out)
	}()
	return w, nil
}

func (w *partitionWriter) add(g *group, changed bool) error {
	w.rows.add(g.win, g.row)
	if g.elsewhere != 0 {
		w.addApart(g)
	}
	last := w.rows.Len() - 1
	if changed && w.merge.plan.Delta != "" {
		w.delta = append(w.delta, int32(last))
	}
	if last+1 == listRows {
		return w.flush()
	}
	return nil
}

// addApart takes the values of the row added last from where they stand.
func (w *partitionWriter) addApart(g *group) {
	for c := range g.elsewhere.each() {
		w.rows.instead(c, g.apart[c].b, g.apart[c].row)
	}
}

// flush hands the rows under way to the encoder.
func (w *partitionWriter) flush() error {
	if w.rows.Len() == 0 {
		return nil
	}
	if err := w.merge.stop(); err != nil {
		return err
	}
	rows := w.rows.take()
	var err error
	if len(w.delta) > 0 {
		err = w.merge.addDelta(rows.only(w.delta))
		w.delta = w.delta[:0]
	}
	w.lists <- rows
	return err
}

// end tells the encoder that no more rows come, and whether the file is wanted.
func (w *partitionWriter) end(keep bool) {
	w.rows.take().release()
	w.keep = keep
	close(w.lists)
}

func (w *partitionWriter) wait() (Result, error) {
	<-w.done
	return w.result, w.err
}

// encode writes the rows. A file that is not wanted, or has no row, is removed. It
// takes every list, also after an error: the merge waits for it.
func (w *partitionWriter) encode(out *parquetfile.Writer) (result Result, err error) {
	defer load.Catch(&err)
	result = Result{Partition: w.part}
	var failed error
	for rows := range w.lists {
		if failed == nil {
			failed = w.encodeList(out, rows, &result)
		}
		rows.release()
	}
	if failed != nil || !w.keep || result.Rows == 0 {
		if err := out.Abandon(); failed == nil {
			failed = err
		}
		return Result{Partition: w.part, Changed: w.keep}, failed
	}
	file, err := out.Close()
	if err != nil {
		return Result{}, err
	}
	result.Path, result.Changed, result.Bytes, result.SHA256 = file.Path, true, file.Bytes, file.SHA256
	return result, nil
}

// encodeList writes one list of rows and counts them in result.
func (w *partitionWriter) encodeList(out *parquetfile.Writer, rows picks, result *Result) (err error) {
	defer load.Catch(&err)
	key := w.merge.stage.layout.key
	if result.Rows == 0 {
		result.MinKey = rows.readableKey(key, 0)
	}
	result.MaxKey = rows.readableKey(key, rows.Len()-1)
	result.Rows += int64(rows.Len())
	return out.Write(rows)
}

// WriteEmpty writes the Parquet file of a partition of t that has no row: its columns
// are there for whoever reads the table.
func WriteEmpty(path string, t load.Table) (Result, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Result{}, fmt.Errorf("create parquet file: %w", err)
	}
	w, err := parquetfile.Create(path, t, memory.DefaultAllocator)
	if err != nil {
		return Result{}, err
	}
	file, err := w.Close()
	if err != nil {
		return Result{}, err
	}
	return Result{Path: path, Bytes: file.Bytes, SHA256: file.SHA256, Changed: true}, nil
}
