package partition

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// leaf turns rows of one column into what a Parquet column chunk takes: levels,
// and the values that are not null. It keeps its memory from column to column.
type leaf struct {
	definitions, repetitions []int16
	rows                     []pick // of the values
	codes                    []int32
	texts                    []parquet.ByteArray
	longs                    []int64
	ints                     []int32
	doubles                  []float64
	flags                    []bool
}

// write appends column c of the rows to its chunk, by way of the dictionary if
// there is one.
func (l *leaf) write(chunk file.ColumnChunkWriter, f arrow.Field, p picks, c int, d dictionary) error {
	l.definitions, l.repetitions, l.rows = l.definitions[:0], l.repetitions[:0], l.rows[:0]
	from := p.column(c)
	if f.Type.ID() == arrow.LIST {
		from = l.lists(from, p.rows, f.Nullable)
		return l.values(chunk, from, l.rows)
	}
	p.rows = l.present(from, p.rows, chunk.Descr().MaxDefinitionLevel())
	if d != nil {
		l.codes = d.codes(l.codes[:0], p, c)
		return putCodes(chunk, l.codes, l.definitions)
	}
	if from[0].DataType().ID() != f.Type.ID() { // pages by number
		l.texts = pageTexts(l.texts[:0], p)
		return put(chunk.(*file.ByteArrayColumnChunkWriter), l.texts, l.definitions, nil)
	}
	return l.values(chunk, from, p.rows)
}

// values writes the values of the rows with the levels noted.
func (l *leaf) values(chunk file.ColumnChunkWriter, from []arrow.Array, rows []pick) error {
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
	case *file.BooleanColumnChunkWriter:
		l.flags = flags(l.flags[:0], from, rows)
		return put(chunk, l.flags, l.definitions, l.repetitions)
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
func (l *leaf) present(from []arrow.Array, rows []pick, top int16) []pick {
	valid, some := validities(from)
	if !some {
		for range rows {
			l.definitions = append(l.definitions, top)
		}
		return rows
	}
	for _, p := range rows {
		if !valid[p.slot].has(p.row) {
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
func (l *leaf) lists(from []arrow.Array, rows []pick, nullable bool) []arrow.Array {
	elements, ends := make([]arrow.Array, len(from)), make([][]int32, len(from))
	for i, a := range from {
		list := a.(*array.List)
		elements[i], ends[i] = list.ListValues(), list.Offsets()[list.Data().Offset():]
	}
	var empty int16
	if nullable {
		empty = 1
	}
	valid, _ := validities(from)
	present, _ := validities(elements)
	for _, p := range rows {
		start, end := ends[p.slot][p.row], ends[p.slot][p.row+1]
		switch {
		case !valid[p.slot].has(p.row):
			l.level(0, 0)
		case start == end:
			l.level(empty, 0)
		default:
			var repetition int16
			for i := start; i < end; i++ {
				if present[p.slot].has(i) {
					l.level(empty+2, repetition)
					l.rows = append(l.rows, pick{p.slot, i})
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

// validity tells which rows of an array are not null.
type validity struct {
	bits   []byte // nil: all
	offset int
}

func (v validity) has(row int32) bool {
	return v.bits == nil || bitutil.BitIsSet(v.bits, v.offset+int(row))
}

// validities are those of the arrays; some is false where no array has a null.
func validities(from []arrow.Array) (valid []validity, some bool) {
	valid = make([]validity, len(from))
	for i, a := range from {
		if a.NullN() > 0 {
			valid[i], some = validity{a.NullBitmapBytes(), a.Data().Offset()}, true
		}
	}
	return valid, some
}

// textColumn is an array of texts.
type textColumn struct {
	data []byte
	ends []int32
}

func (t textColumn) at(row int32) []byte { return t.data[t.ends[row]:t.ends[row+1]] }

func textsOf(from []arrow.Array) []textColumn {
	columns := make([]textColumn, len(from))
	for i, a := range from {
		columns[i].ends = a.(*array.String).ValueOffsets()
		if b := a.Data().Buffers()[2]; b != nil {
			columns[i].data = b.Bytes()
		}
	}
	return columns
}

func valuesOf[T arrow.FixedWidthType](from []arrow.Array) [][]T {
	values := make([][]T, len(from))
	for i, a := range from {
		values[i] = arrow.GetValues[T](a.Data(), 1)
	}
	return values
}

func texts(into []parquet.ByteArray, from []arrow.Array, rows []pick) []parquet.ByteArray {
	columns := textsOf(from)
	for _, p := range rows {
		into = append(into, columns[p.slot].at(p.row))
	}
	return into
}

// pageTexts are the names of the pages of the rows.
func pageTexts(into []parquet.ByteArray, p picks) []parquet.ByteArray {
	for _, at := range p.rows {
		into = append(into, []byte(p.batches[at.slot].page(int(at.row))))
	}
	return into
}

func numbers[F ~int64 | ~int32 | ~int8 | ~float64, T int64 | int32 | float64](into []T, from []arrow.Array, rows []pick) []T {
	values := valuesOf[F](from)
	for _, p := range rows {
		into = append(into, T(values[p.slot][p.row]))
	}
	return into
}

func flags(into []bool, from []arrow.Array, rows []pick) []bool {
	for _, p := range rows {
		into = append(into, from[p.slot].(*array.Boolean).Value(int(p.row)))
	}
	return into
}

// decimals are big-endian numbers of width bytes. Statistics keep hold of them, so
// their memory is their own.
func decimals(from []arrow.Array, rows []pick, width int) []parquet.FixedLenByteArray {
	const whole = arrow.Decimal128SizeBytes
	all, memory := make([]parquet.FixedLenByteArray, len(rows)), make([]byte, whole*len(rows))
	values := valuesOf[decimal128.Num](from)
	for i, p := range rows {
		v, at := values[p.slot][p.row], memory[whole*i:whole*(i+1)]
		binary.BigEndian.PutUint64(at, uint64(v.HighBits()))
		binary.BigEndian.PutUint64(at[8:], v.LowBits())
		all[i] = at[whole-width:]
	}
	return all
}
