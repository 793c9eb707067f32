package transform

import "nightjar/transform/json"

// Tickets is the stream of tickets of an imaginary vendor.
func Tickets() Stream {
	return Stream{Source: "sixth", Name: "tickets", Tables: []Table{tickets()}, read: readTickets}
}

// readTickets reads a list of tickets.
func readTickets(d *decoder, root json.Value) {
	list := root.Get("tickets")
	if list.Kind() != json.Array {
		d.rejectPage("the page holds no tickets", root.Raw())
		return
	}
	for i, ticket := range list.Elements() {
		readTicket(d, i, ticket)
	}
}

func readTicket(d *decoder, position int, v json.Value) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.Get("id"))
	if !ok {
		return
	}
	d.whole(id)
	opened := d.datedInstant(v.Get("openedAt"), "openedAt")
	d.textOf(v.Get("subject"), "subject")
	d.end(opened)
}
