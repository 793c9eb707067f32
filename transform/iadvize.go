package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Tables of closed_conversations, in the order of the stream's Tables.
const (
	conversationsSheet = iota
	transactionsSheet
)

// ClosedConversations is the stream of conversations that are over, with what they
// sold.
func ClosedConversations() Stream {
	return Stream{
		Source: "iadvize", Name: "closed_conversations",
		Tables: []Table{conversations(), transactions()},
		read:   readClosedConversations,
		places: map[string][]string{
			"Conversation":       {"edges.node", "edges.node.conversation"},
			"SatisfactionSurvey": {"edges.node.satisfactionSurvey", "edges.node.conversation.satisfactionSurvey"},
			"Transaction":        {"edges.node.conversions.transactions", "edges.node.conversation.conversions.transactions"},
		},
	}
}

// readClosedConversations reads a page of either query: edges whose node is a
// conversation, or wraps one beside its survey and its conversions.
func readClosedConversations(d *decoder, root value) {
	project := d.askedProject()
	for i, edge := range d.recordsOf(root, "edges").elements() {
		readEdge(d, i, edge, project)
	}
}

// askedProject is the one project that the page was asked for; absent where there
// are several or none.
func (d *decoder) askedProject() value {
	v := d.variable("projectIds")
	if v.len() == 1 {
		for _, project := range v.elements() {
			return project
		}
	}
	if v.kind() == isNumber {
		return v
	}
	return value{}
}

func readEdge(d *decoder, i int, edge, project value) {
	if !d.begin(conversationsSheet, i, edge) {
		return
	}
	node := edge.get("node")
	if !d.isObject(node) {
		return
	}
	conversation := node
	if !node.get("createdAt").exists() && node.get("conversation").exists() { // the older shape
		conversation = node.get("conversation")
	}
	if !d.isObject(conversation) || !d.textKey(conversation.get("id")) {
		return
	}
	closed := readConversation(d, node, conversation, project)
	conversions := either(node, conversation, "conversions")
	there := node.get("conversions").exists() || conversions.exists()
	l := d.beginLook(transactionsSheet, closed.known && d.page.Whole.holds(closed.at) && there && allTransactions(conversions))
	readTransactions(d, conversions, closed)
	d.endLook(l)
}

// allTransactions reports whether conversions tell which transactions there are: none,
// where they are null.
func allTransactions(conversions value) bool {
	switch conversions.kind() {
	case isNull:
		return true
	case isObject:
		transactions := conversions.get("transactions")
		return transactions.kind() == isArray || transactions.exists() && transactions.kind() == isNull
	}
	return false
}

// either returns the named member of the wrapper, and that of the conversation
// where the wrapper has none.
func either(node, conversation value, name string) value {
	if v := node.get(name); v.kind() != isNull || node == conversation {
		return v
	}
	return conversation.get(name)
}

func readConversation(d *decoder, node, v, project value) businessDay {
	d.text(d.key)
	if p := d.object(v.get("project"), "project"); p.get("id").kind() != isNull {
		project = p.get("id")
	}
	d.wholeID(project, "project.id")
	d.textOf(v.get("channel"), "channel")
	d.textOf(v.get("language"), "language")
	d.instantOf(v.get("createdAt"), "createdAt")
	closed := d.datedInstant(v.get("closedAt"), "closedAt")
	d.isoDuration(v.get("duration"), "duration")
	d.namesOf(v.get("tags"), "tags", "name")
	survey := d.object(either(node, v, "satisfactionSurvey"), "satisfactionSurvey")
	d.scoreOf(survey.get("customerSatisfaction"), "satisfactionSurvey.customerSatisfaction", 1, 5)
	d.scoreOf(survey.get("netPromoterScore"), "satisfactionSurvey.netPromoterScore", 0, 10)
	d.textOf(survey.get("comment"), "satisfactionSurvey.comment")
	d.end(closed)
	return closed
}

// isoDuration appends seconds from an ISO 8601 duration or a bare number.
func (d *decoder) isoDuration(v value, field string) {
	text, ok := d.literal(v)
	if v.kind() == isNull || ok && len(text) == 0 {
		d.null()
		return
	}
	if !ok {
		d.bad(field, reasonType, v)
		return
	}
	ns, ok := parseDuration(text)
	switch {
	case !ok:
		d.bad(field, "the value is no ISO 8601 duration of weeks, days, hours, minutes and seconds", v)
	case ns < 0:
		d.bad(field, reasonRange, v)
	default:
		d.double(seconds(ns))
	}
}

func seconds(ns int64) float64 { return float64(ns) / float64(time.Second) }

// readTransactions reads the conversions of the conversation just appended.
func readTransactions(d *decoder, conversions value, closed businessDay) {
	const list = "conversions.transactions"
	transactions, _ := d.array(d.object(conversions, "conversions").get("transactions"), list)
	if transactions.len() == 0 {
		return
	}
	conversation := string(d.key)
	twins := make(map[string]int)
	for i, v := range transactions.elements() {
		if d.beginNested(transactionsSheet, place{list, i}, v) && d.transactionKey(v, conversation, twins) {
			readTransaction(d, v, conversation, closed)
		}
	}
}

func readTransaction(d *decoder, v value, conversation string, closed businessDay) {
	d.string(conversation)
	d.text(d.key)
	d.idOf(v.get("externalConversionId"), "externalConversionId")
	d.amountOf(v.get("amount"), "amount")
	d.textOf(v.get("currency"), "currency")
	d.instantOf(v.get("receivedAt"), "receivedAt")
	d.businessDay(closed)
	d.end(closed)
}

// transactionKey reads the id of a transaction. Where the query has none, the key
// is the first half of a SHA-256, in hex, over what the transaction says; of equal
// transactions in one conversation, all but the first are told apart by number.
func (d *decoder) transactionKey(v value, conversation string, twins map[string]int) bool {
	if v.get("id").exists() {
		return d.textKey(v.get("id"))
	}
	content := append([]byte(conversation), '|')
	content = append(d.appendLiteral(content, v.get("externalConversionId")), '|')
	content = append(d.appendAmount(content, v.get("amount")), '|')
	content = append(d.appendLiteral(content, v.get("currency")), '|')
	content = d.appendInstant(content, v.get("receivedAt"))
	twins[string(content)]++
	if n := twins[string(content)]; n > 1 {
		content = strconv.AppendInt(append(content, '|'), int64(n), 10)
	}
	sum := sha256.Sum256(content)
	d.key, d.hasKey = hex.AppendEncode(d.key[:0], sum[:16]), true
	return true
}

func (d *decoder) appendLiteral(b []byte, v value) []byte {
	text, _ := d.literal(v)
	return append(b, text...)
}

// appendAmount writes an amount in one form, whatever form it came in.
func (d *decoder) appendAmount(b []byte, v value) []byte {
	text, _ := d.literal(v)
	amount, ok := parseAmount(text)
	if !ok {
		return append(b, text...)
	}
	return strconv.AppendInt(b, amount, 10)
}

// appendInstant writes a time in one form, whatever form it came in.
func (d *decoder) appendInstant(b []byte, v value) []byte {
	text, _ := d.literal(v)
	us, ok := parseInstant(text)
	if !ok {
		return append(b, text...)
	}
	return time.UnixMicro(us).UTC().AppendFormat(b, time.RFC3339Nano)
}
