package transform

import (
	"bytes"

	"nightjar/transform/json"
)

// Tables of sessions, in the order of the stream's Tables.
const (
	idvSessionsSheet = iota
	idvRequestsSheet
)

// How a request for a session ended.
const (
	outcomeSession = "session" // there is a session
	outcomeUnknown = "unknown" // nobody knows whether there is one
	outcomeNone    = "none"    // the vendor surely did not act
)

// IDVSessions is the stream of requests for sessions of identity verification.
func IDVSessions() Stream {
	return Stream{
		Source: "clientloop", Name: "idv_sessions",
		Tables: []Table{idvSessions(), idvRequests()},
		read:   readSessions, withhold: true,
	}
}

// readSessions reads what is known of the request for one session: the answer, with
// a keyed hash in the place of the session's token, or {"outcome": "unknown"}. The
// latter lands before every request, so that one whose answer never lands is known
// for what it is; the page of the answer follows, and takes its place.
func readSessions(d *decoder, root json.Value) {
	if outcome := search(root, "outcome").Text(); len(outcome) > 0 && string(outcome) != "created" {
		known := outcomeUnknown
		if string(outcome) == outcomeNone {
			known = outcomeNone
		}
		d.request(known, root.Get("reason"), 0)
		return
	}
	data := root.Get("data")
	if data.Kind() != json.Object {
		d.rejectPage("the page holds no data", nil)
		return
	}
	position := 0
	for session := range data.Members() {
		readSession(d, position, session)
		position++
	}
}

func readSession(d *decoder, position int, v json.Value) {
	if !d.begin(idvSessionsSheet, position, v) {
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
	expires, _ := d.instantOf(v.Get("expiresAt"), "expiresAt")
	d.end(requested)
	d.request(outcomeSession, json.Value{}, expires)
}

// request appends how the last request for a contact ended, as far as the page
// knows. Expires is zero where the request has made no session, or one without a
// time. A session that is for no contact known has nothing to be repeated for.
func (d *decoder) request(outcome string, reason json.Value, expires int64) {
	d.sheet = d.rows.sheets[idvRequestsSheet]
	contact, bad := d.identifier(d.variable("contactId"))
	if bad != "" || len(contact) == 0 {
		return
	}
	d.setKey(contact)
	d.text(d.key)
	if org, bad := d.identifier(d.variable("orgId")); bad == "" && len(org) > 0 {
		d.text(org)
	} else {
		d.null()
	}
	d.instant(d.from.at)
	requested := d.days.dayOf(d.from.at)
	d.businessDay(requested)
	d.string(outcome)
	if reason.Kind() == json.String {
		d.text(d.clean(reason))
	} else {
		d.null()
	}
	if expires != 0 {
		d.instant(expires)
	} else {
		d.null()
	}
	d.end(requested)
}

// sessionID is the keyed hash of the token, wherever the page has it; nil where it
// has none. What does not look like a hash may be the token itself and is not
// believed.
func sessionID(v json.Value) []byte {
	for _, name := range []string{"sessionId", "session_id", "id", "token"} {
		text := v.Get(name).Text()
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
