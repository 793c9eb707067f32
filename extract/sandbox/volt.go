package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	voltToken   = "volt-sandbox-token-5d20e8"
	voltPage    = 25 // messages, or inbox items, of a page
	voltAliases = 20 // root fields of a request under the fault "alias-limit"
)

// volt is the simulated Volt.
type volt struct {
	*world
	state    *voltState
	waves    map[int64]*smsWave
	messages map[int64]*smsMessage
	endpoint *endpoint
	requests atomic.Int64
}

func newVolt(w *world) (vendor, error) {
	v := &volt{world: w, state: w.voltState(), waves: map[int64]*smsWave{}, messages: map[int64]*smsMessage{}}
	for _, wave := range v.state.waves {
		v.waves[wave.id] = wave
	}
	for _, m := range v.state.messages {
		v.messages[m.id] = m
	}
	var err error
	v.endpoint, err = newEndpoint(w, "volt", &voltRoot{v}, coded)
	return vendor{
		routes: map[string]http.Handler{"/graphql": http.HandlerFunc(v.serveGraphQL)},
		env:    map[string]string{"ENDPOINT": "/graphql", "TOKEN": voltToken},
		truths: []told{{"volt/waves", v.truthWaves}, {"volt/messages", v.truthMessages}},
	}, err
}

// voltFields finds the fields of a request that cost the vendor a look-up.
var voltFields = regexp.MustCompile(`\b(wave|message|legacyMessage|conversation|inbox)\s*\(`)

func (v *volt) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	// A long-lived token does not die; under the fault "expire" it is refused now
	// and then all the same.
	refused := v.faults.has("expire") && v.requests.Add(1)%50 == 0
	if bearer(r) != voltToken || refused {
		v.endpoint.refuse(w, http.StatusUnauthorized, "Unauthenticated.", map[string]any{"code": "UNAUTHENTICATED"})
		return
	}
	q, ok := v.endpoint.read(w, r)
	if !ok {
		return
	}
	if n := len(voltFields.FindAllString(q.Query, -1)); v.faults.has("alias-limit") && n > voltAliases {
		v.endpoint.refuse(w, http.StatusOK, fmt.Sprintf("Query is too complex: %d root fields, at most %d are allowed", n, voltAliases),
			map[string]any{"code": "QUERY_TOO_COMPLEX"})
		return
	}
	v.endpoint.answer(r.Context(), w, q, nil)
}

// voltRoot resolves queries and mutations.
type voltRoot struct{ v *volt }

// Wave returns the wave of a numeric id, null where there is none.
func (q *voltRoot) Wave(args struct{ ID voltID }) *voltWaveView {
	id, err := strconv.ParseInt(args.ID.text, 10, 64)
	wave, now := q.v.waves[id], q.v.now()
	if err != nil || wave == nil || !reached(wave.created, now) {
		return nil
	}
	return &voltWaveView{q.v.world, wave, now}
}

// Message returns the message of a numeric id, null where there is none.
func (q *voltRoot) Message(args struct{ ID voltID }) *voltMessage {
	id, err := strconv.ParseInt(args.ID.text, 10, 64)
	m, now := q.v.messages[id], q.v.now()
	if err != nil || m == nil || !reached(m.sent, now) {
		return nil
	}
	return &voltMessage{q.v.world, m, now}
}

// LegacyMessage returns the message by its provider's id, null where there is none.
func (q *voltRoot) LegacyMessage(args struct{ ID voltID }) *voltMessage {
	now := q.v.now()
	for _, m := range q.v.state.messages {
		if m.legacy == args.ID.text && reached(m.sent, now) {
			return &voltMessage{q.v.world, m, now}
		}
	}
	return nil
}

// Contact returns a contact of an account, null where there is none.
func (q *voltRoot) Contact(args struct{ PrimaryPhone, PhoneNumber string }) *voltContactView {
	if c := q.v.state.contacts[args.PrimaryPhone][args.PhoneNumber]; c != nil {
		return &voltContactView{c}
	}
	return nil
}

// Conversation pages backwards through the messages between an account (from)
// and a contact (to), newest first.
func (q *voltRoot) Conversation(args struct {
	To, From string
	Before   *string
}) (*voltConversation, error) {
	page, now := &voltConversation{Messages: []*voltMessage{}}, q.v.now()
	before, err := q.v.readBefore("m", args.Before)
	if err != nil {
		return nil, err
	}
	var messages []*smsMessage
	if c := q.v.state.contacts[args.From][args.To]; c != nil {
		messages = c.until(now, before)
	}
	low := max(0, len(messages)-q.v.pageSize())
	for _, m := range slices.Backward(messages[low:]) {
		page.Messages = append(page.Messages, &voltMessage{q.v.world, m, now})
	}
	if len(messages) > 0 {
		page.PageInfo = q.v.pageInfo("m", low > 0, messages[low].id)
	}
	return page, nil
}

