package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/extract/sandbox"
)

// evening is the reading of the clock at which tests begin: a Friday in November,
// so that the history holds the day on which the clock was changed.
var evening = time.Date(2026, 11, 20, 19, 30, 0, 0, time.UTC)

// vendors is a sandbox behind a real server, with a clock that the test moves.
type vendors struct {
	*testing.T
	sandbox *sandbox.Sandbox
	url     string
	env     map[string]string
	clock   atomic.Int64 // unix nanoseconds
}

func serve(t *testing.T, opt sandbox.Options) *vendors {
	t.Helper()
	v := &vendors{T: t}
	v.clock.Store(evening.UnixNano())
	opt.Clock = func() time.Time { return time.Unix(0, v.clock.Load()) }
	s, err := sandbox.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	v.sandbox, v.url, v.env = s, server.URL, s.Env(server.URL)
	return v
}

func (v *vendors) now() time.Time       { return time.Unix(0, v.clock.Load()).UTC() }
func (v *vendors) wait(d time.Duration) { v.clock.Add(int64(d)) }

// object is a JSON object.
type object = map[string]any

// reply is one HTTP answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (v *vendors) do(r *http.Request) reply {
	v.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	return reply{resp.StatusCode, resp.Header, body, err}
}

func (v *vendors) request(method, address, token, mediaType string, body []byte) reply {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", mediaType)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return v.do(r)
}

// ask sends a GraphQL request.
func (v *vendors) ask(address, token, query string, variables object) reply {
	v.Helper()
	body, err := json.Marshal(object{"query": query, "variables": variables})
	if err != nil {
		v.Fatal(err)
	}
	return v.request(http.MethodPost, address, token, "application/json", body)
}

// decode returns the body as JSON.
func (r reply) decode(t testing.TB) object {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	var o object
	if err := json.Unmarshal(r.body, &o); err != nil {
		t.Fatalf("status %d: %v: %.300s", r.status, err, r.body)
	}
	return o
}

// data returns the data of an answer without errors.
func (r reply) data(t testing.TB) object {
	t.Helper()
	o := r.decode(t)
	if r.status != http.StatusOK || o["errors"] != nil {
		t.Fatalf("status %d: %.400s", r.status, r.body)
	}
	return o["data"].(object)
}

// fault returns the first error of an answer.
func (r reply) fault(t testing.TB) object {
	t.Helper()
	o := r.decode(t)
	errs, _ := o["errors"].([]any)
	if len(errs) == 0 {
		t.Fatalf("status %d, no errors: %.400s", r.status, r.body)
	}
	return errs[0].(object)
}

// at follows keys and returns what is there, nil if nothing is.
func at(v any, keys ...string) any {
	for _, k := range keys {
		o, _ := v.(object)
		v = o[k]
	}
	return v
}

func list(v any) []any { l, _ := v.([]any); return l }

// truth returns what a vendor holds, as /truth/ tells it, and checks that the
// method tells the same.
func (v *vendors) truth(name string) []any {
	v.Helper()
	served := v.request(http.MethodGet, v.url+"/truth/"+name, "", "", nil).decode(v)
	told, err := v.sandbox.Truth(name)
	if err != nil {
		v.Fatal(err)
	}
	body, err := json.Marshal(told)
	if err != nil {
		v.Fatal(err)
	}
	var same object
	if err := json.Unmarshal(body, &same); err != nil {
		v.Fatal(err)
	}
	if !reflect.DeepEqual(served, same) {
		v.Fatalf("%s: served and told differ: %s", name, cmp.Diff(served, same))
	}
	return list(served["rows"])
}

// byID keys rows by their id.
func byID(t testing.TB, rows []any) map[any]any {
	t.Helper()
	m := map[any]any{}
	for _, r := range rows {
		id := at(r, "id")
		if m[id] != nil {
			t.Fatalf("id %v comes twice", id)
		}
		m[id] = r
	}
	return m
}

func sameRows(t testing.TB, what string, got, want []any) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("%s: the truth is empty", what)
	}
	g, w := byID(t, got), byID(t, want)
	if len(g) != len(w) {
		t.Errorf("%s: %d rows, want %d", what, len(g), len(w))
	}
	wrong := 0
	for id := range w {
		if !reflect.DeepEqual(w[id], g[id]) && wrong < 3 {
			wrong++
			t.Errorf("%s %v (-truth +served):\n%s", what, id, cmp.Diff(w[id], g[id]))
		}
	}
}

const iadvizeFields = `id createdAt closedAt channel duration tags { id name } project { id name } language users { id }
	satisfactionSurvey { customerSatisfaction netPromoterScore comment }
	conversions { transactions { id externalConversionId amount currency receivedAt visitorDate createdAt updatedAt } }`

func (v *vendors) iadvizeLogin(password string) reply {
	v.Helper()
	form := url.Values{"grant_type": {"password"}, "username": {v.env["IADVIZE_USERNAME"]}, "password": {password}}
	return v.request(http.MethodPost, v.env["IADVIZE_TOKEN_URL"], "", "application/x-www-form-urlencoded", []byte(form.Encode()))
}

func (v *vendors) iadvizeToken() string {
	v.Helper()
	token, _ := v.iadvizeLogin(v.env["IADVIZE_PASSWORD"]).decode(v)["access_token"].(string)
	if token == "" {
		v.Fatal("no access token")
	}
	return token
}

func (v *vendors) aircallLogin() object {
	v.Helper()
	return at(v.ask(v.env["AIRCALL_ENDPOINT"], "", `mutation Login($i: LoginInput!) { login(input: $i) { access_token refresh_token user { id username } } }`,
		object{"i": object{"username": v.env["AIRCALL_USERNAME"], "password": v.env["AIRCALL_PASSWORD"]}}).data(v), "login").(object)
}

func text(v any) string { s, _ := v.(string); return s }

// introspects fails unless the endpoint describes the type and its field.
func (v *vendors) introspects(address, token, typeName, field string) {
	v.Helper()
	data := v.ask(address, token, `{ __schema { queryType { name } types { name fields { name args { name type { kind } } } } } }`, nil).data(v)
	for _, t := range list(at(data, "__schema", "types")) {
		if at(t, "name") != typeName {
			continue
		}
		for _, f := range list(at(t, "fields")) {
			if at(f, "name") == field {
				return
			}
		}
	}
	v.Fatalf("the schema does not tell of %s.%s", typeName, field)
}

func contains(t testing.TB, got any, want string) {
	t.Helper()
	if !strings.Contains(text(got), want) {
		t.Errorf("got %q, want something with %q", got, want)
	}
}
