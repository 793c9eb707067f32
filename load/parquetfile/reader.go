package parquetfile

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// Reader reads columns of a table from a partition file, which has those of the
// version that wrote it. A column is the one with its field id, whatever its name and
// place were; one that the file lacks is null.
type Reader struct {
	from     *Source
	own      bool // nobody else closes from
	file     *pqarrow.FileReader
	records  pqarrow.RecordReader // of a row group
	next, to int                  // row groups to come
	columns  []arrow.Field        // as the table has them
	leaves   []int                // of the file, that are read
	at       []int                // of each column, where it stands in a record; -1: the file lacks it
}

// Open opens a file to read up to rows rows at a time; zero is a row group. Where a
// read ends within a page, arrow's delta decoder loses its place in a column that may
// be null: such columns are read by row groups.
func Open(path string, columns []arrow.Field, rows int64) (*Reader, error) {
	from, err := OpenSource(path)
	if err != nil {
		return nil, err
	}
	r, err := from.Read(columns, rows, 0, from.Groups())
	if err != nil {
		from.Close()
		return nil, err
	}
	r.own = true
	return r, nil
}

// Read reads columns of the row groups from one up to another, as Open does.
func (s *Source) Read(columns []arrow.Field, rows int64, from, to int) (*Reader, error) {
	r := &Reader{from: s, columns: columns, next: from, to: to}
	if rows == 0 {
		rows = 1
		for g := from; g < to; g++ {
			rows = max(rows, s.Rows(g))
		}
	}
	var err error
	if r.file, err = pqarrow.NewFileReader(s.pf, pqarrow.ArrowReadProperties{BatchSize: rows}, s.mem); err != nil {
		return nil, fmt.Errorf("open partition %s: %w", s.path, err)
	}
	if r.leaves, err = r.find(); err != nil {
		return nil, err
	}
	if err := r.begin(); err != nil {
		return nil, err
	}
	for i, f := range r.columns {
		if r.at[i] < 0 {
			continue
		}
		if had := r.records.Schema().Field(r.at[i]); !arrow.TypeEqual(had.Type, f.Type) {
			r.Close()
			return nil, fmt.Errorf("column %s was written as %s and is %s now: `etl replay` makes the table anew (%s)", f.Name, had.Type, f.Type, s.path)
		}
	}
	return r, nil
}

// begin begins with the next row group, or with none. A record is of one row group:
// where it ends within the next, so may a page.
func (r *Reader) begin() (err error) {
	groups := []int{}
	if r.next < r.to {
		groups = append(groups, r.next)
		r.next++
	}
	if r.records, err = r.file.GetRecordReader(context.Background(), r.leaves, groups); err != nil {
		return fmt.Errorf("read partition %s: %w", r.from.path, err)
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
			return nil, fmt.Errorf("column %s is not in what was written, and no row may be without it: `etl replay` makes the table anew (%s)", f.Name, r.from.path)
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
	all, id := r.from.pf.MetaData().Schema, fieldID(f)
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
	for err == io.EOF && r.next < r.to {
		r.records.Release()
		r.records = nil
		if err := r.begin(); err != nil {
			return nil, err
		}
		stands, err = r.records.Read()
	}
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("read partition %s: %w", r.from.path, err)
	}
	columns := make([]arrow.Array, len(r.columns))
	for i, f := range r.columns {
		if at := r.at[i]; at >= 0 {
			columns[i] = stands.Column(at)
			columns[i].Retain()
			continue
		}
		nulls := array.NewBuilder(r.from.mem, f.Type)
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

// Close lets go of the file, at the end of it or before; not of one that was opened by
// OpenSource.
func (r *Reader) Close() {
	if r.records != nil {
		r.records.Release()
	}
	if r.own {
		r.from.Close()
	}
}
