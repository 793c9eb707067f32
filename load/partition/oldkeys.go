package partition

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// keyRows is how many keys of a file are read at a time.
const keyRows = 8192

// oldKey is the key of a row of a partition file.
type oldKey struct {
	key    string
	parent string // empty where its first column is no text
	page   string // empty where it is not asked for
}

// eachKey reads the keys of a partition file, and their pages where they are asked
// for. What it passes is good until the visit returns.
func (l *layout) eachKey(path string, pages bool, visit func(oldKey) error) error {
	mem := memory.DefaultAllocator // see openTable
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("open partition %s: %w", path, err)
	}
	defer pf.Close()
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: keyRows}, mem)
	if err != nil {
		return fmt.Errorf("open partition %s: %w", path, err)
	}
	schema, err := reader.Schema()
	if err != nil {
		return fmt.Errorf("open partition %s: %w", path, err)
	}
	columns := slices.Clone(l.key)
	if pages {
		columns = append(columns, l.page)
	}
	slices.Sort(columns)
	leaves := make([]int, len(columns))
	for i, c := range columns {
		if c >= schema.NumFields() || schema.Field(c).Name != l.staged.Field(c).Name {
			return fmt.Errorf("partition %s was written with other columns; rebuild with replay", path)
		}
		leaves[i] = pf.MetaData().Schema.ColumnIndexByName(schema.Field(c).Name)
	}
	records, err := reader.GetRecordReader(context.Background(), leaves, nil)
	if err != nil {
		return fmt.Errorf("read partition %s: %w", path, err)
	}
	defer records.Release()
	key := make([]int, len(l.key))
	for i, c := range l.key {
		key[i] = slices.Index(columns, c)
	}
	at := slices.Index(columns, l.page)
	for {
		rec, err := records.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read partition %s: %w", path, err)
		}
		keys := sortKeys(rec, key)
		parents, _ := rec.Column(key[0]).(*array.String)
		for i := range keys.Len() {
			k := oldKey{key: keys.Value(i)}
			if parents != nil {
				k.parent = parents.Value(i)
			}
			if pages {
				k.page = rec.Column(at).(*array.String).Value(i)
			}
			if err := visit(k); err != nil {
				return err
			}
		}
	}
}
