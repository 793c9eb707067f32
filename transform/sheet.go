package transform

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// sheet builds the rows of one table. A row is appended value by value in the
// order of the columns and closed by end; nothing takes a row back, so what might
// reject a row is looked at before its first value.
type sheet struct {
	table  Table
	schema *arrow.Schema
	texts  []*textColumn   // by column; nil where it is no text
	lists  []*listColumn   // by column; nil where it is no list of texts
	others []array.Builder // by column; nil where it is one of these
	at     int             // column that the next value goes to
	rows   int             // closed rows
	bytes  int64           // rough size of the values
	looks  names           // at records, by the page decoded last; see Rows.Looks
}

func newSheet(mem memory.Allocator, t Table) *sheet {
	s := &sheet{table: t, schema: t.Rows()}
	n := s.schema.NumFields()
	s.texts, s.lists, s.others = make([]*textColumn, n), make([]*listColumn, n), make([]array.Builder, n)
	for i, f := range s.schema.Fields() {
		if f.Type.ID() == arrow.STRING {
			s.texts[i] = &textColumn{mem: mem}
		} else if l, ok := f.Type.(*arrow.ListType); ok && l.Elem().ID() == arrow.STRING {
			s.lists[i] = &listColumn{kind: f.Type, elements: textColumn{mem: mem}}
		} else {
			s.others[i] = array.NewBuilder(mem, f.Type)
		}
	}
	return s
}

// take returns the rows as a record and begins anew, with room for as many rows.
func (s *sheet) take() arrow.Record {
	columns := make([]arrow.Array, len(s.texts))
	for i := range columns {
		columns[i] = s.takeColumn(i)
	}
	record := array.NewRecord(s.schema, columns, int64(s.rows))
	for _, c := range columns {
		c.Release()
	}
	s.rows, s.bytes = 0, 0
	return record
}

func (s *sheet) takeColumn(i int) arrow.Array {
	if c := s.texts[i]; c != nil {
		return c.take()
	}
	if c := s.lists[i]; c != nil {
		return c.take()
	}
	a := s.others[i].NewArray()
	s.others[i].Reserve(s.rows)
	return a
}

func (s *sheet) release() {
	for _, b := range s.others {
		if b != nil {
			b.Release()
		}
	}
}

// next is the builder of the next column, which is neither a text nor a list of
// texts.
func (s *sheet) next() array.Builder {
	b := s.others[s.at]
	s.at++
	s.bytes += 8
	return b
}

func (s *sheet) null() {
	i := s.at
	s.at++
	s.bytes += 8
	if c := s.texts[i]; c != nil {
		c.appendNull()
	} else if c := s.lists[i]; c != nil {
		c.appendNull()
	} else {
		s.others[i].AppendNull()
	}
}

func (s *sheet) text(v []byte) {
	s.texts[s.at].append(v)
	s.at++
	s.bytes += 8 + int64(len(v))
}

// textIf appends v if it is known, and null if not.
func (s *sheet) textIf(known bool, v []byte) {
	if known {
		s.text(v)
	} else {
		s.null()
	}
}

func (s *sheet) string(v string) { s.text([]byte(v)) }

func (s *sheet) whole(v int64)      { s.next().(*array.Int64Builder).Append(v) }
func (s *sheet) tiny(v int8)        { s.next().(*array.Int8Builder).Append(v) }
func (s *sheet) double(v float64)   { s.next().(*array.Float64Builder).Append(v) }
func (s *sheet) flag(v bool)        { s.next().(*array.BooleanBuilder).Append(v) }
func (s *sheet) instant(us int64)   { s.next().(*array.TimestampBuilder).Append(arrow.Timestamp(us)) }
func (s *sheet) day(d arrow.Date32) { s.next().(*array.Date32Builder).Append(d) }

// amount appends a decimal, given as a whole number of its last place.
func (s *sheet) amount(v int64) {
	s.next().(*array.Decimal128Builder).Append(decimal128.FromI64(v))
}

// element appends a text to the list that is the next value; endList closes it.
func (s *sheet) element(v []byte) {
	s.lists[s.at].elements.append(v)
	s.bytes += 8 + int64(len(v))
}

func (s *sheet) endList() {
	s.lists[s.at].append()
	s.at++
	s.bytes += 8
}

// numbers begins a list of whole numbers, which are appended to what it returns.
func (s *sheet) numbers() *array.Int64Builder {
	b := s.next().(*array.ListBuilder)
	b.Append(true)
	return b.ValueBuilder().(*array.Int64Builder)
}

// end closes the row with where it came from and its business day.
func (s *sheet) end(from origin, d businessDay) {
	s.instant(from.at)
	s.text(from.ref)
	s.businessDay(d)
	s.at = 0
	s.rows++
}

func (s *sheet) businessDay(d businessDay) {
	if !d.known {
		s.null()
		return
	}
	s.day(d.day)
}

// origin is where the rows of a page come from.
type origin struct {
	at  int64  // microseconds since 1970
	ref []byte // landing path
}
