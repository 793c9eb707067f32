package transform

import (
	"bytes"
	"strings"
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
func readDeskConversations(d *decoder, root value) {
	if strings.Contains(d.page.Operation, "history") {
		return
	}
	list := root.get("conversations")
	if !list.exists() && root.get("conversation").exists() {
		readDeskConversation(d, 0, root.get("conversation"))
		return
	}
	switch list.kind() {
	case isArray:
	case isNull:
		if !list.exists() && !d.countsNone(root) {
			d.rejectPage("the page holds no conversations", nil)
		}
		return
	default:
		d.rejectPage("conversations is no list", nil)
		return
	}
	for i, conversation := range list.elements() {
		readDeskConversation(d, i, conversation)
	}
}

// countsNone reports whether the page says that there is no record, in either block
// that may say it.
func (d *decoder) countsNone(root value) bool {
	for _, count := range []value{root.get("pagination").get("records"), root.get("meta").get("page").get("count")} {
		text, _ := d.literal(count)
		if n, ok := parseWhole(text); ok && n == 0 {
			return true
		}
	}
	return false
}

func readDeskConversation(d *decoder, position int, v value) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.get("id"))
	if !ok {
		return
	}
	d.whole(id)
	d.wholeID(v.get("ticket_id"), "ticket_id")
	d.contactOf(v)
	d.textOf(v.get("state"), "state")
	created := d.datedInstant(unlessNone(v.get("createdAt")), "createdAt")
	d.instantOf(unlessNone(v.get("updatedAt")), "updatedAt")
	d.instantOf(unlessNone(v.get("deletedAt")), "deletedAt")
	messages, present := d.array(v.get("messages"), "messages")
	if present {
		d.whole(int64(messages.len()))
	} else {
		d.null()
	}
	d.refsOf(v.get("users"), "users")
	d.end(created)
}

// contactOf appends the contact's id, which stands in contactId or in contact.
func (d *decoder) contactOf(v value) {
	if id := v.get("contactId"); id.kind() != isNull {
		d.wholeID(id, "contactId")
		return
	}
	d.wholeID(d.object(v.get("contact"), "contact").get("id"), "contact.id")
}

// unlessNone is v, absent for the vendor's way to write no time: 0001-01-01.
func unlessNone(v value) value {
	if bytes.HasPrefix(v.text(), []byte("0001-01-01")) {
		return value{}
	}
	return v
}

// refsOf appends the ids of a list of refs. A ref is an object with an id, or the
// id itself. One without id is a reject and not in the list.
func (d *decoder) refsOf(v value, field string) {
	refs, present := d.array(v, field)
	if !present {
		d.null()
		return
	}
	ids := d.numbers()
	for i, ref := range refs.elements() {
		id := ref
		if ref.kind() == isObject {
			id = ref.get("id")
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
