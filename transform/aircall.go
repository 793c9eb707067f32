package transform

import (
	"time"
)

// Tables of calls, in the order of the stream's Tables.
const (
	callsSheet = iota
	callNotesSheet
)

// longestCall is the longest duration that is believed: a longer one says that
// its unit is not the configured one.
const longestCall = 24 * time.Hour

// Calls is the stream of telephone calls.
func Calls() Stream {
	return Stream{
		Source: "aircall", Name: "calls",
		Tables: []Table{calls(), callNotes()},
		read:   readCalls,
		places: map[string][]string{"Call": {"nodes"}, "Note": {"nodes.notes"}},
	}
}

// readCalls reads a page of paginatedCalls. Null nodes are a page without calls.
func readCalls(d *decoder, root value) {
	if nodes := d.member(root, "nodes"); nodes.exists() && nodes.kind() == isNull {
		return
	}
	for i, call := range d.recordsOf(root, "nodes").elements() {
		if d.begin(callsSheet, i, call) && d.textKey(call.get("id")) {
			readCall(d, call)
		}
	}
}

func readCall(d *decoder, v value) {
	d.text(d.key)
	d.textOf(v.get("direction"), "direction")
	d.textOf(v.get("call_type"), "call_type")
	d.textOf(v.get("from"), "from")
	d.textOf(v.get("to"), "to")
	d.textOf(v.get("via"), "via")
	d.callDuration(v.get("duration"), "duration")
	d.flagOf(v.get("is_archived"), "is_archived")
	notes, present := d.array(v.get("notes"), "notes")
	if present {
		d.whole(int64(notes.len()))
	} else {
		d.null()
	}
	created := d.datedInstant(v.get("created_at"), "created_at")
	d.end(created)
	l := d.beginLook(callNotesSheet, present)
	readNotes(d, notes, created)
	d.endLook(l)
}

// callDuration appends a duration in the configured unit as seconds.
func (d *decoder) callDuration(v value, field string) {
	switch v.kind() {
	case isNull:
		d.null()
		return
	case isNumber:
	default:
		d.bad(field, reasonType, v)
		return
	}
	text, _ := d.literal(v)
	units, _, ok := parseDecimal(text, nanosecond)
	ns := units / int64(time.Second/d.durationUnit)
	switch {
	case !ok:
		d.bad(field, reasonNumber, v)
	case ns < 0:
		d.bad(field, reasonRange, v)
	case ns > int64(longestCall):
		d.bad(field, "the call is longer than a day: the unit of durations may be wrong", v)
	default:
		d.double(seconds(ns))
	}
}

// readNotes reads the notes of the call just appended.
func readNotes(d *decoder, notes value, created businessDay) {
	if notes.len() == 0 {
		return
	}
	call := string(d.key)
	for i, note := range notes.elements() {
		if !d.beginNested(callNotesSheet, place{"notes", i}, note) || !d.textKey(note.get("id")) {
			continue
		}
		d.string(call)
		d.text(d.key)
		d.whole(int64(i))
		d.textOf(note.get("content"), "content")
		d.end(created)
	}
}
