package volt

import (
	"bytes"
	"hash/fnv"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract/transport"
)

// listing is what a walk reads of one page of an inbox or a conversation.
type listing struct {
	rows    []row
	absent  bool     // the list itself is null
	more    *bool    // what pageInfo says; nil if nothing
	cursors []string // of pageInfo, the preferred first
}

// row is a contact of an inbox or a message of a conversation.
type row struct {
	id      string
	at      string // lastMessageTime or sentAt, as the vendor writes it
	contact string // phone number; of an inbox
	from    string // sender; of a conversation
	to      string // receiver; of a conversation
}

func (r row) key() uint64 {
	h := fnv.New64a()
	h.Write([]byte(r.id))
	return h.Sum64()
}

// oldest returns the row with the earliest time, the last of the page where no
// time can be read.
func (l listing) oldest() row {
	old := l.rows[len(l.rows)-1]
	for _, r := range l.rows {
		if at := instant(r.at); !at.IsZero() && (instant(old.at).IsZero() || at.Before(instant(old.at))) {
			old = r
		}
	}
	return old
}

// newest is the latest time on the page; zero where none can be read.
func (l listing) newest() time.Time {
	var latest time.Time
	for _, r := range l.rows {
		if at := instant(r.at); at.After(latest) {
			latest = at
		}
	}
	return latest
}

func (l *listing) readInbox(d *jx.Decoder) error {
	return l.read(d, "inbox", "items", func(d *jx.Decoder) (r row, err error) {
		err = transport.Object(d, func(d *jx.Decoder, name []byte) (err error) {
			switch string(name) {
			case "contact":
				return transport.Scalars(d, []string{"id", "phoneNumber"}, &r.id, &r.contact)
			case "lastMessageTime":
				r.at, err = transport.Scalar(d)
				return err
			}
			return d.Skip()
		})
		if r.id == "" {
			r.id = r.contact
		}
		return r, err
	})
}

func (l *listing) readConversation(d *jx.Decoder) error {
	return l.read(d, "conversation", "messages", func(d *jx.Decoder) (r row, err error) {
		err = transport.Scalars(d, []string{"id", "sentAt", "fromNumber", "toNumber"}, &r.id, &r.at, &r.from, &r.to)
		return r, err
	})
}

// read reads <field>.<list> of an answer's data, row by row, and the pageInfo beside
// the list.
func (l *listing) read(d *jx.Decoder, field, list string, readRow func(*jx.Decoder) (row, error)) error {
	*l = listing{absent: true}
	return transport.Object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) != field || d.Next() == jx.Null {
			return d.Skip()
		}
		l.absent = false
		return transport.Object(d, func(d *jx.Decoder, name []byte) error {
			switch string(name) {
			case list:
				return transport.Array(d, func(d *jx.Decoder) error {
					r, err := readRow(d)
					l.rows = append(l.rows, r)
					return err
				})
			case "pageInfo":
				return transport.Object(d, l.pageInfoMember)
			}
			return d.Skip()
		})
	})
}

// mostCursors is how many texts of a pageInfo are taken for cursors.
const mostCursors = 16

// pageInfoMember reads whatever the vendor's PageInfo has: fields that are booleans
// say whether there is more, texts are cursors.
func (l *listing) pageInfoMember(d *jx.Decoder, name []byte) error {
	switch d.Next() {
	case jx.Bool:
		more, err := d.Bool()
		more = more || l.more != nil && *l.more
		l.more = &more
		return err
	case jx.String, jx.Number:
		if len(l.cursors) == mostCursors {
			return d.Skip()
		}
		end := bytes.HasPrefix(name, []byte("end")) // the name is gone once the value is read
		text, err := transport.Scalar(d)
		if end {
			l.cursors = append([]string{text}, l.cursors...)
		} else {
			l.cursors = append(l.cursors, text)
		}
		return err
	}
	return d.Skip()
}

// recall remembers ids by their hash, and whether it has met them before. With a
// bound it forgets the oldest, so that its size does not follow the data.
type recall struct {
	bound        int // zero: none
	recent, past map[uint64]struct{}
}

// add reports whether the key is new.
func (r *recall) add(key uint64) bool {
	if _, ok := r.recent[key]; ok {
		return false
	}
	_, old := r.past[key]
	if r.recent == nil || r.bound > 0 && len(r.recent) >= r.bound {
		r.recent, r.past = map[uint64]struct{}{}, r.recent
	}
	r.recent[key] = struct{}{}
	return !old
}
