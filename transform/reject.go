package transform

import "strings"

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
	d.rows.rejected.Pages++
}

// rejectRow records that the record, or the row nested in it, is no row.
func (d *decoder) rejectRow(reason string) {
	d.reject(ScopeRow, d.nested.String(), reason, d.raw(d.record))
	if d.nested == (place{}) {
		d.rows.rejected.Records++
	} else {
		d.rows.rejected.Nested++
	}
}

// rejectField records that a value of the row is no value of its column.
func (d *decoder) rejectField(field, reason string, v value) {
	if at := d.nested.String(); at != "" {
		field = at + "." + field
	}
	d.reject(ScopeField, field, reason, d.raw(v))
	d.rows.rejected.Fields++
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
func (d *decoder) raw(v value) []byte {
	if d.withhold {
		return withoutCredentials(nil, v)
	}
	return v.raw()
}

// withoutCredentials appends the JSON of a value without the members that are
// called token in some way.
func withoutCredentials(to []byte, v value) []byte {
	separator := byte('[')
	switch v.kind() {
	case isArray:
		for _, element := range v.elements() {
			to = withoutCredentials(append(to, separator), element)
			separator = ','
		}
		if separator == '[' {
			to = append(to, separator)
		}
		return append(to, ']')
	case isObject:
		separator = '{'
		for member := range v.members() {
			if strings.Contains(strings.ToLower(member.name()), "token") {
				continue
			}
			to = append(append(to, separator), member.rawName()...)
			to = withoutCredentials(append(to, ':'), member)
			separator = ','
		}
		if separator == '{' {
			to = append(to, separator)
		}
		return append(to, '}')
	}
	return append(to, v.raw()...)
}
