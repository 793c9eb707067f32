package transform

import "nightjar/transform/json"

// The methods below append one value each to the row. A value that is absent or
// null is NULL; one that the column cannot hold is NULL and a reject of the field.

const (
	reasonType   = "the value has the wrong JSON type"
	reasonNumber = "the value is no number that the column can hold"
	reasonTime   = "the value is no time between 1970 and 2100"
	reasonRange  = "the value is out of range"
)

// bad appends NULL and records why.
func (d *decoder) bad(field, reason string, v json.Value) {
	d.null()
	d.rejectField(field, reason, v)
}

// textOf appends a text.
func (d *decoder) textOf(v json.Value, field string) {
	switch v.Kind() {
	case json.Null:
		d.null()
	case json.String:
		d.text(d.clean(v))
	default:
		d.bad(field, reasonType, v)
	}
}

func (d *decoder) clean(v json.Value) []byte {
	text := v.Text()
	if v.ASCII() {
		return text
	}
	good := clean(d.cleaned, text)
	if len(good) > 0 && len(text) > 0 && &good[0] != &text[0] {
		d.cleaned = good
	}
	return good
}

// literal is the text of a string or the literal of a number; ok is false where v
// is neither.
func (d *decoder) literal(v json.Value) (text []byte, ok bool) {
	switch v.Kind() {
	case json.String:
		return v.Text(), true
	case json.Number:
		return v.Raw(), true
	}
	return nil, false
}

// idOf appends an identifier that is a text, or the literal of a number.
func (d *decoder) idOf(v json.Value, field string) {
	text, reason := d.identifier(v)
	switch {
	case reason != "":
		d.bad(field, reason, v)
	case len(text) == 0:
		d.null()
	default:
		d.text(text)
	}
}

// identifier is the text of an identifier, empty where it is absent, null or
// empty. It is good until the next call.
func (d *decoder) identifier(v json.Value) (text []byte, reason string) {
	switch v.Kind() {
	case json.Null:
		return nil, ""
	case json.String:
		return d.clean(v), ""
	case json.Number:
		text, _ := d.literal(v)
		if _, ok := scanNumber(text); !ok {
			return nil, reasonNumber
		}
		return text, ""
	}
	return nil, reasonType
}

// textKey reads the key of the row; without one the row is rejected.
func (d *decoder) textKey(v json.Value) bool {
	text, reason := d.identifier(v)
	if reason == "" && len(text) == 0 {
		reason = "the key is missing, null or empty"
	}
	if reason != "" {
		d.rejectRow("no key: " + reason)
		return false
	}
	d.setKey(text)
	return true
}

// wholeKey reads the numeric key of the row; without one the row is rejected.
func (d *decoder) wholeKey(v json.Value) (int64, bool) {
	if !d.textKey(v) {
		return 0, false
	}
	id, ok := parseWhole(d.key)
	if !ok {
		d.rejectRow("no key: the value is no whole number")
	}
	return id, ok
}

// wholeID appends a numeric identifier that may come as text or as number, and
// returns it if it is known.
func (d *decoder) wholeID(v json.Value, field string) (id int64, ok bool) {
	text, reason := d.identifier(v)
	id, ok = parseWhole(text)
	switch {
	case reason != "":
		d.bad(field, reason, v)
	case len(text) == 0:
		d.null()
	case !ok:
		d.bad(field, reasonNumber, v)
	default:
		d.whole(id)
		return id, true
	}
	return 0, false
}

// counterOf appends a count, which is never negative.
func (d *decoder) counterOf(v json.Value, field string) {
	if n, ok := d.number(v, field); ok && n < 0 {
		d.bad(field, reasonRange, v)
	} else if ok {
		d.whole(n)
	}
}

// scoreOf appends a score between least and most.
func (d *decoder) scoreOf(v json.Value, field string, least, most int64) {
	if n, ok := d.number(v, field); ok && (n < least || n > most) {
		d.bad(field, reasonRange, v)
	} else if ok {
		d.tiny(int8(n))
	}
}

// number reads a whole number. Where it is none, NULL has been appended.
func (d *decoder) number(v json.Value, field string) (n int64, ok bool) {
	text, ok := d.numeral(v, field)
	if !ok {
		return 0, false
	}
	if n, ok = parseWhole(text); !ok {
		d.bad(field, reasonNumber, v)
	}
	return n, ok
}

// numeral is the literal of a number. Where it is none, NULL has been appended.
func (d *decoder) numeral(v json.Value, field string) (text []byte, ok bool) {
	switch v.Kind() {
	case json.Number:
		return v.Raw(), true
	case json.Null:
		d.null()
	default:
		d.bad(field, reasonType, v)
	}
	return nil, false
}

func (d *decoder) flagOf(v json.Value, field string) {
	switch v.Kind() {
	case json.Null:
		d.null()
	case json.True, json.False:
		d.flag(v.Kind() == json.True)
	default:
		d.bad(field, reasonType, v)
	}
}

// amountOf appends a decimal from its literal, as number or as text.
func (d *decoder) amountOf(v json.Value, field string) {
	if v.Kind() == json.Null {
		d.null()
		return
	}
	text, ok := d.literal(v)
	if !ok {
		d.bad(field, reasonType, v)
		return
	}
	amount, ok := parseAmount(text)
	if !ok {
		d.bad(field, reasonNumber, v)
		return
	}
	d.amount(amount)
}

// instantOf appends a time and returns it. An empty text is NULL.
func (d *decoder) instantOf(v json.Value, field string) (us int64, known bool) {
	if v.Kind() == json.Null {
		d.null()
		return 0, false
	}
	text, ok := d.literal(v)
	switch {
	case !ok:
		d.bad(field, reasonType, v)
		return 0, false
	case len(text) == 0:
		d.null()
		return 0, false
	}
	us, ok = parseInstant(text)
	if !ok {
		d.bad(field, reasonTime, v)
		return 0, false
	}
	d.instant(us)
	return us, true
}

// datedInstant appends a time and then its business day.
func (d *decoder) datedInstant(v json.Value, field string) businessDay {
	us, known := d.instantOf(v, field)
	var day businessDay
	if known {
		day = d.days.dayOf(us)
	}
	d.businessDay(day)
	return day
}

// object returns v where it is an object, and no value where it is absent or null.
// Anything else is a reject of the field and no value too.
func (d *decoder) object(v json.Value, field string) json.Value {
	v, _ = d.container(json.Object, v, field)
	return v
}

// array is object for lists; present tells an empty list from none.
func (d *decoder) array(v json.Value, field string) (list json.Value, present bool) {
	return d.container(json.Array, v, field)
}

func (d *decoder) container(kind json.Kind, v json.Value, field string) (json.Value, bool) {
	switch v.Kind() {
	case kind:
		return v, true
	case json.Null:
	default:
		d.rejectField(field, reasonType, v)
	}
	return json.Value{}, false
}

// namesOf appends a list of texts, each an element itself or its member called
// name. An element without text is a reject and not in the list.
func (d *decoder) namesOf(v json.Value, field, name string) {
	list, present := d.array(v, field)
	if !present || !d.asked() { // elements may have come without their names
		d.null()
		return
	}
	for i, element := range list.Elements() {
		member := element
		if element.Kind() == json.Object {
			member = element.Get(name)
		}
		if member.Kind() != json.String {
			d.rejectField(place{field, i}.String(), "the element has no text", element)
			continue
		}
		d.element(d.clean(member))
	}
	d.endList()
}
