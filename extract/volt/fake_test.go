package volt_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/extract/transport"
	"nightjar/extract/volt"
)

const account = "+10003334444"

// message is a message as the fake vendor holds it.
type message struct {
	id      int64
	contact string
	at      time.Time
	inbound bool
}

// fake is a small Volt: waves by alias, inboxes and conversations.
type fake struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	requests map[string]int // by operation
	waves    map[int64]bool
	aliases  int            // most a request; zero: any number
	broken   map[int64]bool // waves whose alias is an error beside data
	asked    map[int64]int
	own      func(asked int64) string // id of the wave that answers for each id, as JSON; nil: none of these

	messages []message // any order
	size     int       // rows a page
	// page picks the messages before a cursor out of a conversation, newest first.
	page            func(all []message, before string) []message
	pageInfo        func(rows, left int, last message) string // PageInfo as JSON; nil: none in the schema
	stamp           func(time.Time) string
	oneWay          bool // conversation(to, from) shows what went from from to to only
	swapped         bool // the account is to
	lastTime        func(contact string, real time.Time) string
	schema          string                          // answer to introspection; empty: what pageInfo says
	noIntrospection bool                            // and a query that asks for what is not there is refused
	after           func(f *fake, operation string) // runs after each answer, with the lock
}

func newFake(t *testing.T) *fake {
	f := &fake{
		t: t, requests: map[string]int{}, waves: map[int64]bool{}, broken: map[int64]bool{}, asked: map[int64]int{},
		size: 10, page: byID, pageInfo: relay, stamp: func(t time.Time) string { return t.Format("2006-01-02 15:04:05") },
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func relay(_, left int, last message) string {
	return fmt.Sprintf(`{"hasNextPage":%t,"endCursor":"%d"}`, left > 0, last.id)
}

// byID takes the id of a message as before; anything else is ignored.
func byID(all []message, before string) []message {
	id, err := strconv.ParseInt(before, 10, 64)
	if err != nil || before == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(m message) bool { return m.id >= id })
}

func (f *fake) count(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[operation]
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var q struct {
		Query     string
		Variables struct{ From, To, Before string }
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		f.t.Errorf("request: %v", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Bearer token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	operation := regexp.MustCompile(`^query (\w+)`).FindStringSubmatch(q.Query)[1]
	f.requests[operation]++
	if f.noIntrospection && (operation == "Introspection" || f.pageInfo == nil && strings.Contains(q.Query, "pageInfo")) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"errors":[{"message":"validation failed"}]}`)
		return
	}
	switch operation {
	case "Waves":
		f.answerWaves(w, q.Query)
	case "Introspection":
		f.answerSchema(w)
	case "Inbox":
		f.answerInbox(w, q.Query, q.Variables.From, q.Variables.Before)
	case "Conversation":
		f.answerConversation(w, q.Query, q.Variables.From, q.Variables.To, q.Variables.Before)
	}
	if f.after != nil {
		f.after(f, operation)
	}
}

var alias = regexp.MustCompile(`w(\d+): wave\(id: (\d+)\)`)

func (f *fake) answerWaves(w http.ResponseWriter, query string) {
	all := alias.FindAllStringSubmatch(query, -1)
	if f.aliases > 0 && len(all) > f.aliases {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"errors":[{"message":"too many aliases"}]}`)
		return
	}
	var members, errs []string
	for _, a := range all {
		id, _ := strconv.ParseInt(a[1], 10, 64)
		f.asked[id]++
		switch {
		case f.own != nil:
			members = append(members, fmt.Sprintf(`"w%d":{"id":%s}`, id, f.own(id)))
		case f.broken[id]:
			errs = append(errs, fmt.Sprintf(`{"message":"internal error","path":["w%d"]}`, id))
			members = append(members, fmt.Sprintf(`"w%d":null`, id))
		case f.waves[id] && id%2 == 0:
			members = append(members, fmt.Sprintf(`"w%d":{"id":%d}`, id, id))
		case f.waves[id]:
			members = append(members, fmt.Sprintf(`"w%d":{"id":"%d"}`, id, id))
		default:
			members = append(members, fmt.Sprintf(`"w%d":null`, id))
		}
	}
	if len(errs) > 0 {
		fmt.Fprintf(w, `{"data":{%s},"errors":[%s]}`, strings.Join(members, ","), strings.Join(errs, ","))
		return
	}
	fmt.Fprintf(w, `{"data":{%s}}`, strings.Join(members, ","))
}

