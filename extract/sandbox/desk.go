package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	deskToken     = "desk-sandbox-key-c4417f"
	deskPage      = 50  // rows of a page where none are asked for
	deskPageMost  = 250 // rows of a page, whatever is asked for
	deskPerMinute = 120
)

// desk is the simulated Teamwork Desk.
type desk struct {
	*world
	tickets []*ticket // by id
	tokens  map[string]*ticket
	count   atomic.Int64

	mu     sync.Mutex
	recent []time.Time // requests of the last minute
	told   int         // answers, to vary the form of their reset
}

func newDesk(w *world) (vendor, error) {
	v := &desk{world: w, tickets: w.tickets(), tokens: map[string]*ticket{}}
	for _, t := range v.tickets {
		v.tokens[t.token] = t
	}
	return vendor{
		routes: map[string]http.Handler{"/api/v2/": http.StripPrefix("/desk/api/v2", v.routes())},
		env:    map[string]string{"ENDPOINT": "/api/v2", "TOKEN": deskToken},
		truths: []told{{"desk/conversations", v.truth}},
	}, nil
}

func (v *desk) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /conversations.json", v.list)
	mux.HandleFunc("POST /conversations/token.json", v.generate)
	mux.HandleFunc("GET /conversations/token/{token}", v.one)
	mux.HandleFunc("GET /conversationmessages/history/{token}", v.history)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		v.fail(w, http.StatusNotFound, "not_found", "no such resource")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused := v.faults.has("expire") && v.count.Add(1)%50 == 0
		switch {
		case bearer(r) != deskToken || refused:
			v.fail(w, http.StatusUnauthorized, "unauthorized", "the API key is wrong")
		case !v.admit(w):
			v.fail(w, http.StatusTooManyRequests, "rate_limited", "too many requests")
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// admit writes the rate headers and reports whether the request is within the
// rate. Only the fault "desk-rate" refuses any.
func (v *desk) admit(w http.ResponseWriter) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	for len(v.recent) > 0 && now.Sub(v.recent[0]) >= time.Minute {
		v.recent = v.recent[1:]
	}
	full := v.faults.has("desk-rate") && len(v.recent) >= deskPerMinute
	if !full {
		v.recent = append(v.recent, now)
	}
	reset := time.Minute
	if len(v.recent) > 0 {
		reset -= now.Sub(v.recent[0])
	}
	left := int64(reset/time.Second) + 1
	if v.told++; v.told%2 == 0 {
		left += now.Unix()
	}
	w.Header().Set("X-Rate-Limit-Limit", strconv.Itoa(deskPerMinute))
	w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, deskPerMinute-len(v.recent))))
	w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(left, 10))
	return !full
}

func (v *desk) fail(w http.ResponseWriter, status int, code, detail string) {
	v.write(w, status, map[string]any{"errors": []map[string]any{
		{"id": "err-" + code, "code": code, "title": http.StatusText(status), "detail": detail},
	}})
}

// invalid answers as the vendor's validator does.
func (v *desk) invalid(w http.ResponseWriter, field string, err error) {
	v.write(w, http.StatusBadRequest, map[string]any{"errors": map[string][]string{field: {err.Error()}}})
}

func (v *desk) write(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, status, body)
}

// list serves a page of conversations.
func (v *desk) list(w http.ResponseWriter, r *http.Request) {
	query, now := r.URL.Query(), v.now()
	page, err := positive(query.Get("page"), 1)
	if err != nil {
		v.invalid(w, "page", err)
		return
	}
	size, err := positive(query.Get("pageSize"), deskPage)
	if err != nil {
		v.invalid(w, "pageSize", err)
		return
	}
	size = min(size, deskPageMost)
	match, err := readFilter(query.Get("filter"))
	if err != nil {
		v.invalid(w, "filter", err)
		return
	}
	order := cmp.Or(query.Get("orderBy"), "id")
	if !slices.Contains(deskFields(), order) {
		v.invalid(w, "orderBy", fmt.Errorf("%q is no field to order by", order))
		return
	}
	mode := cmp.Or(query.Get("orderMode"), "asc")
	if mode != "asc" && mode != "desc" {
		v.invalid(w, "orderMode", fmt.Errorf("%q is neither asc nor desc", mode))
		return
	}
	rows := v.rows(now, match, order, mode == "desc")
	low := min((page-1)*size, len(rows))
	high := min(low+size, len(rows))
	v.write(w, http.StatusOK, v.listing(rows[low:high], now, len(rows), page, size))
}

