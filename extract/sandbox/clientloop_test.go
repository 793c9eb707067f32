package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"nightjar/extract/sandbox"
)

func TestClientLoopSessions(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.1})
	endpoint, key := v.env["CLIENTLOOP_ENDPOINT"], v.env["CLIENTLOOP_TOKEN"]
	const create = `mutation C($input: ContactCreateIdvSession!) { contactCreateIdvSession(input: $input) { token expiresAt } }`
	session := func(input object) reply { return v.ask(endpoint, key, create, object{"input": input}) }
	org := v.env["CLIENTLOOP_ORG_ID"]

	a := text(at(session(object{"orgId": org, "contactId": "abc123"}).data(t), "contactCreateIdvSession", "token"))
	b := text(at(session(object{"orgId": org, "contactId": "abc123"}).data(t), "contactCreateIdvSession", "token"))
	if a == "" || a == b {
		t.Errorf("two sessions have the tokens %q and %q", a, b)
	}
	expires := text(at(session(object{"orgId": org}).data(t), "contactCreateIdvSession", "expiresAt"))
	if expires != "2026-11-20T23:30:00Z" {
		t.Errorf("expires at %q", expires)
	}
	contains(t, session(object{"orgId": "another"}).fault(t)["message"], "not found")
	if r := session(object{"contactId": "abc123"}); r.status != 400 && len(r.fault(t)) == 0 {
		t.Errorf("no org: status %d", r.status)
	}
	if r := v.ask(endpoint, "wrong", create, nil); r.status != http.StatusUnauthorized {
		t.Errorf("wrong key: status %d", r.status)
	}
	rows := v.truth("clientloop/sessions")
	if len(rows) != 3 || at(rows[0], "contactId") != "abc123" || at(rows[2], "contactId") != nil {
		t.Errorf("the truth tells %v", rows)
	}
	if told := v.request(http.MethodGet, v.url+"/truth/clientloop/sessions", "", "", nil); strings.Contains(string(told.body), a) {
		t.Error("the truth tells a token")
	}
	if !slices.Contains(v.sandbox.Secrets(), a) {
		t.Error("Secrets does not know the token")
	}
	v.introspects(endpoint, key, "Mutation", "contactCreateIdvSession")
}
