package desk

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// reading is what the walk needs to know of a page. It is read while the transport
// judges the answer, and counts only if the answer is accepted.
type reading struct {
	field string // that the list is ordered by
	named bool   // the fields of the first row are wanted

	rows    int64
	ids     []int64
	fields  map[string]bool // of the first row, as they may be shown; nil where it is no object
	ordered bool            // every row has its time, none earlier than the one before
	last    time.Time       // of the last row, in whole seconds
	listed  bool            // there is a list
	other   bool            // there is something else in the place of it
	total   int64           // extract.Unknown where the vendor does not say
	more    bool            // there are more pages

	pagination, meta block // of which the first that is there counts
}

// read reads a list.
func (r *reading) read(d *jx.Decoder) error {
	*r = reading{field: r.field, named: r.named, ordered: true}
	return transport.Object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "conversations":
			r.listed, r.other = d.Next() == jx.Array, d.Next() != jx.Array && d.Next() != jx.Null
			return transport.Array(d, r.row)
		case "pagination":
			return r.pagination.read(d, "hasMorePages", "records")
		case "meta":
			return transport.Object(d, func(d *jx.Decoder, name []byte) error {
				if string(name) != "page" {
					return d.Skip()
				}
				return r.meta.read(d, "hasMore", "count")
			})
		}
		return d.Skip()
	})
}

// row counts a conversation in.
func (r *reading) row(d *jx.Decoder) error {
	r.rows++
	naming := r.named && r.rows == 1
	if naming && d.Next() == jx.Object {
		r.fields = map[string]bool{}
	}
	var when string
	err := transport.Object(d, func(d *jx.Decoder, name []byte) (err error) {
		if naming {
			r.name(name)
		}
		switch string(name) {
		case "id":
			id, known, err := whole(d)
			if known {
				r.ids = append(r.ids, id)
			}
			return err
		case r.field:
			when, err = transport.Scalar(d)
			return err
		}
		return d.Skip()
	})
	r.at(when)
	return err
}

// at notes the time of a row.
func (r *reading) at(text string) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Before(r.last) {
		r.ordered = false
		return
	}
	r.last = at.Truncate(time.Second)
}

// block is what a list says of its pages.
type block struct {
	there bool
	total int64 // extract.Unknown where it does not say
	more  *bool // nil where it does not say
}

func (b *block) read(d *jx.Decoder, more, count string) error {
	b.there, b.total = d.Next() == jx.Object, extract.Unknown
	return transport.Object(d, func(d *jx.Decoder, name []byte) error {
		switch {
		case string(name) == count:
			n, known, err := whole(d)
			if known {
				b.total = n
			}
			return err
		case string(name) == more && d.Next() == jx.Bool:
			is, err := d.Bool()
			b.more = &is
			return err
		}
		return d.Skip()
	})
}

// conclude takes total and more from what the list says of its pages, and fails where
// it says too little. A list that says nothing ends with a page that is not full.
func (r *reading) conclude() error {
	said := r.pagination
	if !said.there {
		said = r.meta
	}
	switch {
	case !said.there:
		r.total, r.more = extract.Unknown, r.rows >= pageSize
	case said.more == nil:
		return errors.New("answer does not say whether there is a next page")
	default:
		r.total, r.more = said.total, *said.more
	}
	// Some servers write an empty list as null, or not at all. They are believed where
	// the count says the same.
	if !r.listed && (r.total != 0 || r.other) {
		return errors.New("answer has no list of conversations")
	}
	return nil
}

// whole reads a number, also one that stands in quotes.
func whole(d *jx.Decoder) (n int64, known bool, err error) {
	text, err := transport.Scalar(d)
	if err != nil {
		return 0, false, err
	}
	n, failed := strconv.ParseInt(text, 10, 64)
	return n, failed == nil, nil
}

// blanked is body with null in the place of every token; the same bytes where
// there is none.
func blanked(body []byte) ([]byte, error) {
	var w jx.Writer
	found, err := blank(jx.DecodeBytes(body), &w)
	if err != nil {
		return nil, errors.New("answer cannot be read") // the parser's own words would quote it
	}
	if !found {
		return body, nil
	}
	return w.Buf, nil
}

// blank copies one value without its tokens, and reports whether there was any.
func blank(d *jx.Decoder, w *jx.Writer) (found bool, err error) {
	first := true
	separate := func() {
		if !first {
			w.Comma()
		}
		first = false
	}
	switch d.Next() {
	case jx.Object:
		w.ObjStart()
		err = d.ObjBytes(func(d *jx.Decoder, name []byte) error {
			separate()
			w.FieldStart(string(name))
			if strings.EqualFold(string(name), "token") && d.Next() != jx.Null {
				found = true
				w.Null()
				return d.Skip()
			}
			inner, err := blank(d, w)
			found = found || inner
			return err
		})
		w.ObjEnd()
	case jx.Array:
		w.ArrStart()
		err = d.Arr(func(d *jx.Decoder) error {
			separate()
			inner, err := blank(d, w)
			found = found || inner
			return err
		})
		w.ArrEnd()
	default:
		var raw jx.Raw
		raw, err = d.Raw()
		w.Raw(raw)
	}
	return found, err
}
