package transform

import "nightjar/transform/json"

// Waves is the stream of SMS waves.
func Waves() Stream {
	return Stream{
		Source: "volt", Name: "waves",
		Tables: []Table{waves()},
		read:   readWaves,
		paths:  map[string][]string{"Wave": {""}},
	}
}

// readWaves reads a page that asks for many waves at once, each under an alias of
// its own. Null says that there is no wave of that id; it is no record.
func readWaves(d *decoder, root json.Value) {
	data := root.Get("data")
	if data.Kind() != json.Object {
		d.rejectPage("the page holds no data", root.Raw())
		return
	}
	position := 0
	for wave := range data.Members() {
		if wave.Kind() != json.Null {
			readWave(d, position, wave)
		}
		position++
	}
}

func readWave(d *decoder, position int, v json.Value) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.Get("id"))
	if !ok {
		return
	}
	d.whole(id)
	d.textOf(v.Get("name"), "name")
	d.textOf(v.Get("type"), "type")
	scheduled := d.datedInstant(v.Get("scheduledTime"), "scheduledTime")
	account := d.object(v.Get("account"), "account")
	d.idOf(account.Get("id"), "account.id")
	d.textOf(account.Get("name"), "account.name")
	d.textOf(account.Get("primaryPhone"), "account.primaryPhone")
	d.idOf(d.object(v.Get("organization"), "organization").Get("id"), "organization.id")
	d.textOf(v.Get("sentBy"), "sentBy")
	d.textOf(v.Get("body"), "body")
	d.namesOf(v.Get("media"), "media", "url")
	d.namesOf(v.Get("lists"), "lists", "name")
	d.counterOf(v.Get("totalMessages"), "totalMessages")
	d.counterOf(v.Get("totalMessagesDelivered"), "totalMessagesDelivered")
	d.counterOf(v.Get("totalMessagesFailed"), "totalMessagesFailed")
	d.end(scheduled)
}

// Messages is the stream of SMS messages, in both directions.
func Messages() Stream {
	return Stream{
		Source: "volt", Name: "messages",
		Tables: []Table{messages()},
		read:   readMessages,
		paths:  map[string][]string{"Message": {"messages"}},
	}
}

// readMessages reads a page of a conversation. A page of the inbox names contacts
// and holds no messages of its own.
func readMessages(d *decoder, root json.Value) {
	if d.page.Operation == "Inbox" && root.Get("data").Exists() || d.member(root, "items").Exists() {
		return
	}
	asked := d.askedNumbers()
	for i, message := range d.recordsOf(root, "messages").Elements() {
		readMessage(d, i, message, asked)
	}
}

// askedNumbers are the two numbers of the request, the one that is more likely
// the account's first: inbox and conversation are asked with the account as from.
func (d *decoder) askedNumbers() [2][]byte {
	return [2][]byte{d.variable("from").Text(), d.variable("to").Text()}
}

func readMessage(d *decoder, position int, v json.Value, asked [2][]byte) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.Get("id"))
	if !ok {
		return
	}
	from, to := v.Get("fromNumber").Text(), v.Get("toNumber").Text()
	d.whole(id)
	d.idOf(v.Get("legacyId"), "legacyId")
	d.wholeID(d.object(v.Get("wave"), "wave").Get("id"), "wave.id")
	d.idOf(d.object(v.Get("contact"), "contact").Get("id"), "contact.id")
	account := d.accountOf(v, from, to, asked)
	d.textOf(v.Get("fromNumber"), "fromNumber")
	d.textOf(v.Get("toNumber"), "toNumber")
	d.direction(account, from, to)
	d.textOf(v.Get("status"), "status")
	d.textOf(v.Get("statusDescription"), "statusDescription")
	d.idOf(v.Get("errorCode"), "errorCode")
	d.textOf(v.Get("body"), "body")
	sent := d.datedInstant(v.Get("sentAt"), "sentAt")
	d.instantOf(v.Get("confirmedAt"), "confirmedAt")
	d.end(sent)
}

// accountOf appends and returns the number of the account: the one that the
// message names, else the asked one that is an end of the message.
func (d *decoder) accountOf(v json.Value, from, to []byte, asked [2][]byte) []byte {
	phone := d.object(v.Get("account"), "account").Get("primaryPhone")
	if phone.Kind() != json.Null {
		d.textOf(phone, "account.primaryPhone")
		return phone.Text()
	}
	for _, number := range asked {
		if sameNumber(number, from) || sameNumber(number, to) {
			d.text(clean(nil, number))
			return number
		}
	}
	d.null()
	return nil
}

func (d *decoder) direction(account, from, to []byte) {
	switch {
	case sameNumber(account, from):
		d.string("outbound")
	case sameNumber(account, to):
		d.string("inbound")
	default:
		d.null()
	}
}

// sameNumber compares the digits of two telephone numbers; no number is the same
// as none.
func sameNumber(a, b []byte) bool {
	i, j, digits := 0, 0, 0
	for {
		for i < len(a) && !isDigit(a[i]) {
			i++
		}
		for j < len(b) && !isDigit(b[j]) {
			j++
		}
		if i == len(a) || j == len(b) {
			return digits > 0 && i == len(a) && j == len(b)
		}
		if a[i] != b[j] {
			return false
		}
		i, j, digits = i+1, j+1, digits+1
	}
}
