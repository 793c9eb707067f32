package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

func TestEveryFaultIsDocumented(t *testing.T) {
	names := sandbox.FaultNames()
	for i, name := range names {
		if sandbox.FaultDoc(name) == "" {
			t.Errorf("%s has no line", name)
		}
		if i > 0 && names[i-1] >= name {
			t.Errorf("%s does not sort after %s", name, names[i-1])
		}
	}
	if sandbox.FaultDoc("fire") != "" {
		t.Error("a fault that is none has a line")
	}
}

// A fault of the wire strikes one request in so many; the others are whole.
func TestWireFaults(t *testing.T) {
	for _, c := range []struct {
		fault  string
		every  int
		struck func(r reply) bool
	}{
		{"429", 11, func(r reply) bool { return r.status == 429 && r.header.Get("Retry-After") != "" }},
		{"500", 13, func(r reply) bool { return r.status == 500 && strings.Contains(string(r.body), "errors") }},
		{"500-empty", 17, func(r reply) bool { return r.status == 500 && string(r.body) == "{}" }},
		{"502", 19, func(r reply) bool { return r.status == 502 && strings.Contains(string(r.body), "<html>") }},
		{"504", 23, func(r reply) bool { return r.status == 504 }},
		{"empty", 29, func(r reply) bool { return r.status == 200 && string(r.body) == "{}" }},
		{"errors-beside-data", 31, func(r reply) bool {
			return r.status == 200 && json.Valid(r.body) && strings.Contains(string(r.body), `"errors":[`) && strings.HasPrefix(string(r.body), `{"data":{`)
		}},
		{"html", 37, func(r reply) bool { return r.status == 200 && strings.Contains(string(r.body), "<html>") }},
		{"reset", 43, func(r reply) bool { return r.err != nil && r.status == 0 }},
		{"truncate", 47, func(r reply) bool { return r.err != nil && r.status == 200 || r.err == nil && !json.Valid(r.body) }},
	} {
		t.Run(c.fault, func(t *testing.T) {
			v := serve(t, sandbox.Options{Scale: 0.02, Seed: 3, Faults: []string{c.fault}})
			struck, whole := 0, 0
			for range 2 * c.every {
				r := v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], `{ wave(id: 101) { id name body } inbox(from: "+10003334444") { items { contact { name } } } }`, nil)
				if c.struck(r) {
					struck++
					continue
				}
				r.data(t)
				whole++
			}
			if struck != 2 || whole != 2*c.every-2 {
				t.Errorf("struck %d times in %d requests, %d whole", struck, 2*c.every, whole)
			}
		})
	}
}

func TestRetryAfterIsTold(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.01, RetryAfter: time.Millisecond, Faults: []string{"429"}})
	for range 30 {
		r := v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], `{ __typename }`, nil)
		if r.status == 429 && r.header.Get("Retry-After") != "0" {
			t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
		}
	}
}

func TestTokensDieEarlyInEveryForm(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.01, Faults: []string{"expire"}})
	forms := map[string]bool{}
	token := text(v.aircallLogin()["access_token"])
	for range 40 {
		r := v.ask(v.env["AIRCALL_ENDPOINT"], token, `{ me { id } }`, nil)
		if r.decode(t)["errors"] == nil {
			continue
		}
		e := r.fault(t)
		forms[fmt.Sprintf("%d %v %v %v", r.status, e["message"], at(e, "extensions", "code"), at(e, "extensions", "exception", "response", "statusCode"))] = true
		token = text(v.aircallLogin()["access_token"])
	}
	for _, form := range []string{"200 Unauthorized UNAUTHENTICATED <nil>", "401 Unauthorized UNAUTHENTICATED <nil>", "200 Unauthorized INTERNAL_SERVER_ERROR 401"} {
		if !forms[form] {
			t.Errorf("no answer of the form %s among %v", form, forms)
		}
	}
	token, refused := v.iadvizeToken(), 0
	for range 200 {
		if r := v.ask(v.env["IADVIZE_ENDPOINT"], token, `{ __typename }`, nil); r.status == 401 {
			refused++
			token = v.iadvizeToken()
		}
	}
	if refused != 2 {
		t.Errorf("iadvize refused %d tokens in 200 requests", refused)
	}
}

