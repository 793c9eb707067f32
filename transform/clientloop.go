package transform

import (
	"bytes"
)

// readSessions reads the answer to the creation of one session. The landed page
// holds a keyed hash in the place of the session's token. A request whose outcome
// nobody knows lands as {"outcome": "unknown"}, and is a reject that says so.
func readSessions(d *decoder, root value) {
	if outcome := search(root, "outcome").text(); len(outcome) > 0 && string(outcome) != "created" {
		d.begin(0, 0, root)
		d.rejectRow("the outcome of the request is " + string(clean(nil, cut(outcome, 100))))
		return
	}
	data := root.get("data")
	if data.kind() != isObject {
		d.rejectPage("the page holds no data", nil)
		return
	}
	position := 0
	for session := range data.members() {
		readSession(d, position, session)
		position++
	}
}

func readSession(d *decoder, position int, v value) {
	if !d.begin(0, position, v) {
		return
	}
	id := sessionID(v)
	if id == nil {
		d.rejectRow("no key: the session has no keyed hash of its token")
		return
	}
	d.setKey(id)
	d.text(id)
	d.idOf(d.variable("orgId"), "input.orgId")
	d.idOf(d.variable("contactId"), "input.contactId")
	d.instant(d.from.at)
	requested := d.days.dayOf(d.from.at)
	d.businessDay(requested)
	d.instantOf(v.get("expiresAt"), "expiresAt")
	d.end(requested)
}

// sessionID is the keyed hash of the token, wherever the page has it; nil where it
// has none. What does not look like a hash may be the token itself and is not
// believed.
func sessionID(v value) []byte {
	for _, name := range []string{"sessionId", "session_id", "id", "token"} {
		text := v.get(name).text()
		if hash := bytes.TrimPrefix(text, []byte("hmac-sha256:")); isHash(hash) {
			return hash
		}
	}
	return nil
}

// isHash reports whether text is 128 bits or more in lower-case hex.
func isHash(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(text) >= 32 && len(text)%2 == 0
}
