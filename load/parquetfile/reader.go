package parquetfile

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// Reader reads columns of a table from a partition file, which has those of the
// version that wrote it. A column is the one with its field id, whatever its name and
// place were; one that the file lacks is null.
type Reader struct {
	path    string
	pf      *file.Reader
	records pqarrow.RecordReader
	columns []arrow.Field // as the table has them
	at      []int         // of each, where it stands in a record; -1: the file lacks it
	mem     memory.Allocator
}

// Open opens a file to read up to rows rows at a time; zero is a row group. Where a
// read ends within a page, arrow's delta decoder loses its place in a column that may
// be null: such columns are read by row groups.
func Open(path string, columns []arrow.Field, rows int64) (*Reader, error) {
	// The delta decoders of arrow v17 never release their last block: what is read
	// here lives in memory that the garbage collector sees to.
	r := &Reader{path: path, columns: columns, mem: memory.DefaultAllocator}
	var err error
	if r.pf, err = file.OpenParquetFile(path, false, file.WithReadProps(parquet.NewReaderProperties(r.mem))); err != nil {
		return nil, fmt.Errorf("open partition %s: %w", path, err)
	}
	if err := r.begin(rows); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) begin(rows int64) error {
	if rows == 0 {
		rows = max(1, min(r.pf.NumRows(), RowGroupRows))
	}
	reader, err := pqarrow.NewFileReader(r.pf, pqarrow.ArrowReadProperties{BatchSize: rows}, r.mem)
	if err != nil {
		return fmt.Errorf("open partition %s: %w", r.path, err)
	}
	leaves, err := r.find()
	if err != nil {
		return err
	}
	if r.records, err = reader.GetRecordReader(context.Background(), leaves, nil); err != nil {
		return fmt.Errorf("read partition %s: %w", r.path, err)
	}
	for i, f := range r.columns {
		if r.at[i] < 0 {
			continue
		}
		if had := r.records.Schema().Field(r.at[i]); !arrow.TypeEqual(had.Type, f.Type) {
			return fmt.Errorf("column %s was written as %s and is %s now: `etl replay` makes the table anew (%s)", f.Name, had.Type, f.Type, r.path)
		}
	}
	return nil
}

// find tells which leaves of the file are the columns, ascending, as they are read.
func (r *Reader) find() ([]int, error) {
	leaf := make([]int, len(r.columns))
	var leaves []int
	for i, f := range r.columns {
		if leaf[i] = r.leaf(f); leaf[i] >= 0 {
			leaves = append(leaves, leaf[i])
		} else if !f.Nullable {
			return nil, fmt.Errorf("column %s is not in what was written, and no row may be without it: `etl replay` makes the table anew (%s)", f.Name, r.path)
		}
	}
	slices.Sort(leaves)
	for _, l := range leaf {
		r.at = append(r.at, slices.Index(leaves, l))
	}
	return leaves, nil
}

// leaf is the place of the column's values in the file, -1 for none. A column that has
// no field id goes by its name.
func (r *Reader) leaf(f arrow.Field) int {
	all, id := r.pf.MetaData().Schema, fieldID(f)
	for i := range all.NumColumns() {
		if root := all.ColumnRoot(i); id >= 0 && root.FieldID() == id || id < 0 && root.Name() == f.Name {
			return i
		}
	}
	return -1
}

// Read returns the next rows, the columns in their order, for the caller to release;
// io.EOF at the end.
func (r *Reader) Read() (arrow.Record, error) {
	stands, err := r.records.Read()
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("read partition %s: %w", r.path, err)
	}
	columns := make([]arrow.Array, len(r.columns))
	for i, f := range r.columns {
		if at := r.at[i]; at >= 0 {
			columns[i] = stands.Column(at)
			columns[i].Retain()
			continue
		}
		nulls := array.NewBuilder(r.mem, f.Type)
		nulls.AppendNulls(int(stands.NumRows()))
		columns[i] = nulls.NewArray()
		nulls.Release()
	}
	rec := array.NewRecord(arrow.NewSchema(r.columns, nil), columns, stands.NumRows())
	for _, c := range columns {
		c.Release()
	}
	return rec, nil
}

// Close lets go of the file, at the end of it or before.
func (r *Reader) Close() {
	if r.records != nil {
		r.records.Release()
	}
	r.pf.Close()
}
