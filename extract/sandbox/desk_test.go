package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

// desk lists one page of conversations.
func (v *vendors) desk(query url.Values) reply {
	v.Helper()
	return v.request(http.MethodGet, v.env["DESK_ENDPOINT"]+"/conversations.json?"+query.Encode(), v.env["DESK_TOKEN"], "", nil)
}

func (v *vendors) walkDesk(query url.Values) []any {
	v.Helper()
	var rows []any
	for page := 1; ; page++ {
		query.Set("page", fmt.Sprint(page))
		answer := v.desk(query).decode(v)
		rows = append(rows, list(answer["conversations"])...)
		if at(answer, "meta", "page", "hasMore") != true {
			return rows
		}
	}
}

func TestDeskListsEqualTruth(t *testing.T) {
	v := serve(t, sandbox.Options{})
	active := v.walkDesk(url.Values{"pageSize": {"100"}, "orderBy": {"updatedAt"}, "orderMode": {"asc"}})
	last := time.Time{}
	for _, c := range active {
		updated, err := time.Parse(time.RFC3339, text(at(c, "updatedAt")))
		if err != nil || updated.Before(last) {
			t.Fatalf("updated at %v after %v: not in order (%v)", at(c, "updatedAt"), last, err)
		}
		last = updated
		if at(c, "state") != "active" {
			t.Fatalf("a default list shows %v", c)
		}
	}
	deleted := v.walkDesk(url.Values{"filter": {`{"deletedAt":{"$gte":"2020-01-01T00:00:00Z"}}`}, "orderBy": {"deletedAt"}})
	if len(deleted) == 0 {
		t.Error("nothing was ever deleted")
	}
	sameRows(t, "desk conversation", append(active, deleted...), v.truth("desk/conversations"))
}

func TestDeskFilters(t *testing.T) {
	v := serve(t, sandbox.Options{})
	truth := v.truth("desk/conversations")
	id := int(at(truth[10], "id").(float64))
	for _, c := range []struct {
		filter string
		want   int
	}{
		{fmt.Sprintf(`{"id":%d,"state":{"$in":["active","deleted"]}}`, id), 1},
		{fmt.Sprintf(`{"$or":[{"id":{"$eq":%d}},{"id":{"$eq":%d}}],"state":{"$in":["active","deleted"]}}`, id, id+2), 2},
		{fmt.Sprintf(`{"$and":[{"id":{"$gte":%d}},{"id":{"$lt":%d}},{"state":{"$in":["active","deleted"]}}]}`, id, id+20), 10},
		{`{"id":{"$lt":0}}`, 0},
	} {
		if rows := v.walkDesk(url.Values{"filter": {c.filter}}); len(rows) != c.want {
			t.Errorf("filter %s: %d rows, want %d", c.filter, len(rows), c.want)
		}
	}
}

func TestDeskAnswers(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.3})
	for query, field := range map[string]string{
		"page=0": "page", "pageSize=x": "pageSize", "orderBy=body": "orderBy", "orderMode=up": "orderMode",
		"filter=abc": "filter", `filter={"body":1}`: "filter", `filter={"id":{"$like":1}}`: "filter", `filter={"updatedAt":{"$gt":"soon"}}`: "filter",
	} {
		values, _ := url.ParseQuery(query)
		r := v.desk(values)
		if r.status != 400 || at(r.decode(t), "errors", field) == nil {
			t.Errorf("%s: status %d: %s", query, r.status, r.body)
		}
	}
	r := v.desk(nil)
	for _, name := range []string{"Limit", "Remaining", "Reset"} {
		if r.header.Get("X-Rate-Limit-"+name) == "" {
			t.Errorf("no X-Rate-Limit-%s", name)
		}
	}
	if at(r.decode(t), "pagination", "hasMorePages") != true {
		t.Errorf("no pagination: %.200s", r.body)
	}
	if r := v.request(http.MethodGet, v.env["DESK_ENDPOINT"]+"/conversations.json", "wrong", "", nil); r.status != 401 || list(r.decode(t)["errors"]) == nil {
		t.Errorf("wrong key: status %d: %s", r.status, r.body)
	}
	if r := v.request(http.MethodGet, v.env["DESK_ENDPOINT"]+"/tickets.json", v.env["DESK_TOKEN"], "", nil); r.status != 404 {
		t.Errorf("unknown resource: status %d", r.status)
	}
}

func TestDeskTokens(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.3})
	first := v.truth("desk/conversations")[0]
	body, _ := json.Marshal(object{"conversation": object{"id": at(first, "id")}})
	base, key := v.env["DESK_ENDPOINT"], v.env["DESK_TOKEN"]
	made := v.request(http.MethodPost, base+"/conversations/token.json", key, "application/json", body)
	token := text(at(made.decode(t), "conversation", "token"))
	if made.status != 201 || token == "" {
		t.Fatalf("status %d: %s", made.status, made.body)
	}
	one := v.request(http.MethodGet, base+"/conversations/token/"+token+".json", key, "", nil).decode(t)
	if at(one, "conversation", "id") != at(first, "id") {
		t.Errorf("the token's conversation is %v", one)
	}
	history := v.request(http.MethodGet, base+"/conversationmessages/history/"+token+".json", key, "", nil).decode(t)
	if got, want := len(list(history["conversationmessages"])), len(list(at(first, "messages"))); got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
	if r := v.request(http.MethodPost, base+"/conversations/token.json", key, "application/json", []byte("{")); r.status != 422 {
		t.Errorf("unreadable JSON: status %d", r.status)
	}
}

func TestDeskDeletionsDoNotTouchUpdatedAt(t *testing.T) {
	v := serve(t, sandbox.Options{})
	before := byID(t, v.truth("desk/conversations"))
	v.wait(5 * 24 * time.Hour)
	deleted, updated := 0, 0
	for _, c := range v.truth("desk/conversations") {
		old := before[at(c, "id")]
		if old == nil {
			continue
		}
		if at(old, "updatedAt") != at(c, "updatedAt") {
			updated++
		} else if at(old, "state") == "active" && at(c, "state") == "deleted" {
			deleted++
		}
	}
	if deleted == 0 || updated == 0 {
		t.Errorf("in five days %d deleted, %d updated", deleted, updated)
	}
}

func TestDeskRate(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.1, Faults: []string{"desk-rate"}})
	for i := range 120 {
		if r := v.desk(url.Values{"pageSize": {"1"}}); r.status != 200 {
			t.Fatalf("request %d: status %d", i+1, r.status)
		}
	}
	if r := v.desk(nil); r.status != http.StatusTooManyRequests || r.header.Get("X-Rate-Limit-Remaining") != "0" {
		t.Errorf("request 121: status %d, %s left", r.status, r.header.Get("X-Rate-Limit-Remaining"))
	}
	v.wait(time.Minute)
	if r := v.desk(nil); r.status != 200 {
		t.Errorf("a minute later: status %d", r.status)
	}
}

func TestDeskMetaPage(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.2, Faults: []string{"meta-page"}})
	answer := v.desk(nil).decode(t)
	if answer["pagination"] != nil || at(answer, "meta", "page", "hasMore") != true {
		t.Errorf("paging is told by %v and %v", answer["pagination"], answer["meta"])
	}
}
