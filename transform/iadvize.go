package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"nightjar/transform/json"
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
		paths: map[string][]string{
			"Conversation":       {"edges.node", "edges.node.conversation"},
			"SatisfactionSurvey": {"edges.node.satisfactionSurvey", "edges.node.conversation.satisfactionSurvey"},
			"Transaction":        {"edges.node.conversions.transactions", "edges.node.conversation.conversions.transactions"},
		},
	}
}

// readClosedConversations reads a page of either query: edges whose node is a
// conversation, or wraps one beside its survey and its conversions.
func readClosedConversations(d *decoder, root json.Value) {
	project := d.askedProject()
	for i, edge := range d.recordsOf(root, "edges").Elements() {
		readEdge(d, i, edge, project)
	}
}

// askedProject is the one project that the page was asked for; absent where there
// are several or none.
func (d *decoder) askedProject() json.Value {
	v := d.variable("projectIds")
	if v.Len() == 1 {
		for _, project := range v.Elements() {
			return project
		}
	}
	if v.Kind() == json.Number {
		return v
	}
	return json.Value{}
}

func readEdge(d *decoder, i int, edge, project json.Value) {
	if !d.begin(conversationsSheet, i, edge) {
		return
	}
	node := edge.Get("node")
	if !d.isObject(node) {
		return
	}
	conversation := node
	if !node.Get("createdAt").Exists() && node.Get("conversation").Exists() { // the older shape
		conversation = node.Get("conversation")
	}
	if !d.isObject(conversation) || !d.textKey(conversation.Get("id")) {
		return
	}
	about := readConversation(d, node, conversation, project)
	conversions := either(node, conversation, "conversions")
	there := node.Get("conversions").Exists() || conversions.Exists()
	l := d.beginLook(transactionsSheet, about.closed.known && d.page.Whole.holds(about.closed.at) && there && allTransactions(conversions))
	readTransactions(d, conversions, about)
	d.endLook(l)
}

// allTransactions reports whether conversions tell which transactions there are: none,
// where they are null.
func allTransactions(conversions json.Value) bool {
	switch conversions.Kind() {
	case json.Null:
		return true
	case json.Object:
		transactions := conversions.Get("transactions")
		return transactions.Kind() == json.Array || transactions.Exists() && transactions.Kind() == json.Null
	}
	return false
}

// either returns the named member of the wrapper, and that of the conversation
// where the wrapper has none.
func either(node, conversation json.Value, name string) json.Value {
	if v := node.Get(name); v.Kind() != json.Null || node == conversation {
		return v
	}
	return conversation.Get(name)
}

// seller is what the transactions of a conversation take from it.
type seller struct {
	project   int64
	ofProject bool // whether it is known
	closed    businessDay
}

func readConversation(d *decoder, node, v, project json.Value) seller {
	var about seller
	d.text(d.key)
	if p := d.object(v.Get("project"), "project"); p.Get("id").Kind() != json.Null {
		project = p.Get("id")
	}
	about.project, about.ofProject = d.wholeID(project, "project.id")
	d.textOf(v.Get("channel"), "channel")
	d.textOf(v.Get("language"), "language")
	d.instantOf(v.Get("createdAt"), "createdAt")
	about.closed = d.datedInstant(v.Get("closedAt"), "closedAt")
	d.isoDuration(v.Get("duration"), "duration")
	d.namesOf(v.Get("tags"), "tags", "name")
	survey := d.object(either(node, v, "satisfactionSurvey"), "satisfactionSurvey")
	d.scoreOf(survey.Get("customerSatisfaction"), "satisfactionSurvey.customerSatisfaction", 1, 5)
	d.scoreOf(survey.Get("netPromoterScore"), "satisfactionSurvey.netPromoterScore", 0, 10)
	d.textOf(survey.Get("comment"), "satisfactionSurvey.comment")
	d.end(about.closed)
	return about
}

// isoDuration appends seconds from an ISO 8601 duration or a bare number.
func (d *decoder) isoDuration(v json.Value, field string) {
	text, ok := d.literal(v)
	if v.Kind() == json.Null || ok && len(text) == 0 {
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
func readTransactions(d *decoder, conversions json.Value, about seller) {
	const list = "conversions.transactions"
	transactions, _ := d.array(d.object(conversions, "conversions").Get("transactions"), list)
	if transactions.Len() == 0 {
		return
	}
	conversation := string(d.key)
	twins := make(map[string]int)
	for i, v := range transactions.Elements() {
		if d.beginNested(transactionsSheet, place{list, i}, v) && d.transactionKey(v, conversation, twins) {
			readTransaction(d, v, conversation, about)
		}
	}
}

func readTransaction(d *decoder, v json.Value, conversation string, about seller) {
	d.string(conversation)
	d.text(d.key)
	d.idOf(v.Get("externalConversionId"), "externalConversionId")
	d.amountOf(v.Get("amount"), "amount")
	d.textOf(v.Get("currency"), "currency")
	d.instantOf(v.Get("receivedAt"), "receivedAt")
	d.businessDay(about.closed)
	if about.ofProject {
		d.whole(about.project)
	} else {
		d.null()
	}
	d.end(about.closed)
}

// transactionKey reads the id of a transaction. Where the query has none, the key
// is the first half of a SHA-256, in hex, over what the transaction says; of equal
// transactions in one conversation, all but the first are told apart by number.
func (d *decoder) transactionKey(v json.Value, conversation string, twins map[string]int) bool {
	if v.Get("id").Exists() {
		return d.textKey(v.Get("id"))
	}
	content := append([]byte(conversation), '|')
	content = append(d.appendLiteral(content, v.Get("externalConversionId")), '|')
	content = append(d.appendAmount(content, v.Get("amount")), '|')
	content = append(d.appendLiteral(content, v.Get("currency")), '|')
	content = d.appendInstant(content, v.Get("receivedAt"))
	twins[string(content)]++
	if n := twins[string(content)]; n > 1 {
		content = strconv.AppendInt(append(content, '|'), int64(n), 10)
	}
	sum := sha256.Sum256(content)
	d.key, d.hasKey = hex.AppendEncode(d.key[:0], sum[:16]), true
	return true
}

func (d *decoder) appendLiteral(b []byte, v json.Value) []byte {
	text, _ := d.literal(v)
	return append(b, text...)
}

// appendAmount writes an amount in one form, whatever form it came in.
func (d *decoder) appendAmount(b []byte, v json.Value) []byte {
	text, _ := d.literal(v)
	amount, ok := parseAmount(text)
	if !ok {
		return append(b, text...)
	}
	return strconv.AppendInt(b, amount, 10)
}

// appendInstant writes a time in one form, whatever form it came in.
func (d *decoder) appendInstant(b []byte, v json.Value) []byte {
	text, _ := d.literal(v)
	us, ok := parseInstant(text)
	if !ok {
		return append(b, text...)
	}
	return time.UnixMicro(us).UTC().AppendFormat(b, time.RFC3339Nano)
}
