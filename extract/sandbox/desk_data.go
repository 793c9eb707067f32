package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// ticket is the timeline of one Desk conversation.
type ticket struct {
	id, ticketID int64
	contact      person
	contactID    int64
	token        string
	created      time.Time
	messages     []time.Time // the first at created; each touches the conversation
	deleted      time.Time   // zero: never; leaves updatedAt as it is
	users        []deskRef
	fraction     bool // times are written with one
	sparse       bool // what is empty is left out
}

// The objects of Desk: what the API serves and the truth tells.
type (
	deskRef struct {
		ID   int64 `json:"id"`
		Type any   `json:"type"` // text, a number or an object
		Meta any   `json:"meta"`
	}
	deskContact struct {
		ID        int64  `json:"id"`
		FirstName string `json:"firstName"`
		Phone     string `json:"phone"`
	}
	deskConversation struct {
		ID        int64        `json:"id"`
		Contact   *deskContact `json:"contact,omitempty"`
		ContactID int64        `json:"contactId,omitempty"`
		CreatedAt string       `json:"createdAt"`
		CreatedBy *deskRef     `json:"createdBy,omitempty"`
		DeletedAt string       `json:"deletedAt,omitempty"`
		DeletedBy *deskRef     `json:"deletedBy,omitempty"`
		Messages  []deskRef    `json:"messages,omitempty"`
		SocketID  string       `json:"socket_id,omitempty"`
		State     string       `json:"state"`
		TicketID  int64        `json:"ticket_id,omitempty"`
		Token     string       `json:"token,omitempty"`
		UpdatedAt string       `json:"updatedAt"`
		UpdatedBy *deskRef     `json:"updatedBy,omitempty"`
		Users     []deskRef    `json:"users,omitempty"`
	}
)

// tickets generates every conversation of Desk, in the order of its start.
func (w *world) tickets() []*ticket {
	var all []*ticket
	for day := range w.days() {
		for i := range w.volume(day, "ticket", 9) {
			d := w.roll("ticket", day.Format(time.DateOnly), i)
			n := d.IntN(w.people())
			t := &ticket{
				contact: w.person(n), contactID: int64(7000 + n), token: "dsk_" + d.uuid(),
				created: w.moment(d, day), fraction: d.chance(0.5), sparse: d.chance(0.3),
			}
			t.live(d)
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b *ticket) int { return a.created.Compare(b.created) })
	for i, t := range all {
		t.id = 3000 + 2*int64(i)
		t.ticketID = 90_000 + t.id
	}
	return all
}

// live lets the conversation go on, for days now and then, and end.
func (t *ticket) live(d dice) {
	if !t.fraction {
		t.created = t.created.Truncate(time.Second)
	}
	at := t.created
	for range d.between(1, 9) {
		t.messages = append(t.messages, at)
		wait := d.within(10*time.Second, 20*time.Minute)
		if d.chance(0.06) {
			wait = d.within(10*time.Hour, 60*time.Hour)
		}
		at = at.Add(wait).Truncate(time.Second)
	}
	if d.chance(0.07) {
		t.deleted = at.Add(time.Duration(d.between(1, 20*24*60)) * time.Minute)
	}
	for range d.IntN(3) {
		t.users = append(t.users, ref(d, int64(d.between(1, 12)), "users", 4))
	}
}

// ref returns a reference in one of the forms in the field.
func ref(d dice, id int64, kind string, number int) deskRef {
	r := deskRef{ID: id, Type: kind}
	switch d.IntN(5) {
	case 0:
		r.Type = number
	case 1:
		r.Type = map[string]any{"name": kind}
		r.Meta = map[string]any{}
	}
	return r
}

// text writes an instant as the vendor does.
func (t *ticket) text(at time.Time) string {
	if t.fraction {
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return at.UTC().Format(time.RFC3339)
}

// updated returns the time of the newest message at now.
func (t *ticket) updated(now time.Time) time.Time {
	last := t.created
	for _, at := range t.messages {
		if reached(at, now) {
			last = at
		}
	}
	return last
}

// at returns what the vendor shows of the conversation at now.
func (t *ticket) at(now time.Time) *deskConversation {
	v := &deskConversation{
		ID: t.id, ContactID: t.contactID, CreatedAt: t.text(t.created), UpdatedAt: t.text(t.updated(now)),
		State: "active", TicketID: t.ticketID, Users: t.users, CreatedBy: &deskRef{ID: t.contactID, Type: "customers"},
	}
	for i, at := range t.messages {
		if reached(at, now) {
			v.Messages = append(v.Messages, deskRef{ID: t.id*100 + int64(i), Type: "conversationmessages"})
		}
	}
	if !t.sparse {
		v.Contact = &deskContact{t.contactID, t.contact.name, t.contact.phone}
		v.DeletedAt = "0001-01-01T00:00:00Z"
		v.SocketID = fmt.Sprintf("sock-%d", t.id)
	}
	if reached(t.deleted, now) {
		v.State, v.DeletedAt, v.DeletedBy = "deleted", t.text(t.deleted), &deskRef{ID: 1, Type: "users"}
	}
	return v
}