func positive(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, fmt.Errorf("%q is no number above zero", text)
	}
	return n, nil
}

func (v *desk) rows(now time.Time, match filter, order string, down bool) []*ticket {
	var rows []*ticket
	for _, t := range v.tickets {
		if !reached(t.created, now) || !match.match(t.values(now)) {
			continue
		}
		if reached(t.deleted, now) && !match.deleted {
			continue
		}
		rows = append(rows, t)
	}
	slices.SortStableFunc(rows, func(a, b *ticket) int {
		c := compareValues(a.values(now)[order], b.values(now)[order])
		if down {
			return -c
		}
		return c
	})
	return rows
}

func (v *desk) listing(rows []*ticket, now time.Time, total, page, size int) map[string]any {
	shown := make([]*deskConversation, 0, len(rows))
	for _, t := range rows {
		shown = append(shown, t.at(now))
	}
	pages := (total + size - 1) / size
	answer := map[string]any{
		"conversations": shown,
		"included":      map[string]any{},
		"meta": map[string]any{"page": map[string]any{
			"count": total, "pageSize": size, "pageOffset": page - 1, "pages": pages, "hasMore": page < pages,
		}},
	}
	if !v.faults.has("meta-page") {
		answer["pagination"] = map[string]any{
			"records": total, "pageSize": size, "pages": pages, "page": page, "hasMorePages": page < pages,
		}
	}
	return answer
}

// generate serves POST /conversations/token.json.
func (v *desk) generate(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		ID           int64 `json:"id"`
		Conversation struct {
			ID int64 `json:"id"`
		} `json:"conversation"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil {
		v.fail(w, http.StatusUnprocessableEntity, "unreadable", "the body is no JSON")
		return
	}
	id, now := cmp.Or(asked.Conversation.ID, asked.ID), v.now()
	i, found := slices.BinarySearchFunc(v.tickets, id, func(t *ticket, id int64) int { return cmp.Compare(t.id, id) })
	if !found || !reached(v.tickets[i].created, now) {
		v.fail(w, http.StatusNotFound, "not_found", "no such conversation")
		return
	}
	shown := v.tickets[i].at(now)
	shown.Token = v.tickets[i].token
	v.give(shown.Token)
	v.write(w, http.StatusCreated, map[string]any{"conversation": shown})
}

// byToken returns the conversation of the path's {token}.json, nil if there is
// none.
func (v *desk) byToken(r *http.Request, now time.Time) *ticket {
	t := v.tokens[strings.TrimSuffix(r.PathValue("token"), ".json")]
	if t == nil || !reached(t.created, now) {
		return nil
	}
	return t
}

func (v *desk) one(w http.ResponseWriter, r *http.Request) {
	now := v.now()
	t := v.byToken(r, now)
	if t == nil {
		v.fail(w, http.StatusNotFound, "not_found", "no such conversation")
		return
	}
	v.write(w, http.StatusOK, map[string]any{"conversation": t.at(now)})
}

func (v *desk) history(w http.ResponseWriter, r *http.Request) {
	now := v.now()
	t := v.byToken(r, now)
	if t == nil {
		v.fail(w, http.StatusNotFound, "not_found", "no such conversation")
		return
	}
	messages := []map[string]any{}
	for i, at := range t.messages {
		if reached(at, now) {
			messages = append(messages, map[string]any{
				"id": t.id*100 + int64(i), "body": plainComments[i%len(plainComments)], "createdAt": t.text(at),
			})
		}
	}
	v.write(w, http.StatusOK, map[string]any{"conversationmessages": messages})
}

func (v *desk) truth(now time.Time) []any {
	var rows []any
	for _, t := range v.tickets {
		if reached(t.created, now) {
			rows = append(rows, t.at(now))
		}
	}
	return rows
}
