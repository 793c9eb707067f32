package iadvize_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graph-gophers/graphql-go"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"nightjar/extract/iadvize"
	"nightjar/extract/transport"
	"nightjar/testdata"
)

// chat is a conversation with at most one transaction.
type chat struct {
	id     string
	closed time.Time
	bought time.Time // zero: no transaction
}

// asked is one data request as the vendor understood it.
type asked struct {
	root     string
	from, to time.Time
	after    string
	channels []string
	projects []int64
}

// vendor is iAdvize as far as these tests need it. Every query is validated
// against the vendor's SDL.
type vendor struct {
	t     *testing.T
	sdl   string
	chats []chat

	blind     bool // no introspection
	looks     int  // asked for the schema
	exclusive bool // interval ends are
	most      int  // rows of an answer where no paging is asked for; zero is no limit
	fault     func(w http.ResponseWriter, a asked) bool
	hide      func(a asked, hasNext bool, cursor string) (bool, string) // rewrites pageInfo

	mu      sync.Mutex
	schema  *ast.Schema // of sdl, once a query came
	asked   []asked
	logins  int
	queries []string
}

func newVendor(t *testing.T) *vendor {
	sdl, err := testdata.Contracts.ReadFile("contracts/iadvize.graphql")
	if err != nil {
		t.Fatal(err)
	}
	return &vendor{t: t, sdl: string(sdl)}
}

// without edits the SDL.
func (v *vendor) without(pairs ...string) *vendor {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(v.sdl, pairs[i]) {
			v.t.Fatalf("SDL has no %q", pairs[i])
		}
		v.sdl = strings.Replace(v.sdl, pairs[i], pairs[i+1], 1)
	}
	return v
}

const (
	newerArgs = "  closedConversations(\n    filters: ClosedConversationsFilters\n    interval: DateTimeInterval!\n    first: Int\n    after: String\n    last: Int\n    before: String\n  ): ConversationConnection\n"
	seedArgs  = "  closedConversations(\n    filters: ClosedConversationsFilters\n    interval: DateTimeInterval!\n  ): ConversationConnection\n"
)

func (v *vendor) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	v.ServeHTTP(w, req)
	res := w.Result()
	res.Request = req
	return res, req.Context().Err()
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r.URL.Path == "/oauth2/token" {
		v.logins++
		_, _ = io.WriteString(w, `{"access_token":"good","expires_in":86400,"token_type":"Bearer","refresh_token":"none"}`)
		return
	}
	if r.Header.Get("Authorization") != "Bearer good" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var body struct {
		Query     string
		Variables struct {
			Interval struct{ From, To time.Time }
			Filters  struct {
				ProjectIDs []int64
				Channels   []string
			}
			After string
			First int
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		v.t.Error(err)
	}
	if strings.Contains(body.Query, "__schema") {
		v.introspect(w)
		return
	}
	if v.schema == nil {
		v.schema = gqlparser.MustLoadSchema(&ast.Source{Input: v.sdl})
	}
	doc, problems := gqlparser.LoadQueryWithRules(v.schema, body.Query, rules.NewDefaultRules())
	if len(problems) > 0 {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": problems})
		return
	}
	v.queries = append(v.queries, body.Query)
	root := doc.Operations[0].SelectionSet[0].(*ast.Field)
	a := asked{root.Name, body.Variables.Interval.From, body.Variables.Interval.To, body.Variables.After, body.Variables.Filters.Channels, body.Variables.Filters.ProjectIDs}
	v.asked = append(v.asked, a)
	if v.fault != nil && v.fault(w, a) {
		return
	}
	first := 0
	if root.Arguments.ForName("first") != nil {
		first = body.Variables.First
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{a.root: v.connection(a, first)}})
}

func (v *vendor) introspect(w http.ResponseWriter) {
	v.looks++
	if v.blind {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errors":[{"message":"introspection is not allowed","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)
		return
	}
	schema, err := graphql.MustParseSchema(v.sdl, nil).ToJSON()
	if err != nil {
		v.t.Error(err)
	}
	fmt.Fprintf(w, `{"data":%s}`, schema)
}

// connection is one page; first zero is everything.
func (v *vendor) connection(a asked, first int) map[string]any {
	var rows []chat
	for _, c := range v.chats {
		in := !c.closed.Before(a.from) && !c.closed.After(a.to)
		if v.exclusive {
			in = c.closed.After(a.from) && c.closed.Before(a.to)
		}
		if in && (a.channels == nil || slices.Contains(a.channels, c.channel())) {
			rows = append(rows, c)
		}
	}
	offset, _ := strconv.Atoi(a.after)
	start := min(offset, len(rows))
	end := len(rows)
	if first == 0 {
		first = v.most
	}
	if first > 0 {
		end = min(start+first, len(rows))
	}
	edges := []any{}
	for _, c := range rows[start:end] {
		edges = append(edges, map[string]any{"node": c.node(a)})
	}
	more, cursor := end < len(rows), strconv.Itoa(end)
	if v.hide != nil {
		more, cursor = v.hide(a, more, cursor)
	}
	return map[string]any{"edges": edges, "pageInfo": map[string]any{"hasNextPage": more, "endCursor": cursor}}
}

func (c chat) node(a asked) map[string]any {
	var bought []any
	if !c.bought.IsZero() && !c.bought.After(a.to) {
		bought = append(bought, map[string]any{"id": "t-" + c.id})
	}
	conversation := map[string]any{"id": c.id, "channel": c.channel(), "project": map[string]any{"id": 9999}}
	outcome := map[string]any{"transactions": bought}
	if a.root == "searchClosedConversations" {
		return map[string]any{"conversation": conversation, "conversions": outcome}
	}
	conversation["conversions"] = outcome
	return conversation
}

// channel is one of four.
func (c chat) channel() string {
	return []string{"CHAT", "SMS", "VIDEO", "WHATSAPP"}[c.id[len(c.id)-1]%4]
}

func (v *vendor) stream(change ...func(*iadvize.Config)) *iadvize.ClosedConversations {
	cfg := iadvize.Config{
		Endpoint: "https://vendor.test/graphql", TokenURL: "https://vendor.test/oauth2/token",
		Username: "robin", Password: "c0rrect horse", Projects: []int64{9999},
		Transport: transport.Config{Vendor: "iadvize", Concurrency: 4, Retries: 3, Base: v},
		Location:  paris, Start: day("2026-11-01"), Lookback: 72 * time.Hour,
	}
	for _, f := range change {
		f(&cfg)
	}
	return iadvize.New(cfg)
}

// fill gives the vendor a conversation every step in [from, to), each with a
// transaction at the very end of the 48 hours.
func (v *vendor) fill(from, to time.Time, step time.Duration) {
	for at := from; at.Before(to); at = at.Add(step) {
		v.chats = append(v.chats, chat{"c" + strconv.Itoa(len(v.chats)), at, at.Add(48 * time.Hour)})
	}
}
