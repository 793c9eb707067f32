package transform

import (
	"time"

	"nightjar/transform/json"
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
		paths:  map[string][]string{"Call": {"nodes"}, "Note": {"nodes.notes"}},
	}
}

// readCalls reads a page of paginatedCalls. Null nodes are a page without calls.
func readCalls(d *decoder, root json.Value) {
	if nodes := d.member(root, "nodes"); nodes.Exists() && nodes.Kind() == json.Null {
		return
	}
	for i, call := range d.recordsOf(root, "nodes").Elements() {
		if d.begin(callsSheet, i, call) && d.textKey(call.Get("id")) {
			readCall(d, call)
		}
	}
}

func readCall(d *decoder, v json.Value) {
	d.text(d.key)
	d.textOf(v.Get("direction"), "direction")
	d.textOf(v.Get("call_type"), "call_type")
	d.textOf(v.Get("from"), "from")
	d.textOf(v.Get("to"), "to")
	d.textOf(v.Get("via"), "via")
	d.callDuration(v.Get("duration"), "duration")
	d.flagOf(v.Get("is_archived"), "is_archived")
	notes, present := d.array(v.Get("notes"), "notes")
	if present {
		d.whole(int64(notes.Len()))
	} else {
		d.null()
	}
	created := d.datedInstant(v.Get("created_at"), "created_at")
	d.end(created)
	l := d.beginLook(callNotesSheet, present)
	readNotes(d, notes, created)
	d.endLook(l)
}

// callDuration appends a duration in the configured unit as seconds.
func (d *decoder) callDuration(v json.Value, field string) {
	text, ok := d.numeral(v, field)
	if !ok {
		return
	}
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
func readNotes(d *decoder, notes json.Value, created businessDay) {
	if notes.Len() == 0 {
		return
	}
	call := string(d.key)
	for i, note := range notes.Elements() {
		if !d.beginNested(callNotesSheet, place{"notes", i}, note) || !d.textKey(note.Get("id")) {
			continue
		}
		d.string(call)
		d.text(d.key)
		d.whole(int64(i))
		d.textOf(note.Get("content"), "content")
		d.end(created)
	}
}
