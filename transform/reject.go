package transform

import "nightjar/transform/json"

import "strings"

// rawLimit is the most of an offending value that a reject keeps, in bytes.
const rawLimit = 2048

// wholePage is the position of a reject that stands for its page.
const wholePage = -1

// rejectPage records that the page holds no records that could be found. The one row
// stands for all that the walk saw in it.
func (d *decoder) rejectPage(reason string, raw []byte) {
	if d.stream.withhold {
		raw = nil
	}
	d.position, d.hasKey = wholePage, false
	d.tell(ScopePage, "", reason, raw, max(1, d.page.Records))
	if d.page.Records > 0 {
		d.rows.rejected.Records += int(d.page.Records)
	} else {
		d.rows.rejected.Pages++
	}
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
func (d *decoder) rejectField(field, reason string, v json.Value) {
	if at := d.nested.String(); at != "" {
		field = at + "." + field
	}
	d.reject(ScopeField, field, reason, d.raw(v))
	d.rows.rejected.Fields++
}

// mostRejects is how many rejects of one page are told one by one. A page with more
// is another kind of page: what is wrong with it shows in the first ones.
const mostRejects = 1000

// theRest is the field of the reject that stands for the others of its page.
const theRest = "*"

func (d *decoder) reject(scope, field, reason string, raw []byte) {
	if d.rejects++; d.rejects <= mostRejects {
		d.tell(scope, field, reason, raw, 1)
	} else if d.rejects == mostRejects+1 {
		d.untold = d.position
	}
}

// rejectRest tells of the rejects of the page that were not told one by one.
func (d *decoder) rejectRest() {
	if rest := d.rejects - mostRejects; rest > 0 {
		d.position, d.hasKey = d.untold, false
		d.tell(ScopeRest, theRest, "the page has too many rejects to tell one by one", nil, rest)
	}
}

// tell appends a row of etl.rejects that stands for so many rejects.
func (d *decoder) tell(scope, field, reason string, raw []byte, records int64) {
	s := d.rows.rejects
	s.string(d.stream.Source)
	s.string(d.stream.Name)
	s.string(d.table.Full())
	s.textIf(d.hasKey, d.key)
	s.string(scope)
	s.string(field)
	s.string(reason)
	s.whole(d.position)
	s.textIf(raw != nil, cut(clean(nil, raw), rawLimit))
	s.whole(records)
	s.end(d.from, d.days.dayOf(d.from.at))
}

// raw is the JSON of an offending value, without credentials.
func (d *decoder) raw(v json.Value) []byte {
	if d.stream.withhold {
		return withoutCredentials(nil, v)
	}
	return v.Raw()
}

// withoutCredentials appends the JSON of a value without the members that are
// called token in some way.
func withoutCredentials(to []byte, v json.Value) []byte {
	separator := byte('[')
	switch v.Kind() {
	case json.Array:
		for _, element := range v.Elements() {
			to = withoutCredentials(append(to, separator), element)
			separator = ','
		}
		if separator == '[' {
			to = append(to, separator)
		}
		return append(to, ']')
	case json.Object:
		separator = '{'
		for member := range v.Members() {
			if strings.Contains(strings.ToLower(member.Name()), "token") {
				continue
			}
			to = append(append(to, separator), member.RawName()...)
			to = withoutCredentials(append(to, ':'), member)
			separator = ','
		}
		if separator == '{' {
			to = append(to, separator)
		}
		return append(to, '}')
	}
	return append(to, v.Raw()...)
}
