// Package transform turns landed pages into Arrow records and says what the
// tables and marts are. It is a pure function of bytes: no network, no disk, no
// clock. The same page gives the same records, live or replayed.
//
// Glossary. A page is one landed answer of a vendor. A table is a list of
// columns with a key. A Stream has the tables that the pages of one stream fill; each
// vendor's streams are in the file of its name. A decoder reads the pages of one stream
// and appends to Rows, which holds one builder per table. What cannot become a row, or
// a field of one, becomes a reject with its reason and its page. A mart is a SELECT
// over the tables, in one .sql file.
package transform

import (
	"errors"
	"fmt"
	"time"

	"nightjar/transform/json"
)

// Stream is what the pages of one stream become. The zero Stream is none: it has no
// tables and no decoder.
type Stream struct {
	Source string  // the vendor: "iadvize"
	Name   string  // "closed_conversations"
	Tables []Table // that the pages fill, rejects aside; the first one's rows are the records

	read     func(d *decoder, root json.Value)
	withhold bool // pages may hold credentials: nothing raw that is not known to be free of them
	// paths lead from the root fields of the queries to each of the vendor's types;
	// several where the vendor has it at one or the other. They are nil where nothing
	// is selected, or always the same.
	paths map[string][]string
}

// Page is where a body came from: what a decoder may know beside the bytes.
type Page struct {
	Ref       string    // landing path without ending: "iadvize/closed_conversations/<run id>/000012"
	At        time.Time // when the answer was whole, UTC, microseconds: _extracted_at
	Records   int64     // how many the walk saw in it; zero where it looked for none
	Operation string    // GraphQL operation name, or method and path
	Variables []byte    // GraphQL variables or REST parameters, a JSON object; empty where there are none
	Gaps      []Gap     // of the query
	// Whole is the times of close of the records that the page shows with all that is
	// nested in them, where a stream tells; nil where it tells of none.
	Whole *Span
}

// Span is the time from an instant on, up to another.
type Span struct{ From, To time.Time }

// holds reports whether an instant, in microseconds since 1970, is in the span.
func (s *Span) holds(us int64) bool {
	return s != nil && s.From.UnixMicro() <= us && us < s.To.UnixMicro()
}

// Decoder reads the landed pages of one stream.
type Decoder interface {
	// Decode appends what body holds to rows. It never fails: whatever cannot be
	// a row or a field is a reject in rows. It keeps no reference to body. A
	// Decoder is used by one goroutine at a time.
	Decode(page Page, body []byte, rows *Rows)
}

// Options are what the decoders need to know of the configuration.
type Options struct {
	Location *time.Location // business days
	// DurationUnit is the unit of Aircall's duration: time.Millisecond unless configured.
	DurationUnit time.Duration
}

// NewDecoder returns a decoder of the stream's pages. It refuses the zero Stream and
// options that contradict themselves.
func (s Stream) NewDecoder(o Options) (Decoder, error) {
	if s.read == nil {
		return nil, errors.New("decode pages: no such stream")
	}
	if o.Location == nil {
		return nil, errors.New("decode pages: no time zone for business days")
	}
	d := &decoder{stream: s, days: calendar{location: o.Location}, durationUnit: o.DurationUnit}
	if d.durationUnit == 0 {
		d.durationUnit = time.Millisecond
	}
	if d.durationUnit < 0 || time.Second%d.durationUnit != 0 {
		return nil, fmt.Errorf("decode pages: a duration in units of %s is not supported; want a whole part of a second", d.durationUnit)
	}
	return d, nil
}
