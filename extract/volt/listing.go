package volt

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
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

func readInbox(body []byte) (listing, error) {
	return read(body, "inbox", "items", func(item *fastjson.Value) row {
		r := row{id: scalar(item.Get("contact", "id")), at: scalar(item.Get("lastMessageTime")), contact: scalar(item.Get("contact", "phoneNumber"))}
		if r.id == "" {
			r.id = r.contact
		}
		return r
	})
}

func readConversation(body []byte) (listing, error) {
	return read(body, "conversation", "messages", func(m *fastjson.Value) row {
		return row{id: scalar(m.Get("id")), at: scalar(m.Get("sentAt")), from: scalar(m.Get("fromNumber")), to: scalar(m.Get("toNumber"))}
	})
}

func read(body []byte, field, list string, readRow func(*fastjson.Value) row) (listing, error) {
	root, err := fastjson.ParseBytes(body)
	if err != nil {
		return listing{}, garbled(fmt.Errorf("read a page of %s: %w", field, err))
	}
	object := root.Get("data", field)
	if object == nil || object.Type() == fastjson.TypeNull {
		return listing{absent: true}, nil
	}
	var l listing
	for _, v := range object.GetArray(list) {
		l.rows = append(l.rows, readRow(v))
	}
	l.readPageInfo(object.Get("pageInfo"))
	return l, nil
}

// readPageInfo reads whatever the vendor's PageInfo has: fields that are booleans
// say whether there is more, texts are cursors.
func (l *listing) readPageInfo(info *fastjson.Value) {
	if info == nil || info.Type() != fastjson.TypeObject {
		return
	}
	info.GetObject().Visit(func(name []byte, v *fastjson.Value) {
		switch v.Type() {
		case fastjson.TypeTrue, fastjson.TypeFalse:
			more := v.GetBool() || l.more != nil && *l.more
			l.more = &more
		case fastjson.TypeString, fastjson.TypeNumber:
			if text := scalar(v); strings.HasPrefix(string(name), "end") {
				l.cursors = append([]string{text}, l.cursors...)
			} else {
				l.cursors = append(l.cursors, text)
			}
		}
	})
}

// scalar is the text of a text or a number, "" for anything else.
func scalar(v *fastjson.Value) string {
	if v == nil {
		return ""
	}
	switch v.Type() {
	case fastjson.TypeString:
		return string(v.GetStringBytes())
	case fastjson.TypeNumber:
		return v.String()
	}
	return ""
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
