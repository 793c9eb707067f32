package transform

import (
	"bytes"
	"strings"

	"nightjar/transform/json"
)

// DeskConversations is the stream of chat conversations of Teamwork Desk.
func DeskConversations() Stream {
	return Stream{
		Source: "desk", Name: "conversations",
		Tables: []Table{deskConversations()},
		read:   readDeskConversations, withhold: true,
	}
}

// readDeskConversations reads a list of conversations, or one conversation. A
// page of message history holds none, nor does a list that is null, or that is left
// out where the page counts no record.
func readDeskConversations(d *decoder, root json.Value) {
	if strings.Contains(d.page.Operation, "history") {
		return
	}
	list := root.Get("conversations")
	if !list.Exists() && root.Get("conversation").Exists() {
		readDeskConversation(d, 0, root.Get("conversation"))
		return
	}
	switch list.Kind() {
	case json.Array:
	case json.Null:
		if !list.Exists() && !d.countsNone(root) {
			d.rejectPage("the page holds no conversations", nil)
		}
		return
	default:
		d.rejectPage("conversations is no list", nil)
		return
	}
	for i, conversation := range list.Elements() {
		readDeskConversation(d, i, conversation)
	}
}

// countsNone reports whether the page says that there is no record, in either block
// that may say it.
func (d *decoder) countsNone(root json.Value) bool {
	for _, count := range []json.Value{root.Get("pagination").Get("records"), root.Get("meta").Get("page").Get("count")} {
		text, _ := d.literal(count)
		if n, ok := parseWhole(text); ok && n == 0 {
			return true
		}
	}
	return false
}

func readDeskConversation(d *decoder, position int, v json.Value) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.Get("id"))
	if !ok {
		return
	}
	d.whole(id)
	d.wholeID(v.Get("ticket_id"), "ticket_id")
	d.contactOf(v)
	d.textOf(v.Get("state"), "state")
	created := d.datedInstant(unlessNone(v.Get("createdAt")), "createdAt")
	d.instantOf(unlessNone(v.Get("updatedAt")), "updatedAt")
	d.instantOf(unlessNone(v.Get("deletedAt")), "deletedAt")
	messages, present := d.array(v.Get("messages"), "messages")
	if present {
		d.whole(int64(messages.Len()))
	} else {
		d.null()
	}
	d.refsOf(v.Get("users"), "users")
	d.end(created)
}

// contactOf appends the contact's id, which stands in contactId or in contact.
func (d *decoder) contactOf(v json.Value) {
	if id := v.Get("contactId"); id.Kind() != json.Null {
		d.wholeID(id, "contactId")
		return
	}
	d.wholeID(d.object(v.Get("contact"), "contact").Get("id"), "contact.id")
}

// unlessNone is v, absent for the vendor's way to write no time: 0001-01-01.
func unlessNone(v json.Value) json.Value {
	if bytes.HasPrefix(v.Text(), []byte("0001-01-01")) {
		return json.Value{}
	}
	return v
}

// refsOf appends the ids of a list of refs. A ref is an object with an id, or the
// id itself. One without id is a reject and not in the list.
func (d *decoder) refsOf(v json.Value, field string) {
	refs, present := d.array(v, field)
	if !present {
		d.null()
		return
	}
	ids := d.numbers()
	for i, ref := range refs.Elements() {
		id := ref
		if ref.Kind() == json.Object {
			id = ref.Get("id")
		}
		text, _ := d.literal(id)
		n, ok := parseWhole(text)
		if !ok {
			d.rejectField(place{field, i}.String(), "the element has no numeric id", ref)
			continue
		}
		ids.Append(n)
	}
}
