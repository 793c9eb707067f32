package sandbox_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

const closedQuery = `query Closed($projects: [Int!], $from: DateTime!, $to: DateTime!, $first: Int, $after: String) {
	closedConversations(filters: {projectIds: $projects}, interval: {from: $from, to: $to}, first: $first, after: $after) {
		edges { cursor node { ` + iadvizeFields + ` } }
		pageInfo { startCursor endCursor hasPreviousPage hasNextPage }
	}
}`

const searchQuery = `query Search($projects: [Int!], $from: DateTime!, $to: DateTime!, $first: Int, $after: String) {
	searchClosedConversations(filters: {projectIds: $projects}, interval: {from: $from, to: $to}, first: $first, after: $after) {
		edges { node {
			conversation { id createdAt closedAt channel duration tags { id name } project { id name } language users { id } }
			satisfactionSurvey { customerSatisfaction netPromoterScore comment }
			conversions { transactions { id externalConversionId amount currency receivedAt visitorDate createdAt updatedAt } }
		} }
		pageInfo { endCursor hasNextPage }
	}
}`

// walkConversations reads everything in one interval, page after page.
func (v *vendors) walkConversations(query, field string, vars object) []any {
	v.Helper()
	token := v.iadvizeToken()
	var rows []any
	for vars["first"] = 100; ; {
		found := at(v.ask(v.env["IADVIZE_ENDPOINT"], token, query, vars).data(v), field)
		for _, e := range list(at(found, "edges")) {
			node := at(e, "node").(object)
			if c, wrapped := node["conversation"].(object); wrapped {
				c["satisfactionSurvey"], c["conversions"] = node["satisfactionSurvey"], node["conversions"]
				node = c
			}
			rows = append(rows, node)
		}
		if at(found, "pageInfo", "hasNextPage") != true {
			return rows
		}
		vars["after"] = at(found, "pageInfo", "endCursor")
	}
}

func everything(v *vendors) object {
	return object{"from": "2020-01-01T00:00:00Z", "to": v.now().AddDate(1, 0, 0).Format(time.RFC3339)}
}

func TestIAdvizeWalkEqualsTruth(t *testing.T) {
	for _, c := range []struct{ field, query string }{
		{"closedConversations", closedQuery},
		{"searchClosedConversations", searchQuery},
	} {
		t.Run(c.field, func(t *testing.T) {
			v := serve(t, sandbox.Options{Seed: 1, Scale: 0.4})
			sameRows(v, c.field, v.walkConversations(c.query, c.field, everything(v)), v.truth("iadvize/conversations"))
		})
	}
}

func TestIAdvizeFilters(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.4})
	vars := everything(v)
	vars["projects"] = 9999 // a bare Int is coerced to a list
	rows := v.walkConversations(closedQuery, "closedConversations", vars)
	var want int
	for _, c := range v.truth("iadvize/conversations") {
		if at(c, "project", "id") == 9999.0 {
			want++
		}
	}
	if len(rows) != want || want == len(v.truth("iadvize/conversations")) {
		t.Errorf("project 9999 has %d conversations, want %d of %d", len(rows), want, len(v.truth("iadvize/conversations")))
	}
	last := ""
	for _, c := range rows {
		if at(c, "project", "id") != 9999.0 {
			t.Fatalf("another project's conversation: %v", c)
		}
		if closed := text(at(c, "closedAt")); closed < last {
			t.Fatalf("closed at %s after %s: not in order", closed, last)
		} else {
			last = closed
		}
	}
}

func TestIAdvizeIntervalHidesLaterTransactions(t *testing.T) {
	v := serve(t, sandbox.Options{})
	checked := 0
	for _, c := range v.truth("iadvize/conversations") {
		sold := list(at(c, "conversions", "transactions"))
		if len(sold) == 0 || text(at(sold[0], "receivedAt")) <= text(at(c, "closedAt")) {
			continue
		}
		rows := v.walkConversations(closedQuery, "closedConversations", object{"from": at(c, "closedAt"), "to": at(c, "closedAt")})
		if len(rows) == 0 {
			t.Fatal("the interval does not include its ends")
		}
		for _, r := range rows {
			if at(r, "id") == at(c, "id") && at(r, "conversions") != nil {
				t.Errorf("an interval up to %v shows a transaction of %v", at(c, "closedAt"), at(sold[0], "receivedAt"))
			}
		}
		if checked++; checked == 5 {
			return
		}
	}
	t.Error("no late transaction to check")
}

