package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// Tables of closed_conversations, in the order of TablesOf.
const (
	conversationsSheet = iota
	transactionsSheet
)

// readClosedConversations reads a page of either query: edges whose node is a
// conversation, or wraps one beside its survey and its conversions.
func readClosedConversations(d *decoder, root *fastjson.Value) {
	project := d.askedProject()
	for i, edge := range d.recordsOf(root, "edges") {
		readEdge(d, i, edge, project)
	}
}

// askedProject is the one project that the page was asked for; nil where there
// are several or none.
func (d *decoder) askedProject() *fastjson.Value {
	v := d.variable("projectIds")
	if projects := v.GetArray(); len(projects) == 1 {
		return projects[0]
	}
	if kind(v) == fastjson.TypeNumber {
		return v
	}
	return nil
}

func readEdge(d *decoder, i int, edge, project *fastjson.Value) {
	if !d.begin(conversationsSheet, i, edge) {
		return
	}
	node := edge.Get("node")
	if !d.isObject(node) {
		return
	}
	conversation := node
	if !node.Exists("createdAt") && node.Exists("conversation") { // the older shape
		conversation = node.Get("conversation")
	}
	if !d.isObject(conversation) || !d.textKey(conversation.Get("id")) {
		return
	}
	closed := readConversation(d, node, conversation, project)
	readTransactions(d, either(node, conversation, "conversions"), closed)
}

// either returns the named member of the wrapper, and that of the conversation
// where the wrapper has none.
func either(node, conversation *fastjson.Value, name string) *fastjson.Value {
	if v := node.Get(name); kind(v) != fastjson.TypeNull || node == conversation {
		return v
	}
	return conversation.Get(name)
}

func readConversation(d *decoder, node, v, project *fastjson.Value) businessDay {
	d.text(d.key)
	if p := d.object(v.Get("project"), "project"); p != nil && kind(p.Get("id")) != fastjson.TypeNull {
		project = p.Get("id")
	}
	d.wholeID(project, "project.id")
	d.textOf(v.Get("channel"), "channel")
	d.textOf(v.Get("language"), "language")
	d.instantOf(v.Get("createdAt"), "createdAt")
	closed := d.datedInstant(v.Get("closedAt"), "closedAt")
	d.isoDuration(v.Get("duration"), "duration")
	d.namesOf(v.Get("tags"), "tags", "name")
	survey := d.object(either(node, v, "satisfactionSurvey"), "satisfactionSurvey")
	d.scoreOf(survey.Get("customerSatisfaction"), "satisfactionSurvey.customerSatisfaction", 1, 5)
	d.scoreOf(survey.Get("netPromoterScore"), "satisfactionSurvey.netPromoterScore", 0, 10)
	d.textOf(survey.Get("comment"), "satisfactionSurvey.comment")
	d.end(closed)
	return closed
}

// isoDuration appends seconds from an ISO 8601 duration or a bare number.
func (d *decoder) isoDuration(v *fastjson.Value, field string) {
	text, ok := d.literal(v)
	if kind(v) == fastjson.TypeNull || ok && len(text) == 0 {
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
func readTransactions(d *decoder, conversions *fastjson.Value, closed businessDay) {
	const list = "conversions.transactions"
	transactions, _ := d.array(d.object(conversions, "conversions").Get("transactions"), list)
	if len(transactions) == 0 {
		return
	}
	conversation := string(d.key)
	twins := make(map[string]int)
	for i, v := range transactions {
		if d.beginNested(transactionsSheet, place{list, i}, v) && d.transactionKey(v, conversation, twins) {
			readTransaction(d, v, conversation, closed)
		}
	}
}

func readTransaction(d *decoder, v *fastjson.Value, conversation string, closed businessDay) {
	d.text(d.key)
	d.string(conversation)
	d.idOf(v.Get("externalConversionId"), "externalConversionId")
	d.amountOf(v.Get("amount"), "amount")
	d.textOf(v.Get("currency"), "currency")
	d.instantOf(v.Get("receivedAt"), "receivedAt")
	d.businessDay(closed)
	d.end(closed)
}

// transactionKey reads the id of a transaction. Where the query has none, the key
// is the first half of a SHA-256, in hex, over what the transaction says; of equal
// transactions in one conversation, all but the first are told apart by number.
func (d *decoder) transactionKey(v *fastjson.Value, conversation string, twins map[string]int) bool {
	if v.Exists("id") {
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

func (d *decoder) appendLiteral(b []byte, v *fastjson.Value) []byte {
	text, _ := d.literal(v)
	return append(b, text...)
}

// appendAmount writes an amount in one form, whatever form it came in.
func (d *decoder) appendAmount(b []byte, v *fastjson.Value) []byte {
	text, _ := d.literal(v)
	amount, ok := parseAmount(text)
	if !ok {
		return append(b, text...)
	}
	return strconv.AppendInt(b, amount, 10)
}

// appendInstant writes a time in one form, whatever form it came in.
func (d *decoder) appendInstant(b []byte, v *fastjson.Value) []byte {
	text, _ := d.literal(v)
	us, ok := parseInstant(text)
	if !ok {
		return append(b, text...)
	}
	return time.UnixMicro(us).UTC().AppendFormat(b, time.RFC3339Nano)
}