func TestAircallCap(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.2, Faults: []string{"cap"}})
	rows, total := v.sweepCalls(50)
	if truth := v.truth("aircall/calls"); total != len(truth) || len(rows) != total/2 {
		t.Errorf("%d of %d calls, totalCount %d", len(rows), len(truth), total)
	}
}

func TestAircallDriftSettles(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.2, Faults: []string{"drift", "reorder", "partial"}})
	_, first := v.sweepCalls(40)
	for range 6 { // every other sweep is calm, once all calls are there
		rows, total := v.sweepCalls(40)
		distinct := map[any]bool{}
		for _, c := range rows {
			distinct[at(c, "id")] = true
		}
		if len(distinct) != total {
			continue
		}
		if first >= total {
			t.Errorf("%d calls at first, %d in the end", first, total)
		}
		sameRows(t, "call", rows, v.truth("aircall/calls"))
		return
	}
	t.Error("no sweep is calm")
}

func TestNullNodes(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.1, Faults: []string{"null-nodes"}})
	token, null := text(v.aircallLogin()["access_token"]), 0
	for range 18 {
		page := at(v.ask(v.env["AIRCALL_ENDPOINT"], token, callsQuery, object{"offset": 0, "limit": 5}).data(t), "paginatedCalls")
		if at(page, "nodes") == nil {
			null++
		}
	}
	if null != 2 {
		t.Errorf("nodes was null %d times in 18", null)
	}
}

func TestDirtyValuesAreInTheTruth(t *testing.T) {
	v := serve(t, sandbox.Options{Faults: []string{"dirty"}})
	token := v.iadvizeToken()
	nulls, rows, vars := 0, []any(nil), everything(v)
	for {
		found := at(v.ask(v.env["IADVIZE_ENDPOINT"], token, closedQuery, vars).data(t), "closedConversations")
		for _, e := range list(at(found, "edges")) {
			if at(e, "node") == nil {
				nulls++
				continue
			}
			rows = append(rows, at(e, "node"))
		}
		if at(found, "pageInfo", "hasNextPage") != true {
			break
		}
		vars["after"] = at(found, "pageInfo", "endCursor")
	}
	truth := v.truth("iadvize/conversations")
	sameRows(t, "conversation", rows, truth)
	sevens, dates := 0, 0
	for _, c := range truth {
		if at(c, "satisfactionSurvey", "customerSatisfaction") == 7.0 {
			sevens++
		}
		if _, err := time.Parse(time.RFC3339, text(at(c, "createdAt"))); err != nil {
			dates++
		}
	}
	if nulls == 0 || sevens == 0 || dates == 0 {
		t.Errorf("%d null nodes, %d scores of 7, %d dates that are none", nulls, sevens, dates)
	}
	calls, total := v.sweepCalls(500)
	n := 0
	for _, c := range calls {
		if c != nil {
			n++
		}
	}
	if n > total {
		t.Errorf("%d calls of %d", n, total)
	}
}

