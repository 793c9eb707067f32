package partition

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

// stored reads columns of a table from a partition file, which has those of the
// version that wrote it. A column is the one with its field id, whatever its name and
// place were; one that the file lacks is null.
type stored struct {
	path    string
	pf      *file.Reader
	records pqarrow.RecordReader
	columns []arrow.Field // as the table has them
	at      []int         // of each, where it stands in a record; -1: the file lacks it
	mem     memory.Allocator
}

// openStored opens a file to read up to rows rows at a time; zero is a row group.
func openStored(path string, columns []arrow.Field, rows int64) (*stored, error) {
	// The delta decoders of arrow v17 never release their last block: what is read
	// here lives in memory that the garbage collector sees to.
	s := &stored{path: path, columns: columns, mem: memory.DefaultAllocator}
	var err error
	if s.pf, err = file.OpenParquetFile(path, false, file.WithReadProps(parquet.NewReaderProperties(s.mem))); err != nil {
		return nil, fmt.Errorf("open partition %s: %w", path, err)
	}
	if err := s.begin(rows); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stored) begin(rows int64) error {
	if rows == 0 {
		rows = max(1, min(s.pf.NumRows(), rowGroupRows))
	}
	reader, err := pqarrow.NewFileReader(s.pf, pqarrow.ArrowReadProperties{BatchSize: rows}, s.mem)
	if err != nil {
		return fmt.Errorf("open partition %s: %w", s.path, err)
	}
	leaves, err := s.find()
	if err != nil {
		return err
	}
	if s.records, err = reader.GetRecordReader(context.Background(), leaves, nil); err != nil {
		return fmt.Errorf("read partition %s: %w", s.path, err)
	}
	for i, f := range s.columns {
		if s.at[i] < 0 {
			continue
		}
		if had := s.records.Schema().Field(s.at[i]); !arrow.TypeEqual(had.Type, f.Type) {
			return fmt.Errorf("column %s was written as %s and is %s now: `etl replay` makes the table anew (%s)", f.Name, had.Type, f.Type, s.path)
		}
	}
	return nil
}

// find tells which leaves of the file are the columns, ascending, as they are read.
func (s *stored) find() ([]int, error) {
	leaf := make([]int, len(s.columns))
	var leaves []int
	for i, f := range s.columns {
		if leaf[i] = s.leaf(f); leaf[i] >= 0 {
			leaves = append(leaves, leaf[i])
		} else if !f.Nullable {
			return nil, fmt.Errorf("column %s is not in what was written, and no row may be without it: `etl replay` makes the table anew (%s)", f.Name, s.path)
		}
	}
	slices.Sort(leaves)
	for _, l := range leaf {
		s.at = append(s.at, slices.Index(leaves, l))
	}
	return leaves, nil
}

// leaf is the place of the column's values in the file, -1 for none. A column that has
// no field id goes by its name.
func (s *stored) leaf(f arrow.Field) int {
	all, id := s.pf.MetaData().Schema, fieldID(f)
	for i := range all.NumColumns() {
		if root := all.ColumnRoot(i); id >= 0 && root.FieldID() == id || id < 0 && root.Name() == f.Name {
			return i
		}
	}
	return -1
}

// read returns the next rows, the columns in their order, for the caller to release;
// io.EOF at the end.
func (s *stored) read() (arrow.Record, error) {
	stands, err := s.records.Read()
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("read partition %s: %w", s.path, err)
	}
	columns := make([]arrow.Array, len(s.columns))
	for i, f := range s.columns {
		if at := s.at[i]; at >= 0 {
			columns[i] = stands.Column(at)
			columns[i].Retain()
			continue
		}
		nulls := array.NewBuilder(s.mem, f.Type)
		nulls.AppendNulls(int(stands.NumRows()))
		columns[i] = nulls.NewArray()
		nulls.Release()
	}
	rec := array.NewRecord(arrow.NewSchema(s.columns, nil), columns, stands.NumRows())
	for _, c := range columns {
		c.Release()
	}
	return rec, nil
}

func (s *stored) close() {
	if s.records != nil {
		s.records.Release()
	}
	s.pf.Close()
}
