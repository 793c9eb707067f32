package transform

import (
	"errors"
	"fmt"
	"time"

	"nightjar/transform/json"
)

// Stream is what the pages of one stream become. Each vendor's file says it of the
// vendor's streams. The zero Stream is none: it has no tables and no decoder.
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