func TestVendorFaults(t *testing.T) {
	t.Run("alias-limit", func(t *testing.T) {
		v := serve(t, sandbox.Options{Scale: 0.1, Faults: []string{"alias-limit"}})
		for n, ok := range map[int]bool{20: true, 21: false} {
			var q strings.Builder
			for i := range n {
				fmt.Fprintf(&q, "w%d: wave(id: %d) { id } ", i, i)
			}
			r := v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], "{"+q.String()+"}", nil)
			if (r.decode(t)["errors"] == nil) != ok || r.status != 200 {
				t.Errorf("%d aliases: status %d: %.200s", n, r.status, r.body)
			}
		}
	})
	t.Run("no-introspection", func(t *testing.T) {
		v := serve(t, sandbox.Options{Scale: 0.1, Faults: []string{"no-introspection"}})
		r := v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], `{ __schema { queryType { name } } }`, nil)
		contains(t, r.fault(t)["message"], "introspection")
	})
	t.Run("login-limit", func(t *testing.T) {
		v := serve(t, sandbox.Options{Scale: 0.1, Faults: []string{"login-limit"}})
		for i, want := range []int{429, 429, 200, 200} {
			if r := v.iadvizeLogin(v.env["IADVIZE_PASSWORD"]); r.status != want {
				t.Errorf("login %d: status %d, want %d", i+1, r.status, want)
			}
		}
	})
	t.Run("partial", func(t *testing.T) {
		v := serve(t, sandbox.Options{Scale: 0.3, Faults: []string{"partial"}})
		sameRows(t, "conversation", v.walkConversations(closedQuery, "closedConversations", everything(v)), v.truth("iadvize/conversations"))
		rows, _ := v.sweepCalls(100)
		sameRows(t, "call", rows, v.truth("aircall/calls"))
	})
}

func TestFaultsOfConversations(t *testing.T) {
	const interval = `interval: {from: "2026-10-01T00:00:00Z", to: "2026-11-20T00:00:00Z"}`
	t.Run("no-paging", func(t *testing.T) {
		v := serve(t, sandbox.Options{Faults: []string{"no-paging"}})
		token := v.iadvizeToken()
		if r := v.ask(v.env["IADVIZE_ENDPOINT"], token, `{ closedConversations(`+interval+`, first: 5) { pageInfo { hasNextPage } } }`, nil); r.status != 400 {
			t.Errorf("first: status %d", r.status)
		}
		data := v.ask(v.env["IADVIZE_ENDPOINT"], token, `{ closedConversations(`+interval+`) { edges { node { id conversions { transactions { amount } } } } pageInfo { hasNextPage } } }`, nil).data(t)
		if n := len(list(at(data, "closedConversations", "edges"))); n != 100 || at(data, "closedConversations", "pageInfo", "hasNextPage") != true {
			t.Errorf("%d conversations", n)
		}
	})
	t.Run("repeat-cursor", func(t *testing.T) {
		v := serve(t, sandbox.Options{Faults: []string{"repeat-cursor"}})
		token, cursors := v.iadvizeToken(), map[any]bool{}
		var after any
		for range 5 {
			data := v.ask(v.env["IADVIZE_ENDPOINT"], token, `query Q($after: String) { closedConversations(`+interval+`, first: 10, after: $after) { pageInfo { endCursor hasNextPage } } }`, object{"after": after}).data(t)
			after = at(data, "closedConversations", "pageInfo", "endCursor")
			cursors[after] = true
		}
		if len(cursors) != 1 {
			t.Errorf("%d different cursors on five pages", len(cursors))
		}
	})
	t.Run("wide", func(t *testing.T) {
		v := serve(t, sandbox.Options{Faults: []string{"wide"}})
		token := v.iadvizeToken()
		r := v.ask(v.env["IADVIZE_ENDPOINT"], token, `{ closedConversations(`+interval+`, first: 10) { pageInfo { endCursor } } }`, nil)
		if r.status != http.StatusGatewayTimeout {
			t.Errorf("status %d", r.status)
		}
	})
	t.Run("exclusive", func(t *testing.T) {
		v := serve(t, sandbox.Options{Faults: []string{"exclusive"}})
		c := v.truth("iadvize/conversations")[500]
		rows := v.walkConversations(closedQuery, "closedConversations", object{"from": at(c, "closedAt"), "to": v.now().Format(time.RFC3339)})
		if byID(t, rows)[at(c, "id")] != nil {
			t.Error("the interval includes its beginning")
		}
	})
}
