package parquetfile

import (
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// flags are the values of a column of booleans in the row group under way. Arrow's
// encoder is handed them together: the bits with which it fills up the last byte are
// others where they come in parts.
type flags struct {
	values      []bool
	definitions []int16
}

// add notes the rows of a column, of which top is the definition level of a value.
func (f *flags) add(l *leaf, c Column, top int16) {
	l.definitions, l.rows = f.definitions, l.rows[:0]
	for _, p := range l.present(c.From, c.Rows, top) {
		f.values = append(f.values, c.From[p.Slot].(*array.Boolean).Value(int(p.Row)))
	}
	f.definitions, l.definitions = l.definitions, nil
}

// put writes what was noted, where the chunk is of booleans.
func (f *flags) put(to file.ColumnChunkWriter) error {
	chunk, ok := to.(*file.BooleanColumnChunkWriter)
	if !ok {
		return nil
	}
	err := put(chunk, f.values, f.definitions, nil)
	f.values, f.definitions = f.values[:0], f.definitions[:0]
	return err
}
