package parquetfile

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"

	"nightjar/load/column"
)

// dictionary numbers the values of one column chunk in the order in which they
// first come. Arrow's own does the same at several times the cost.
type dictionary interface {
	// codes appends the codes of the rows of the column, none of which is null.
	codes(into []int32, c Column) []int32
	// values is what the codes stand for.
	values() arrow.Array
}

// newDictionary returns an empty dictionary for a column; nil where it takes none,
// or arrow's own. Codes come before the dictionary, and so all those of a row group
// are one page: a list may have too many.
func newDictionary(f arrow.Field, props *parquet.WriterProperties) dictionary {
	if !props.DictionaryEnabledFor(f.Name) {
		return nil
	}
	switch f.Type.ID() {
	case arrow.STRING:
		return &textDictionary{}
	case arrow.INT8:
		return &numberDictionary[int8]{}
	case arrow.DATE32:
		return &numberDictionary[int32]{}
	case arrow.FLOAT64:
		return &numberDictionary[uint64]{} // by their bits
	}
	return nil
}

// codeEncoder is what arrow's dictionary encoders do with codes.
type codeEncoder interface {
	PutIndices(codes arrow.Array) error
	PutDictionary(values arrow.Array) error
	NumEntries() int
}

// putCodes writes codes with the definition levels of their column, which are all
// zero for one that is never null.
func putCodes(chunk file.ColumnChunkWriter, codes []int32, definitions []int16) error {
	if err := chunk.CurrentEncoder().(codeEncoder).PutIndices(numberArray(arrow.PrimitiveTypes.Int32, codes)); err != nil {
		return err
	}
	switch chunk := chunk.(type) {
	case *file.ByteArrayColumnChunkWriter:
		return put(chunk, nil, definitions, nil)
	case *file.Int32ColumnChunkWriter:
		return put(chunk, nil, definitions, nil)
	case *file.Float64ColumnChunkWriter:
		return put(chunk, nil, definitions, nil)
	}
	return fmt.Errorf("no dictionary of %s is supported", chunk.Type())
}

// finish gives the chunk its dictionary, after its last code.
func finish(chunk file.ColumnChunkWriter, d dictionary) error {
	values := d.values()
	encoder := chunk.CurrentEncoder().(codeEncoder)
	if err := encoder.PutDictionary(values); err != nil {
		return err
	}
	if encoder.NumEntries() != values.Len() {
		return fmt.Errorf("a dictionary of %d values became one of %d", values.Len(), encoder.NumEntries())
	}
	// Arrow leaves empty texts out when it takes the least and the greatest of an array.
	if stats, ok := chunk.PageStatistics().(*metadata.ByteArrayStatistics); ok {
		all := make([]parquet.ByteArray, values.Len())
		for i := range all {
			all[i] = []byte(values.(*array.String).Value(i))
		}
		stats.Update(all, 0)
		return nil
	}
	return chunk.PageStatistics().UpdateFromArrow(values, false)
}

// numberDictionary is of numbers by their value.
type numberDictionary[T int8 | int32 | uint64] struct {
	numbered map[T]int32
	order    []T
}

func (d *numberDictionary[T]) codes(into []int32, c Column) []int32 {
	if d.numbered == nil {
		d.numbered = map[T]int32{}
	}
	values := column.Values[T](c.From)
	for _, p := range c.Rows {
		v := values[p.Slot][p.Row]
		code, ok := d.numbered[v]
		if !ok {
			code = int32(len(d.order))
			d.numbered[v], d.order = code, append(d.order, v)
		}
		into = append(into, code)
	}
	return into
}

func (d *numberDictionary[T]) values() arrow.Array {
	switch order := any(d.order).(type) {
	case []int8:
		wide := make([]int32, len(order))
		for i, v := range order {
			wide[i] = int32(v)
		}
		return numberArray(arrow.PrimitiveTypes.Int32, wide)
	case []int32:
		return numberArray(arrow.PrimitiveTypes.Int32, order)
	}
	return numberArray(arrow.PrimitiveTypes.Float64, d.order)
}

// numberArray is an array of the values, in Go's own memory.
func numberArray[T arrow.FixedWidthType](kind arrow.DataType, values []T) arrow.Array {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(values))}
	return array.MakeFromData(array.NewData(kind, len(values), buffers, nil, 0, 0))
}

// textDictionary is of texts. Those that come by number are looked at once a name.
type textDictionary struct {
	numbered map[string]int32
	order    []string
	known    map[*column.Names][]int32 // codes by number, less one; zero for none yet
}

func (d *textDictionary) codes(into []int32, c Column) []int32 {
	if c.Names != nil {
		return d.codesOfNames(into, c)
	}
	texts := column.TextsOf(c.From)
	for _, p := range c.Rows {
		into = append(into, d.code(texts[p.Slot].At(p.Row)))
	}
	return into
}

func (d *textDictionary) codesOfNames(into []int32, c Column) []int32 {
	if d.known == nil {
		d.known = map[*column.Names][]int32{}
	}
	numbers, names := column.Values[int32](c.From), allNames(c.Names)
	known := make([][]int32, len(names))
	for i, n := range c.Names {
		codes := d.known[n]
		if more := len(names[i]) - len(codes); more > 0 {
			codes = append(codes, make([]int32, more)...)
			d.known[n] = codes
		}
		known[i] = codes
	}
	for _, p := range c.Rows {
		number := numbers[p.Slot][p.Row]
		code := &known[p.Slot][number]
		if *code == 0 {
			*code = 1 + d.code([]byte(names[p.Slot][number]))
		}
		into = append(into, *code-1)
	}
	return into
}

// allNames are the texts by number, of each.
func allNames(from []*column.Names) [][]string {
	all := make([][]string, len(from))
	for i, n := range from {
		all[i] = n.All()
	}
	return all
}

// code is the code of v, which is good for this call only.
func (d *textDictionary) code(v []byte) int32 {
	if code, ok := d.numbered[string(v)]; ok {
		return code
	}
	return d.add(string(v))
}

func (d *textDictionary) add(v string) int32 {
	if d.numbered == nil {
		d.numbered = map[string]int32{}
	}
	code := int32(len(d.order))
	d.numbered[v], d.order = code, append(d.order, v)
	return code
}

func (d *textDictionary) values() arrow.Array {
	ends := make([]int32, 1, len(d.order)+1)
	for _, v := range d.order {
		ends = append(ends, ends[len(ends)-1]+int32(len(v)))
	}
	return column.NewTexts(ends, []byte(strings.Join(d.order, "")))
}