// until returns the messages that have been sent by now, with ids below before.
func (c *voltContact) until(now time.Time, before int64) []*smsMessage {
	n := sort.Search(len(c.messages), func(i int) bool {
		return c.messages[i].sent.After(now) || c.messages[i].id >= before
	})
	return c.messages[:n]
}

func (v *volt) pageSize() int {
	if v.faults.has("partial") {
		return voltPage / 2
	}
	return voltPage
}

// Inbox pages through an account's contacts, the one with the newest message
// first; null where there is no such account.
func (q *voltRoot) Inbox(args struct {
	From   string
	Before *string
}) (*voltInbox, error) {
	i := slices.IndexFunc(voltAccounts(), func(a *voltAccount) bool { return a.phone == args.From })
	if i < 0 {
		return nil, nil
	}
	before, err := q.v.readBefore("i", args.Before)
	if err != nil {
		return nil, err
	}
	now := q.v.now()
	last := q.v.newest(args.From, now, before)
	page := &voltInbox{Account: &voltAccountView{voltAccounts()[i]}, Items: []*voltInboxItem{}}
	shown := last[:min(len(last), q.v.pageSize())]
	for _, m := range shown {
		page.Items = append(page.Items, &voltInboxItem{
			Contact: &voltContactView{m.contact}, LastMessage: ptr(m.body), IsUnread: ptr(m.inbound),
			LastMessageTime: ptr(q.v.voltText(m.sent, m.form)),
		})
	}
	if len(shown) > 0 {
		page.PageInfo = q.v.pageInfo("i", len(last) > len(shown), shown[len(shown)-1].id)
	}
	return page, nil
}

// newest returns the newest message of each of the account's contacts, newest
// first, those with ids below before.
func (v *volt) newest(account string, now time.Time, before int64) []*smsMessage {
	var last []*smsMessage
	for _, c := range v.state.contacts[account] {
		if sent := c.until(now, maxCursor); len(sent) > 0 && sent[len(sent)-1].id < before {
			last = append(last, sent[len(sent)-1])
		}
	}
	slices.SortFunc(last, func(a, b *smsMessage) int { return cmp.Compare(b.id, a.id) })
	return last
}

// maxCursor is above every id.
const maxCursor = 1 << 62

// pageInfo is the paging of a page whose oldest message has the id: all null
// under the fault "bare-paging".
func (v *volt) pageInfo(kind string, more bool, oldest int64) voltPageInfo {
	if v.faults.has("bare-paging") {
		return voltPageInfo{}
	}
	cursor := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", kind, oldest))
	return voltPageInfo{HasNextPage: &more, EndCursor: &cursor}
}

// readBefore returns the id below which messages are asked for: that of a cursor
// of the kind or, under the fault "bare-paging", a message's id or a time, which
// is included. It is above every id where there is no cursor.
func (v *volt) readBefore(kind string, cursor *string) (int64, error) {
	if cursor == nil || *cursor == "" {
		return maxCursor, nil
	}
	if v.faults.has("bare-paging") {
		if at, err := time.Parse(sqlTime, *cursor); err == nil {
			return v.after(at), nil
		}
		if id, err := strconv.ParseInt(*cursor, 10, 64); err == nil {
			return id, nil
		}
	}
	text, err := base64.StdEncoding.DecodeString(*cursor)
	number, ok := strings.CutPrefix(string(text), kind+":")
	id, bad := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || bad != nil {
		return 0, &vendorError{"Invalid value for before", map[string]any{"code": "BAD_USER_INPUT"}}
	}
	return id, nil
}

// after returns the id of the first message sent after the instant.
func (v *volt) after(at time.Time) int64 {
	messages := v.state.messages
	i := sort.Search(len(messages), func(i int) bool { return messages[i].sent.After(at) })
	if i == len(messages) {
		return maxCursor
	}
	return messages[i].id
}

// List returns a list by its name.
func (q *voltRoot) List(args struct{ PrimaryPhone, ListName string }) (*voltListView, error) {
	i := slices.IndexFunc(voltAccounts(), func(a *voltAccount) bool { return a.phone == args.PrimaryPhone })
	if i < 0 || !slices.Contains(listNames, args.ListName) {
		return nil, &vendorError{"List not found", map[string]any{"code": "NOT_FOUND"}}
	}
	return &voltListView{args.ListName, voltAccounts()[i]}, nil
}

// Webhooks returns none: none is registered.
func (q *voltRoot) Webhooks() []*voltWebhook { return []*voltWebhook{} }
