package transform

// Waves is the stream of SMS waves.
func Waves() Stream {
	return Stream{
		Source: "volt", Name: "waves",
		Tables: []Table{waves()},
		read:   readWaves,
		places: map[string][]string{"Wave": {""}},
	}
}

// readWaves reads a page that asks for many waves at once, each under an alias of
// its own. Null says that there is no wave of that id; it is no record.
func readWaves(d *decoder, root value) {
	data := root.get("data")
	if data.kind() != isObject {
		d.rejectPage("the page holds no data", root.raw())
		return
	}
	position := 0
	for wave := range data.members() {
		if wave.kind() != isNull {
			readWave(d, position, wave)
		}
		position++
	}
}

func readWave(d *decoder, position int, v value) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.get("id"))
	if !ok {
		return
	}
	d.whole(id)
	d.textOf(v.get("name"), "name")
	d.textOf(v.get("type"), "type")
	scheduled := d.datedInstant(v.get("scheduledTime"), "scheduledTime")
	account := d.object(v.get("account"), "account")
	d.idOf(account.get("id"), "account.id")
	d.textOf(account.get("name"), "account.name")
	d.textOf(account.get("primaryPhone"), "account.primaryPhone")
	d.idOf(d.object(v.get("organization"), "organization").get("id"), "organization.id")
	d.textOf(v.get("sentBy"), "sentBy")
	d.textOf(v.get("body"), "body")
	d.namesOf(v.get("media"), "media", "url")
	d.namesOf(v.get("lists"), "lists", "name")
	d.counterOf(v.get("totalMessages"), "totalMessages")
	d.counterOf(v.get("totalMessagesDelivered"), "totalMessagesDelivered")
	d.counterOf(v.get("totalMessagesFailed"), "totalMessagesFailed")
	d.end(scheduled)
}

// Messages is the stream of SMS messages, in both directions.
func Messages() Stream {
	return Stream{
		Source: "volt", Name: "messages",
		Tables: []Table{messages()},
		read:   readMessages,
		places: map[string][]string{"Message": {"messages"}},
	}
}

// readMessages reads a page of a conversation. A page of the inbox names contacts
// and holds no messages of its own.
func readMessages(d *decoder, root value) {
	if d.page.Operation == "Inbox" && root.get("data").exists() || d.member(root, "items").exists() {
		return
	}
	asked := d.askedNumbers()
	for i, message := range d.recordsOf(root, "messages").elements() {
		readMessage(d, i, message, asked)
	}
}

// askedNumbers are the two numbers of the request, the one that is more likely
// the account's first: inbox and conversation are asked with the account as from.
func (d *decoder) askedNumbers() (numbers [2][]byte) {
	for i, name := range [2]string{"from", "to"} {
		if v := d.variable(name); v.kind() == isString {
			numbers[i] = v.text()
		}
	}
	return numbers
}

func readMessage(d *decoder, position int, v value, asked [2][]byte) {
	if !d.begin(0, position, v) {
		return
	}
	id, ok := d.wholeKey(v.get("id"))
	if !ok {
		return
	}
	from, to := v.get("fromNumber").text(), v.get("toNumber").text()
	d.whole(id)
	d.idOf(v.get("legacyId"), "legacyId")
	d.wholeID(d.object(v.get("wave"), "wave").get("id"), "wave.id")
	d.idOf(d.object(v.get("contact"), "contact").get("id"), "contact.id")
	account := d.accountOf(v, from, to, asked)
	d.textOf(v.get("fromNumber"), "fromNumber")
	d.textOf(v.get("toNumber"), "toNumber")
	d.direction(account, from, to)
	d.textOf(v.get("status"), "status")
	d.textOf(v.get("statusDescription"), "statusDescription")
	d.errorCode(v.get("errorCode"))
	d.textOf(v.get("body"), "body")
	sent := d.datedInstant(v.get("sentAt"), "sentAt")
	d.instantOf(v.get("confirmedAt"), "confirmedAt")
	d.end(sent)
}

// accountOf appends and returns the number of the account: the one that the
// message names, else the asked one that is an end of the message.
func (d *decoder) accountOf(v value, from, to []byte, asked [2][]byte) []byte {
	phone := d.object(v.get("account"), "account").get("primaryPhone")
	if phone.kind() != isNull {
		d.textOf(phone, "account.primaryPhone")
		return phone.text()
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

// errorCode appends the carrier's code; numbers are taken as their literal.
func (d *decoder) errorCode(v value) { d.idOf(v, "errorCode") }

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
