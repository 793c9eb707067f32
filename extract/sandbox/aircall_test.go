package sandbox_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

const callsQuery = `query Calls($offset: Float, $limit: Float) {
	paginatedCalls(offset: $offset, limit: $limit) {
		nodes { id direction from to duration is_archived call_type via created_at notes { id content } }
		totalCount hasNextPage
	}
}`

// sweepCalls reads every page of calls.
func (v *vendors) sweepCalls(limit int) (rows []any, total int) {
	v.Helper()
	token := text(v.aircallLogin()["access_token"])
	for {
		page := at(v.ask(v.env["AIRCALL_ENDPOINT"], token, callsQuery, object{"offset": len(rows), "limit": limit}).data(v), "paginatedCalls")
		rows = append(rows, list(at(page, "nodes"))...)
		if at(page, "hasNextPage") != true {
			return rows, int(at(page, "totalCount").(float64))
		}
	}
}

func TestAircallSweepEqualsTruth(t *testing.T) {
	v := serve(t, sandbox.Options{})
	rows, total := v.sweepCalls(200)
	if total != len(rows) {
		t.Errorf("totalCount %d of %d calls", total, len(rows))
	}
	sameRows(t, "call", rows, v.truth("aircall/calls"))
	again, _ := v.sweepCalls(77)
	sorted := true
	for i := range rows {
		if at(rows[i], "id") != at(again[i], "id") {
			t.Fatalf("the order changed at %d", i)
		}
		sorted = sorted && (i == 0 || text(at(rows[i-1], "created_at")) <= text(at(rows[i], "created_at")))
	}
	if sorted {
		t.Error("calls are ordered by created_at")
	}
}

func TestAircallPages(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.2})
	token, endpoint := text(v.aircallLogin()["access_token"]), v.env["AIRCALL_ENDPOINT"]
	page := at(v.ask(endpoint, token, `{ paginatedCalls { nodes { id } totalCount hasNextPage } }`, nil).data(t), "paginatedCalls")
	if n := len(list(at(page, "nodes"))); n != 10 || at(page, "hasNextPage") != true {
		t.Errorf("a page has %d calls by default", n)
	}
	beyond := at(v.ask(endpoint, token, callsQuery, object{"offset": 1_000_000, "limit": 10}).data(t), "paginatedCalls")
	if len(list(at(beyond, "nodes"))) != 0 || at(beyond, "hasNextPage") != false {
		t.Errorf("beyond the end: %v", beyond)
	}
	r := v.ask(endpoint, token, callsQuery, object{"offset": -1, "limit": 10})
	contains(t, at(r.fault(t), "extensions", "code"), "BAD_USER_INPUT")
	if r := v.ask(endpoint, token, `{ paginatedCalls { nodes { started_at } } }`, nil); r.status != 400 {
		t.Errorf("unknown field: status %d", r.status)
	}
	v.introspects(endpoint, "", "Query", "paginatedCalls")
}

func TestAircallTokens(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.1})
	endpoint := v.env["AIRCALL_ENDPOINT"]
	const me = `{ me { id username } }`
	const renew = `mutation { refreshTokenV2 { access_token refresh_token user { id } } }`
	unauthorized := func(name string, r reply) {
		t.Helper()
		if r.status != http.StatusOK || r.fault(t)["message"] != "Unauthorized" || at(r.fault(t), "extensions", "code") != "UNAUTHENTICATED" {
			t.Errorf("%s: status %d: %s", name, r.status, r.body)
		}
	}
	wrong := v.ask(endpoint, "", `mutation { login(input: {username: "x", password: "y"}) { access_token } }`, nil)
	contains(t, wrong.fault(t)["message"], "Invalid credentials")
	unauthorized("no token", v.ask(endpoint, "", me, nil))

	pair := v.aircallLogin()
	access, refresh := text(pair["access_token"]), text(pair["refresh_token"])
	v.ask(endpoint, access, me, nil).data(t)
	unauthorized("a refresh token for data", v.ask(endpoint, refresh, me, nil))

	v.wait(9 * time.Minute)
	lone := text(at(v.ask(endpoint, access, `mutation { refreshToken { access_token user { id } } }`, nil).data(t), "refreshToken", "access_token"))
	v.wait(time.Minute)
	unauthorized("an access token after 10 minutes", v.ask(endpoint, access, me, nil))
	unauthorized("an expired access token for another", v.ask(endpoint, access, `mutation { refreshToken { access_token } }`, nil))
	v.ask(endpoint, lone, me, nil).data(t)

	next := at(v.ask(endpoint, refresh, renew, nil).data(t), "refreshTokenV2")
	unauthorized("a refresh token twice", v.ask(endpoint, refresh, renew, nil))
	v.ask(endpoint, text(at(next, "access_token")), me, nil).data(t)
	v.wait(time.Hour)
	unauthorized("a refresh token after an hour", v.ask(endpoint, text(at(next, "refresh_token")), renew, nil))
}

func TestAircallOldCallsChange(t *testing.T) {
	v := serve(t, sandbox.Options{})
	before := byID(t, v.truth("aircall/calls"))
	v.wait(24 * time.Hour)
	var added, notes, archived, restored int
	for _, c := range v.truth("aircall/calls") {
		old := before[at(c, "id")]
		if old == nil {
			added++
			continue
		}
		was, is := list(at(old, "notes")), list(at(c, "notes"))
		if len(is) > len(was) {
			notes++
			if len(was) > 0 && fmt.Sprint(is[len(is)-len(was):]) != fmt.Sprint(was) {
				t.Errorf("a note was not put first: %v, then %v", was, is)
			}
		}
		switch {
		case at(old, "is_archived") == false && at(c, "is_archived") == true:
			archived++
		case at(old, "is_archived") == true && at(c, "is_archived") == false:
			restored++
		}
	}
	if added == 0 || notes == 0 || archived == 0 {
		t.Errorf("in a day: %d new calls, %d with new notes, %d archived, %d restored", added, notes, archived, restored)
	}
}
