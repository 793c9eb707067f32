package transform

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Rows holds what the decoders of one stream have appended: one builder for each
// of the stream's tables, and one for the rejects. It is used by one goroutine at
// a time.
type Rows struct {
	sheets   []*sheet // of the stream's tables, in order
	rejects  *sheet
	rejected Rejected
}

// Rejected counts rejects by what they stand for.
type Rejected struct {
	Pages   int // pages of which not even the walk knows a record
	Records int // records, which are rows of the stream's main table, those of rejected pages among them
	Nested  int // rows nested in a record
	Fields  int // values of a row that is there
}

// Total is how many they are. A row of etl.rejects may stand for several.
func (r Rejected) Total() int { return r.Pages + r.Records + r.Nested + r.Fields }

// Since is what came after an earlier count.
func (r Rejected) Since(earlier Rejected) Rejected {
	return Rejected{r.Pages - earlier.Pages, r.Records - earlier.Records, r.Nested - earlier.Nested, r.Fields - earlier.Fields}
}

// NewRows returns empty builders for the tables of the stream and for the rejects.
// The memory is mem's until Release.
func (s Stream) NewRows(mem memory.Allocator) *Rows {
	r := &Rows{rejects: newSheet(mem, Rejects())}
	for _, t := range s.Tables {
		r.sheets = append(r.sheets, newSheet(mem, t))
	}
	return r
}

// Len returns the rows held, of all tables, rejects included.
func (r *Rows) Len() int {
	n := r.rejects.rows
	for _, s := range r.sheets {
		n += s.rows
	}
	return n
}

// Bytes returns roughly how many bytes the rows held take.
func (r *Rows) Bytes() int64 {
	n := r.rejects.bytes
	for _, s := range r.sheets {
		n += s.bytes
	}
	return n
}

// Rejected counts the rejects held, those too that one row tells of.
func (r *Rows) Rejected() Rejected { return r.rejected }

// Flush hands over what is held, one record a table that has rows, and begins
// anew. A record is released after yield returns: who keeps it, retains it. The
// first error of yield ends the handing over and drops the rest.
func (r *Rows) Flush(yield func(Table, arrow.Record) error) error {
	var err error
	for _, s := range append(r.sheets[:len(r.sheets):len(r.sheets)], r.rejects) {
		if s.rows == 0 {
			continue
		}
		record := s.take()
		if err == nil {
			err = yield(s.table, record)
		}
		record.Release()
	}
	r.rejected = Rejected{}
	return err
}

// Release gives the memory back. Rows is of no use after it.
func (r *Rows) Release() {
	for _, s := range r.sheets {
		s.release()
	}
	r.rejects.release()
}
