package aircall_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fake is a small Aircall: login, refresh, and paginatedCalls over ids.
type fake struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	ids      []string
	requests int // for calls, answered with rows
	logins   int
	renewals int
	access   string
	refresh  string
	auths    []string // Authorization headers of renewals

	most   int                                   // rows a page at most; zero: as asked
	cap    int                                   // rows reachable; zero: all
	total  func(real int) int                    // nil: the truth
	before func(f *fake, request int)            // runs before each page, with the lock
	answer func(request int, body string) string // replaces an answer; nil: as it is
	tamper func(w http.ResponseWriter, request int) bool
}

func newFake(t *testing.T, calls int) *fake {
	f := &fake{t: t}
	for n := range calls {
		f.ids = append(f.ids, fmt.Sprintf("call-%05d", n))
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var q struct {
		Query     string
		Variables struct {
			Offset, Limit int
			Input         struct{ Username, Password string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		f.t.Errorf("request: %v", err)
	}
	bearer := r.Header.Get("Authorization")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasPrefix(q.Query, "mutation Login"):
		if q.Variables.Input.Password != "secret" {
			fmt.Fprint(w, `{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}],"data":null}`)
			return
		}
		f.logins++
		f.give(w, "login")
	case strings.HasPrefix(q.Query, "mutation Refresh"):
		f.auths = append(f.auths, bearer)
		if bearer != "Bearer "+f.refresh {
			fmt.Fprint(w, `{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}],"data":null}`)
			return
		}
		f.renewals++
		f.give(w, "refreshTokenV2")
	case bearer != "Bearer "+f.access:
		fmt.Fprint(w, `{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}],"data":null}`)
	default:
		f.page(w, q.Variables.Offset, q.Variables.Limit)
	}
}

func (f *fake) give(w http.ResponseWriter, field string) {
	n := f.logins + f.renewals
	f.access, f.refresh = fmt.Sprintf("access-%d", n), fmt.Sprintf("refresh-%d", n)
	fmt.Fprintf(w, `{"data":{%q:{"access_token":%q,"refresh_token":%q}}}`, field, f.access, f.refresh)
}

func (f *fake) page(w http.ResponseWriter, offset, limit int) {
	f.requests++
	if f.tamper != nil && f.tamper(w, f.requests) {
		return
	}
	if f.before != nil {
		f.before(f, f.requests)
	}
	reach := len(f.ids)
	if f.cap > 0 {
		reach = min(reach, f.cap)
	}
	if f.most > 0 {
		limit = min(limit, f.most)
	}
	var nodes []string
	for n := offset; n < min(offset+limit, reach); n++ {
		nodes = append(nodes, fmt.Sprintf(`{"id":%q,"created_at":%q,"notes":[]}`, f.ids[n], createdAt(f.ids[n])))
	}
	total := len(f.ids)
	if f.total != nil {
		total = f.total(total)
	}
	body := fmt.Sprintf(`{"data":{"paginatedCalls":{"totalCount":%d,"hasNextPage":%t,"nodes":[%s]}}}`, total, offset+limit < reach, strings.Join(nodes, ","))
	if f.answer != nil {
		body = f.answer(f.requests, body)
	}
	fmt.Fprint(w, body)
}

// createdAt makes call-00000 the newest call.
func createdAt(id string) string {
	var n int
	if _, err := fmt.Sscanf(id, "call-%05d", &n); err != nil {
		return "2026-11-20T10:00:00.500Z" // inserted while a test runs
	}
	return fmt.Sprintf("2026-11-%02dT%02d:%02d:%02d.012Z", 19-n/86400%19, 23-n/3600%24, 59-n/60%60, 59-n%60)
}

// asked is the requests for calls so far.
func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// insert puts a call at the front, as a vendor that lists the newest first does.
func (f *fake) insert(id string) { f.ids = append([]string{id}, f.ids...) }

// introspected is what the vendor's introspection shows of the types that are asked.
const introspected = `{"data":{"__schema":{"queryType":{"name":"Query"},"mutationType":{"name":"Mutation"},"types":[
{"kind":"OBJECT","name":"Query","fields":[{"name":"paginatedCalls","type":{"kind":"NON_NULL","ofType":{"kind":"OBJECT","name":"PaginatedCalls"}},"args":[{"name":"offset","type":{"kind":"SCALAR","name":"Float"}},{"name":"limit","type":{"kind":"SCALAR","name":"Float"}}]}]},
{"kind":"OBJECT","name":"Mutation","fields":[{"name":"login","type":{"kind":"NON_NULL","ofType":{"kind":"OBJECT","name":"AuthResponseType"}},"args":[{"name":"input","type":{"kind":"NON_NULL","ofType":{"kind":"INPUT_OBJECT","name":"LoginInput"}}}]},{"name":"refreshTokenV2","type":{"kind":"NON_NULL","ofType":{"kind":"OBJECT","name":"AuthResponseType"}},"args":[]}]},
{"kind":"OBJECT","name":"AuthResponseType","fields":[{"name":"access_token","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"refresh_token","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"user","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"UserType"}},"args":[]}]},
{"kind":"OBJECT","name":"PaginatedCalls","fields":[{"name":"nodes","type":{"kind":"LIST","ofType":{"kind":"NON_NULL","ofType":{"kind":"OBJECT","name":"Call"}}},"args":[]},{"name":"totalCount","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Int"}},"args":[]},{"name":"hasNextPage","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Boolean"}},"args":[]}]},
{"kind":"OBJECT","name":"Call","fields":[{"name":"id","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"ID"}},"args":[]},{"name":"direction","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"from","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"to","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"duration","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Float"}},"args":[]},{"name":"is_archived","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Boolean"}},"args":[]},{"name":"call_type","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"via","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"created_at","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]},{"name":"notes","type":{"kind":"NON_NULL","ofType":{"kind":"LIST","ofType":{"kind":"NON_NULL","ofType":{"kind":"OBJECT","name":"Note"}}}},"args":[]}]},
{"kind":"OBJECT","name":"Note","fields":[{"name":"id","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"ID"}},"args":[]},{"name":"content","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"String"}},"args":[]}]}
]}}}`
