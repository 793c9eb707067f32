package parquetfile

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"nightjar/load/column"
)

// leaf turns rows of one column into what a Parquet column chunk takes: levels,
// and the values that are not null. It keeps its memory from column to column.
type leaf struct {
	definitions, repetitions []int16
	rows                     []column.Pick // of the values
	codes                    []int32
	texts                    []parquet.ByteArray
	longs                    []int64
	ints                     []int32
	doubles                  []float64
}

// write appends the rows of a column to its chunk, by way of the dictionary if there
// is one.
func (l *leaf) write(chunk file.ColumnChunkWriter, f arrow.Field, c Column, d dictionary) error {
	l.definitions, l.repetitions, l.rows = l.definitions[:0], l.repetitions[:0], l.rows[:0]
	if f.Type.ID() == arrow.LIST {
		elements := l.lists(c.From, c.Rows, f.Nullable)
		return l.values(chunk, elements, l.rows)
	}
	c.Rows = l.present(c.From, c.Rows, chunk.Descr().MaxDefinitionLevel())
	switch {
	case d != nil:
		l.codes = d.codes(l.codes[:0], c)
		return putCodes(chunk, l.codes, l.definitions)
	case c.Names != nil:
		l.texts = named(l.texts[:0], c)
		return put(chunk.(*file.ByteArrayColumnChunkWriter), l.texts, l.definitions, nil)
	}
	return l.values(chunk, c.From, c.Rows)
}

// values writes the values of the rows with the levels noted.
func (l *leaf) values(chunk file.ColumnChunkWriter, from []arrow.Array, rows []column.Pick) error {
	switch chunk := chunk.(type) {
	case *file.ByteArrayColumnChunkWriter:
		l.texts = texts(l.texts[:0], from, rows)
		return put(chunk, l.texts, l.definitions, l.repetitions)
	case *file.Int64ColumnChunkWriter:
		l.longs = numbers[int64](l.longs[:0], from, rows)
		return put(chunk, l.longs, l.definitions, l.repetitions)
	case *file.Int32ColumnChunkWriter:
		if from[0].DataType().ID() == arrow.INT8 {
			l.ints = numbers[int8](l.ints[:0], from, rows)
		} else {
			l.ints = numbers[int32](l.ints[:0], from, rows)
		}
		return put(chunk, l.ints, l.definitions, l.repetitions)
	case *file.Float64ColumnChunkWriter:
		l.doubles = numbers[float64](l.doubles[:0], from, rows)
		return put(chunk, l.doubles, l.definitions, l.repetitions)
	case *file.FixedLenByteArrayColumnChunkWriter:
		return put(chunk, decimals(from, rows, chunk.Descr().TypeLength()), l.definitions, l.repetitions)
	}
	return fmt.Errorf("no column of %s is supported", chunk.Type())
}

// put writes values, none of which is null, with the levels of their column. Of
// definition levels there is one a row even where all are zero: they tell how many
// rows there are.
func put[T any](chunk interface {
	WriteBatch([]T, []int16, []int16) (int64, error)
}, values []T, definitions, repetitions []int16) error {
	if len(repetitions) == 0 {
		repetitions = nil
	}
	_, err := chunk.WriteBatch(values, definitions, repetitions)
	return err
}

// present notes the definition levels of a column without lists, 0 for null and
// top for a value, and returns the rows with a value.
func (l *leaf) present(from []arrow.Array, rows []column.Pick, top int16) []column.Pick {
	valid, some := column.Validities(from)
	if !some {
		for range rows {
			l.definitions = append(l.definitions, top)
		}
		return rows
	}
	for _, p := range rows {
		if !valid[p.Slot].Has(p.Row) {
			l.definitions = append(l.definitions, 0)
			continue
		}
		l.definitions = append(l.definitions, top)
		l.rows = append(l.rows, p)
	}
	return l.rows
}

// lists notes the levels of a column of lists, and the elements with a value,
// which are in the arrays that it returns. Definition levels, where the column may
// be null: 0 no list, 1 an empty one, 2 a null element, 3 a value; one less where
// it may not. The repetition level is 0 where a list begins and 1 within it.
func (l *leaf) lists(from []arrow.Array, rows []column.Pick, nullable bool) []arrow.Array {
	elements, ends := make([]arrow.Array, len(from)), make([][]int32, len(from))
	for i, a := range from {
		list := a.(*array.List)
		elements[i], ends[i] = list.ListValues(), list.Offsets()[list.Data().Offset():]
	}
	var empty int16
	if nullable {
		empty = 1
	}
	valid, _ := column.Validities(from)
	present, _ := column.Validities(elements)
	for _, p := range rows {
		start, end := ends[p.Slot][p.Row], ends[p.Slot][p.Row+1]
		switch {
		case !valid[p.Slot].Has(p.Row):
			l.level(0, 0)
		case start == end:
			l.level(empty, 0)
		default:
			var repetition int16
			for i := start; i < end; i++ {
				if present[p.Slot].Has(i) {
					l.level(empty+2, repetition)
					l.rows = append(l.rows, column.Pick{Slot: p.Slot, Row: i})
				} else {
					l.level(empty+1, repetition)
				}
				repetition = 1
			}
		}
	}
	return elements
}

func (l *leaf) level(definition, repetition int16) {
	l.definitions, l.repetitions = append(l.definitions, definition), append(l.repetitions, repetition)
}

func texts(into []parquet.ByteArray, from []arrow.Array, rows []column.Pick) []parquet.ByteArray {
	columns := column.TextsOf(from)
	for _, p := range rows {
		into = append(into, columns[p.Slot].At(p.Row))
	}
	return into
}

// named are the texts of a column that has numbers in their place.
func named(into []parquet.ByteArray, c Column) []parquet.ByteArray {
	numbers, names := column.Values[int32](c.From), allNames(c.Names)
	for _, p := range c.Rows {
		into = append(into, []byte(names[p.Slot][numbers[p.Slot][p.Row]]))
	}
	return into
}

func numbers[F ~int64 | ~int32 | ~int8 | ~float64, T int64 | int32 | float64](into []T, from []arrow.Array, rows []column.Pick) []T {
	values := column.Values[F](from)
	for _, p := range rows {
		into = append(into, T(values[p.Slot][p.Row]))
	}
	return into
}

// decimals are big-endian numbers of width bytes. Statistics keep hold of them, so
// their memory is their own.
func decimals(from []arrow.Array, rows []column.Pick, width int) []parquet.FixedLenByteArray {
	const whole = arrow.Decimal128SizeBytes
	all, memory := make([]parquet.FixedLenByteArray, len(rows)), make([]byte, whole*len(rows))
	values := column.Values[decimal128.Num](from)
	for i, p := range rows {
		v, at := values[p.Slot][p.Row], memory[whole*i:whole*(i+1)]
		binary.BigEndian.PutUint64(at, uint64(v.HighBits()))
		binary.BigEndian.PutUint64(at[8:], v.LowBits())
		all[i] = at[whole-width:]
	}
	return all
}
