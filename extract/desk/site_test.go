package desk_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/desk"
	"nightjar/extract/transport"
)

var now = time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)

// talk is a conversation at the vendor.
type talk struct {
	id               int
	updated, deleted time.Time
}

// site is Desk as far as these tests need it.
type site struct {
	t      *testing.T
	talks  []talk
	paging string // "pagination", "meta", "none"
	lies   int    // added to the count
	pages  int    // lists asked for
	posts  int
	moves  func(s *site)      // after each list
	bad    map[string]int     // path suffix to status
	fixed  func(n int) string // the nth list, instead of one of the talks
}

func (s *site) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	for suffix, status := range s.bad {
		if strings.HasSuffix(req.URL.Path, suffix) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"errors":[{"title":"no","detail":"at %s"}]}`, req.URL.Path)
			return w.Result(), nil
		}
	}
	switch {
	case req.URL.Path == "/desk/api/v2/conversations.json":
		s.list(w, req)
	case req.Method == http.MethodPost:
		s.posts++
		var asked struct{ Conversation struct{ ID int } }
		_ = json.NewDecoder(req.Body).Decode(&asked)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"conversation":{"id":%d,"token":"s3cret-%[1]d"}}`, asked.Conversation.ID)
	default:
		_, _ = io.WriteString(w, `{"conversationmessages":[{"id":1,"conversation":{"token":"s3cret-again"}}]}`)
	}
	return w.Result(), nil
}

func (s *site) list(w http.ResponseWriter, req *http.Request) {
	s.pages++
	if s.fixed != nil {
		_, _ = io.WriteString(w, s.fixed(s.pages))
		return
	}
	query := req.URL.Query()
	field := query.Get("orderBy")
	var filter map[string]map[string]string
	if text := query.Get("filter"); text != "" {
		if err := json.Unmarshal([]byte(text), &filter); err != nil {
			s.t.Errorf("filter %s: %v", text, err)
		}
	}
	since, _ := time.Parse(time.RFC3339, filter[field]["$gte"])
	before, _ := time.Parse(time.RFC3339, filter[field]["$lt"])
	at := func(t talk) time.Time {
		if field == "deletedAt" {
			return t.deleted
		}
		return t.updated
	}
	var rows []talk
	for _, t := range s.talks {
		if (field == "deletedAt") == !t.deleted.IsZero() && !at(t).Before(since) && (before.IsZero() || at(t).Before(before)) {
			rows = append(rows, t)
		}
	}
	slices.SortStableFunc(rows, func(a, b talk) int { return at(a).Compare(at(b)) })
	page, _ := strconv.Atoi(query.Get("page"))
	size, _ := strconv.Atoi(query.Get("pageSize"))
	low := min((page-1)*size, len(rows))
	high := min(low+size, len(rows))
	list := []any{}
	for _, t := range rows[low:high] {
		list = append(list, map[string]any{"id": t.id, "updatedAt": t.updated.Format(time.RFC3339), "deletedAt": t.deleted.Format(time.RFC3339), "token": "s3cret-token"})
	}
	answer := map[string]any{"conversations": list}
	switch s.paging {
	case "meta":
		answer["meta"] = map[string]any{"page": map[string]any{"count": len(rows) + s.lies, "hasMore": high < len(rows)}}
	case "none":
	default:
		answer["pagination"] = map[string]any{"records": len(rows) + s.lies, "hasMorePages": high < len(rows)}
	}
	_ = json.NewEncoder(w).Encode(answer)
	if s.moves != nil {
		s.moves(s)
	}
}

func (s *site) stream(change ...func(*desk.Config)) *desk.Conversations {
	cfg := desk.Config{
		Endpoint: "https://site.test/desk/api/v2", Token: "api-key", Lookback: time.Hour,
		Transport: transport.Config{Vendor: "desk", Retries: 2, Base: s},
	}
	for _, f := range change {
		f(&cfg)
	}
	return desk.New(cfg)
}

// fill gives the site n conversations, one a minute up to now, every tenth deleted.
func (s *site) fill(n int) {
	for i := range n {
		at := now.Add(-time.Duration(n-i) * time.Minute)
		t := talk{id: i + 1, updated: at}
		if i%10 == 0 {
			t.deleted = at.Add(30 * time.Second)
		}
		s.talks = append(s.talks, t)
	}
}

// told is the bookmark that says this of both lists; from may be empty.
func told(from, settled, before string) extract.Bookmark {
	if from != "" {
		from = fmt.Sprintf(`"from":%q,`, from)
	}
	return extract.Bookmark(fmt.Sprintf(`{"as_of":%q,"covered":[{"of":["deleted","updated"],%s"settled_before":%q,"before":%q}]}`, before, from, settled, before))
}

type landed struct {
	ids       map[int]int
	histories int
	after     extract.Bookmark
	err       error
}

func run(t *testing.T, s *desk.Conversations, ask extract.Ask) landed {
	t.Helper()
	got := landed{ids: map[int]int{}}
	windows, err := s.Plan(t.Context(), ask)
	if err != nil {
		return landed{err: err}
	}
	got.after = ask.Bookmark
	for _, w := range windows {
		whole := true
		for page, err := range s.Walk(t.Context(), w) {
			if err != nil {
				got.err, whole = err, false
				break
			}
			whole, _ := json.Marshal(page)
			if strings.Contains(string(page.Body)+string(whole), "s3cret") || strings.Contains(string(whole), "api-key") {
				t.Fatalf("page shows a credential: %s", page.Body)
			}
			var body struct{ Conversations []struct{ ID int } }
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			if int64(len(body.Conversations)) != page.Rows {
				t.Errorf("%d rows, %d told", len(body.Conversations), page.Rows)
			}
			for _, c := range body.Conversations {
				got.ids[c.ID]++
			}
			if strings.Contains(page.Request.Operation, "history") {
				got.histories++
			}
		}
		if whole && w.Covers != nil {
			got.after = desk.Extend(got.after, w.Covers)
		}
	}
	return got
}
