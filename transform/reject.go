package transform

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// rawLimit is the most of an offending value that a reject keeps, in bytes.
const rawLimit = 2048

// wholePage is the position of a reject that stands for its page.
const wholePage = -1

// rejectPage records that the page holds no records that could be found.
func (d *decoder) rejectPage(reason string, raw []byte) {
	if d.withhold {
		raw = nil
	}
	d.position, d.hasKey = wholePage, false
	d.reject(ScopePage, "", reason, raw)
	d.rows.rejectedRows++
}

// rejectRow records that the record, or the row nested in it, is no row.
func (d *decoder) rejectRow(reason string) {
	d.reject(ScopeRow, d.nested.String(), reason, d.raw(d.record))
	d.rows.rejectedRows++
}

// rejectField records that a value of the row is no value of its column.
func (d *decoder) rejectField(field, reason string, v *fastjson.Value) {
	if at := d.nested.String(); at != "" {
		field = at + "." + field
	}
	d.reject(ScopeField, field, reason, d.raw(v))
	d.rows.rejectedFields++
}

func (d *decoder) reject(scope, field, reason string, raw []byte) {
	s := d.rows.rejects
	s.string(d.rows.source)
	s.string(d.rows.stream)
	s.string(d.table.Full())
	s.textIf(d.hasKey, d.key)
	s.string(scope)
	s.string(field)
	s.string(reason)
	s.whole(d.position)
	s.textIf(raw != nil, cut(clean(nil, raw), rawLimit))
	s.end(d.from, d.days.dayOf(d.from.at))
}

// raw is the JSON of an offending value, without credentials.
func (d *decoder) raw(v *fastjson.Value) []byte {
	if v == nil {
		return nil
	}
	if d.withhold {
		withoutCredentials(v)
	}
	return v.MarshalTo(nil)
}

// withoutCredentials takes the members called token out of a value.
func withoutCredentials(v *fastjson.Value) {
	for _, element := range v.GetArray() {
		withoutCredentials(element)
	}
	object := v.GetObject()
	if object == nil {
		return
	}
	var credentials []string
	object.Visit(func(name []byte, member *fastjson.Value) {
		if bytes.Contains(bytes.ToLower(name), []byte("token")) {
			credentials = append(credentials, string(name))
			return
		}
		withoutCredentials(member)
	})
	for _, name := range credentials {
		object.Del(name)
	}
}
