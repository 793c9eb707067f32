package transform

import (
	"bytes"
	"strings"

	"github.com/valyala/fastjson"
)

// readDeskConversations reads a list of conversations, or one conversation. A
// page of message history holds none.
func readDeskConversations(d *decoder, root *fastjson.Value) {
	if strings.Contains(d.page.Operation, "history") {
		return
	}
	list := root.Get("conversations")
	if list == nil && root.Exists("conversation") {
		readDeskConversation(d, 0, root.Get("conversation"))
		return
	}
	switch kind(list) {
	case fastjson.TypeArray:
	case fastjson.TypeNull:
		if list == nil {
			d.rejectPage("the page holds no conversations", nil)
		}
		return
	default:
		d.rejectPage("conversations is no list", nil)
		return
	}
	for i, conversation := range list.GetArray() {
		readDeskConversation(d, i, conversation)
	}
}

func readDeskConversation(d *decoder, position int, v *fastjson.Value) {
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
		d.whole(int64(len(messages)))
	} else {
		d.null()
	}
	d.refsOf(v.Get("users"), "users")
	d.end(created)
}

// contactOf appends the contact's id, which stands in contactId or in contact.
func (d *decoder) contactOf(v *fastjson.Value) {
	if id := v.Get("contactId"); kind(id) != fastjson.TypeNull {
		d.wholeID(id, "contactId")
		return
	}
	d.wholeID(d.object(v.Get("contact"), "contact").Get("id"), "contact.id")
}

// unlessNone returns nil for the vendor's way to write no time: 0001-01-01.
func unlessNone(v *fastjson.Value) *fastjson.Value {
	if bytes.HasPrefix(v.GetStringBytes(), []byte("0001-01-01")) {
		return nil
	}
	return v
}

// refsOf appends the ids of a list of refs. A ref is an object with an id, or the
// id itself. One without id is a reject and not in the list.
func (d *decoder) refsOf(v *fastjson.Value, field string) {
	refs, present := d.array(v, field)
	if !present {
		d.null()
		return
	}
	ids := d.numbers()
	for i, ref := range refs {
		id := ref
		if ref.Type() == fastjson.TypeObject {
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
