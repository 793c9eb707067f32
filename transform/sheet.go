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
	table   Table
	builder *array.RecordBuilder
	columns []array.Builder
	at      int   // column that the next value goes to
	rows    int   // closed rows
	bytes   int64 // rough size of the values
}

func newSheet(mem memory.Allocator, t Table) *sheet {
	b := array.NewRecordBuilder(mem, t.Rows())
	return &sheet{table: t, builder: b, columns: b.Fields()}
}

// take returns the rows as a record and begins anew, with room for as many rows.
func (s *sheet) take() arrow.Record {
	record := s.builder.NewRecord()
	s.builder.Reserve(s.rows)
	s.rows, s.bytes = 0, 0
	return record
}

func (s *sheet) next() array.Builder {
	b := s.columns[s.at]
	s.at++
	s.bytes += 8
	return b
}

func (s *sheet) null() { s.next().AppendNull() }

func (s *sheet) text(v []byte) {
	s.next().(*array.StringBuilder).BinaryBuilder.Append(v)
	s.bytes += int64(len(v))
}

// textIf appends v if it is known, and null if not.
func (s *sheet) textIf(known bool, v []byte) {
	if known {
		s.text(v)
	} else {
		s.null()
	}
}

func (s *sheet) string(v string) {
	s.next().(*array.StringBuilder).Append(v)
	s.bytes += int64(len(v))
}

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

// list begins a list; its elements are appended to the builder returned.
func (s *sheet) list() array.Builder {
	b := s.next().(*array.ListBuilder)
	b.Append(true)
	return b.ValueBuilder()
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