func TestIAdvizeSignIn(t *testing.T) {
	v := serve(t, sandbox.Options{})
	endpoint := v.env["IADVIZE_ENDPOINT"]
	if r := v.iadvizeLogin("wrong"); r.status != http.StatusUnauthorized {
		t.Errorf("wrong password: status %d", r.status)
	}
	given := v.iadvizeLogin(v.env["IADVIZE_PASSWORD"]).decode(t)
	if given["expires_in"] != 86400.0 || given["token_type"] != "Bearer" || given["refresh_token"] != "none" {
		t.Errorf("token answer %v", given)
	}
	token := text(given["access_token"])
	for name, c := range map[string]struct {
		token string
		wait  time.Duration
		want  int
	}{
		"none":  {"", 0, http.StatusUnauthorized},
		"wrong": {"nonsense", 0, http.StatusUnauthorized},
		"good":  {token, 0, http.StatusOK},
	} {
		if r := v.ask(endpoint, c.token, `{ projects(first: 5) { edges { node { id } } } }`, nil); r.status != c.want {
			t.Errorf("token %s: status %d, want %d", name, r.status, c.want)
		}
	}
	v.wait(24 * time.Hour)
	if r := v.ask(endpoint, token, `{ __typename }`, nil); r.status != http.StatusUnauthorized {
		t.Errorf("expired token: status %d", r.status)
	}
	for range 10 {
		v.iadvizeToken()
	}
	r := v.iadvizeLogin(v.env["IADVIZE_PASSWORD"])
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("the eleventh login in a minute: status %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	v.wait(time.Minute)
	v.iadvizeToken()
}

func TestIAdvizeRefusals(t *testing.T) {
	v := serve(t, sandbox.Options{})
	token, endpoint := v.iadvizeToken(), v.env["IADVIZE_ENDPOINT"]
	interval := `interval: {from: "2026-11-01T00:00:00+01:00", to: "2026-11-20T00:00:00Z"}`
	page := v.ask(endpoint, token, fmt.Sprintf(`{ closedConversations(%s, first: 2) { pageInfo { endCursor } } }`, interval), nil).data(t)
	cursor := text(at(page, "closedConversations", "pageInfo", "endCursor"))
	for _, c := range []struct {
		name, query, message string
		status               int
	}{
		{"syntax", `{ closedConversations(`, "syntax error", 400},
		{"unknown field", `{ conversations { id } }`, "conversations", 400},
		{"no interval", `{ closedConversations(first: 5) { pageInfo { hasNextPage } } }`, "interval", 400},
		{"no date", `{ closedConversations(interval: {from: "soon", to: "later"}) { pageInfo { hasNextPage } } }`, "DateTime", 200},
		{"more than a page", fmt.Sprintf(`{ closedConversations(%s, first: 101) { pageInfo { hasNextPage } } }`, interval), "100", 200},
		{"cursor of another query", fmt.Sprintf(`{ searchClosedConversations(%s, after: %q) { pageInfo { hasNextPage } } }`, interval, cursor), "cursor", 200},
		{"cursor of none", fmt.Sprintf(`{ closedConversations(%s, after: "abc") { pageInfo { hasNextPage } } }`, interval), "cursor", 200},
	} {
		r := v.ask(endpoint, token, c.query, nil)
		if r.status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, r.status, c.status, r.body)
		}
		contains(t, r.fault(t)["message"], c.message)
		if c.status == 400 && at(r.fault(t), "extensions", "name") == nil {
			t.Errorf("%s: no extensions.name: %s", c.name, r.body)
		}
	}
	if r := v.request(http.MethodPost, endpoint, token, "text/plain", []byte(`{"query":"{ __typename }"}`)); r.status != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: status %d", r.status)
	}
	v.introspects(endpoint, token, "Query", "closedConversations")
}

func TestIAdvizeShapes(t *testing.T) {
	for _, c := range []struct{ shape, offered, missing string }{
		{"search", "searchClosedConversations", "closedConversations"},
		{"closed", "closedConversations", "searchClosedConversations"},
	} {
		v := serve(t, sandbox.Options{IAdvizeShape: c.shape, Scale: 0.1})
		token, endpoint := v.iadvizeToken(), v.env["IADVIZE_ENDPOINT"]
		v.introspects(endpoint, token, "Query", c.offered)
		query := `{ %s(interval: {from: "2026-11-01T00:00:00Z", to: "2026-11-20T00:00:00Z"}, first: 1) { pageInfo { hasNextPage } } }`
		v.ask(endpoint, token, fmt.Sprintf(query, c.offered), nil).data(t)
		if r := v.ask(endpoint, token, fmt.Sprintf(query, c.missing), nil); r.status != 400 {
			t.Errorf("shape %s: %s is answered with status %d", c.shape, c.missing, r.status)
		}
	}
}

func TestIAdvizeBackwards(t *testing.T) {
	v := serve(t, sandbox.Options{})
	query := `query B($before: String) { closedConversations(interval: {from: "2026-11-01T00:00:00Z", to: "2026-11-08T00:00:00Z"}, last: 40, before: $before)
		{ edges { node { id } } pageInfo { startCursor hasPreviousPage } } }`
	token, before, n := v.iadvizeToken(), any(nil), 0
	for {
		page := at(v.ask(v.env["IADVIZE_ENDPOINT"], token, query, object{"before": before}).data(t), "closedConversations")
		n += len(list(at(page, "edges")))
		if at(page, "pageInfo", "hasPreviousPage") != true {
			break
		}
		before = at(page, "pageInfo", "startCursor")
	}
	want := len(v.walkConversations(closedQuery, "closedConversations", object{"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}))
	if n != want || want == 0 {
		t.Errorf("%d conversations backwards, %d forwards", n, want)
	}
}

func TestIAdvizeAnswersComePiecemeal(t *testing.T) {
	v := serve(t, sandbox.Options{})
	before := byID(t, v.truth("iadvize/conversations"))
	v.wait(48 * time.Hour)
	var nps, comments, sales int
	for _, c := range v.truth("iadvize/conversations") {
		old := before[at(c, "id")]
		if old == nil {
			continue
		}
		changed := func(keys ...string) int {
			if at(old, keys...) == nil && at(c, keys...) != nil {
				return 1
			}
			return 0
		}
		nps += changed("satisfactionSurvey", "netPromoterScore")
		comments += changed("satisfactionSurvey", "comment")
		sales += changed("conversions", "transactions")
	}
	if nps == 0 || comments == 0 || sales == 0 {
		t.Errorf("within two days %d NPS, %d comments, %d transactions came late", nps, comments, sales)
	}
}
