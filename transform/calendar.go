package transform

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// businessDay is a local day, if it is known.
type businessDay struct {
	day   arrow.Date32
	known bool
	at    int64 // the instant, in microseconds since 1970
}

// calendar finds the local day of an instant. Records that follow each other tend
// to share their day, so the last answer is kept with the instants it holds for.
type calendar struct {
	location *time.Location
	day      arrow.Date32
	from, to int64 // seconds since 1970: the last answer holds in [from, to)
}

// dayOf returns the business day of an instant, given in microseconds since 1970.
func (c *calendar) dayOf(us int64) businessDay {
	if s := us / 1_000_000; s < c.from || s >= c.to {
		c.look(s)
	}
	return businessDay{c.day, true, us}
}

// look finds the day around an instant within one offset from UTC, so that days
// of 23 and 25 hours come out right.
func (c *calendar) look(s int64) {
	local := time.Unix(s, 0).In(c.location)
	_, offset := local.Zone()
	d := (s+int64(offset)+86400)/86400 - 1 // rounded down, also on the eve of 1970
	c.day = arrow.Date32(d)
	c.from = d*86400 - int64(offset)
	c.to = c.from + 86400
	start, end := local.ZoneBounds()
	if !start.IsZero() {
		c.from = max(c.from, start.Unix())
	}
	if !end.IsZero() {
		c.to = min(c.to, end.Unix())
	}
}
