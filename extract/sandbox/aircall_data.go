package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// millis is how Aircall writes an instant.
const millis = "2006-01-02T15:04:05.000Z"

// phoneCall is the timeline of one call.
type phoneCall struct {
	id         string
	direction  string
	kind       string
	from, to   string
	via        string
	duration   float64 // milliseconds
	created    time.Time
	createdAs  string    // what the vendor sends for created
	archivedAt time.Time // zero: never
	restoredAt time.Time // zero: never
	notes      []callNote
}

type callNote struct {
	acNote
	at      time.Time
	deleted time.Time // zero: never
}

// The objects of Aircall's schema: what GraphQL serves and the truth tells.
type (
	acCall struct {
		ID         graphql.ID `json:"id"`
		Direction  string     `json:"direction"`
		From       string     `json:"from"`
		To         string     `json:"to"`
		Duration   float64    `json:"duration"`
		IsArchived bool       `json:"is_archived"`
		CallType   string     `json:"call_type"`
		Via        string     `json:"via"`
		CreatedAt  string     `json:"created_at"`
		Notes      []acNote   `json:"notes"`
	}
	acNote struct {
		ID      graphql.ID `json:"id"`
		Content string     `json:"content"`
	}
)

// aircallNumbers are the account's own numbers.
func aircallNumbers() []weighted[string] {
	return []weighted[string]{{"+33176000010", 60}, {"+33176000011", 25}, {"+442071000012", 10}, {"+33800000013", 5}}
}

// calls generates every call, in the order of its start.
func (w *world) calls() []*phoneCall {
	var all []*phoneCall
	for day := range w.days() {
		for i := range w.volume(day, "call", 38) {
			all = append(all, w.call(day, i))
		}
	}
	slices.SortFunc(all, func(a, b *phoneCall) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id))
	})
	return all
}

func (w *world) call(day time.Time, i int) *phoneCall {
	d := w.roll("call", day.Format(time.DateOnly), i)
	c := &phoneCall{id: d.uuid(), via: pickWeighted(d, aircallNumbers()), created: w.moment(d, day)}
	c.createdAs = c.created.Format(millis)
	customer := w.person(d.IntN(2 * w.people())).phone
	if d.chance(0.64) {
		c.direction, c.from, c.to = "inbound", customer, c.via
		c.kind = pickWeighted(d, []weighted[string]{{"answered", 66}, {"missed", 24}, {"voicemail", 10}})
	} else {
		c.direction, c.from, c.to = "outbound", c.via, customer
		c.kind = pickWeighted(d, []weighted[string]{{"answered", 70}, {"missed", 30}})
	}
	switch c.kind {
	case "answered":
		c.duration = float64(d.within(4*time.Second, 25*time.Minute).Milliseconds())
	default: // ringing, or the message: a missed call has a duration too
		c.duration = float64(d.within(610*time.Millisecond, 71274*time.Millisecond).Milliseconds())
	}
	if d.chance(0.3) {
		c.archivedAt = c.created.Add(d.within(time.Minute, 6*24*time.Hour))
		if d.chance(0.08) {
			c.restoredAt = c.archivedAt.Add(d.within(time.Minute, 3*24*time.Hour))
		}
	}
	if d.chance(0.22) {
		c.annotate(d, w.faults.has("late"))
		if w.faults.has("taken-back") {
			c.takeBack(d)
		}
	}
	if w.faults.has("dirty") && d.chance(0.02) {
		c.soil(d)
	}
	return c
}

// annotate adds notes, some to calls of weeks ago.
func (c *phoneCall) annotate(d dice, late bool) {
	at := c.created
	for range pickWeighted(d, []weighted[int]{{1, 75}, {2, 18}, {3, 7}}) {
		wait := d.within(time.Minute, 5*time.Hour)
		if late || d.chance(0.15) {
			wait = d.within(24*time.Hour, 25*24*time.Hour)
		}
		at = at.Add(wait)
		c.notes = append(c.notes, callNote{at: at, acNote: acNote{ID: graphql.ID(d.uuid()), Content: pick(d, noteContents)}})
	}
}

// takeBack deletes some notes.
func (c *phoneCall) takeBack(d dice) {
	for i := range c.notes {
		if n := &c.notes[i]; d.chance(0.4) {
			n.deleted = n.at.Add(d.within(time.Minute, 10*24*time.Hour))
		}
	}
}

// soil gives the call one value that is none.
func (c *phoneCall) soil(d dice) {
	switch d.IntN(3) {
	case 0:
		c.createdAs = "Invalid Date"
	case 1:
		c.duration = -1
	case 2:
		c.createdAs = fmt.Sprintf("%d-02-30T10:00:00.000Z", c.created.Year())
	}
}

// at returns what the vendor shows of the call at now.
func (c *phoneCall) at(now time.Time) *acCall {
	v := &acCall{
		ID: graphql.ID(c.id), Direction: c.direction, From: c.from, To: c.to, Duration: c.duration,
		IsArchived: reached(c.archivedAt, now) && !reached(c.restoredAt, now),
		CallType:   c.kind, Via: c.via, CreatedAt: c.createdAs, Notes: []acNote{},
	}
	for _, n := range slices.Backward(c.notes) {
		if reached(n.at, now) && !reached(n.deleted, now) {
			v.Notes = append(v.Notes, n.acNote)
		}
	}
	return v
}