func (f *fake) answerSchema(w http.ResponseWriter) {
	if f.schema != "" {
		fmt.Fprint(w, f.schema)
		return
	}
	if f.pageInfo == nil {
		fmt.Fprint(w, `{"data":{"__schema":{"queryType":{"name":"Query"},"types":[]}}}`)
		return
	}
	var info map[string]any
	if err := json.Unmarshal([]byte(f.pageInfo(1, 0, message{})), &info); err != nil {
		f.t.Error(err)
	}
	var names []string
	for name, v := range info {
		typ := "String"
		if _, ok := v.(bool); ok {
			typ = "Boolean"
		}
		names = append(names, fmt.Sprintf(`{"name":%q,"type":{"kind":"SCALAR","name":%q}}`, name, typ))
	}
	const lists = `{"kind":"OBJECT","name":%q,"fields":[{"name":"pageInfo","type":{"kind":"OBJECT","name":"PageInfo"}}]}`
	fmt.Fprintf(w, `{"data":{"__schema":{"queryType":{"name":"Query"},"types":[`+lists+`,`+lists+`,{"kind":"OBJECT","name":"PageInfo","fields":[%s]}]}}}`, "Inbox", "Conversation", strings.Join(names, ","))
}

// info is the pageInfo member, where the vendor has one and the query asks it.
func (f *fake) info(query string, rows, left int, last message) string {
	if f.pageInfo == nil || !strings.Contains(query, "pageInfo") {
		if strings.Contains(query, "pageInfo") {
			f.t.Error("the query asks for a pageInfo that is not there")
		}
		return ""
	}
	return `,"pageInfo":` + f.pageInfo(rows, left, last)
}

func (f *fake) cut(all []message) (page []message, left int) {
	n := min(len(all), f.size)
	return all[:n], len(all) - n
}

func (f *fake) answerInbox(w http.ResponseWriter, query, from, before string) {
	if from != account {
		fmt.Fprint(w, `{"data":{"inbox":null}}`)
		return
	}
	var latest []message // of each contact
	for _, m := range f.sorted() {
		if !slices.ContainsFunc(latest, func(l message) bool { return l.contact == m.contact }) {
			latest = append(latest, m)
		}
	}
	page, left := f.cut(f.page(latest, before))
	var items []string
	var last message
	for _, m := range page {
		at := f.stamp(m.at)
		if f.lastTime != nil {
			at = f.lastTime(m.contact, m.at)
		}
		// The item is paged by the id of its last message.
		items = append(items, fmt.Sprintf(`{"contact":{"id":"%d","phoneNumber":%q},"lastMessageTime":%q}`, m.id, m.contact, at))
		last = m
	}
	fmt.Fprintf(w, `{"data":{"inbox":{"items":[%s]%s}}}`, strings.Join(items, ","), f.info(query, len(page), left, last))
}

func (f *fake) answerConversation(w http.ResponseWriter, query, from, to, before string) {
	contact := to
	if f.swapped {
		contact = from
	}
	var all []message
	for _, m := range f.sorted() {
		switch {
		case f.oneWay && m.inbound && m.contact == from, f.oneWay && !m.inbound && m.contact == to, !f.oneWay && m.contact == contact:
			all = append(all, m)
		}
	}
	page, left := f.cut(f.page(all, before))
	var rows []string
	var last message
	for _, m := range page {
		a, b := account, m.contact
		if m.inbound {
			a, b = b, a
		}
		rows = append(rows, fmt.Sprintf(`{"id":"%d","sentAt":%q,"fromNumber":%q,"toNumber":%q}`, m.id, f.stamp(m.at), a, b))
		last = m
	}
	fmt.Fprintf(w, `{"data":{"conversation":{"messages":[%s]%s}}}`, strings.Join(rows, ","), f.info(query, len(page), left, last))
}

// sorted returns the messages, newest first.
func (f *fake) sorted() []message {
	all := slices.Clone(f.messages)
	slices.SortStableFunc(all, func(a, b message) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return int(b.id - a.id)
	})
	return all
}

// exchange adds n messages with a contact, a minute apart, ending at the given time.
func (f *fake) exchange(contact string, n int, end time.Time, inbound bool) {
	for i := range n {
		f.messages = append(f.messages, message{
			id: int64(len(f.messages) + 1), contact: contact, at: end.Add(time.Duration(i-n) * time.Minute), inbound: inbound && i%2 == 1,
		})
	}
}

func (f *fake) config() volt.Config {
	return volt.Config{
		Endpoint: f.url, Token: "token", Accounts: []string{account}, Settle: 7 * 24 * time.Hour,
		Transport: transport.Config{Concurrency: 3, Retries: 2, Timeout: 10 * time.Second},
	}
}
