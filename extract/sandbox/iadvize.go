package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// iadvizePage is the most edges of a page.
const iadvizePage = 100

// iadvize is the simulated iAdvize.
type iadvize struct {
	*world
	conversations []*conversation // by close, then id
	byID          map[string]*conversation
	tokens        *iadvizeTokens
	endpoint      *endpoint
}

func newIAdvize(w *world) (vendor, error) {
	v := &iadvize{world: w, conversations: w.conversations(), byID: map[string]*conversation{}, tokens: newIAdvizeTokens(w)}
	for _, c := range v.conversations {
		v.byID[c.id] = c
	}
	var err error
	v.endpoint, err = newEndpoint(w, "iadvize", &iadvizeQuery{v}, dialect{
		wrong:     map[string]any{"name": "GRAPHQL_VALIDATION_FAILED", "retryPolicy": "NO_RETRY"},
		mediaType: true, shape: v.shape,
	})
	return vendor{
		routes: map[string]http.Handler{"/graphql": http.HandlerFunc(v.serveGraphQL), "/oauth2/token": http.HandlerFunc(v.serveToken)},
		env:    map[string]string{"ENDPOINT": "/graphql", "TOKEN_URL": "/oauth2/token", "USERNAME": iadvizeUser, "PASSWORD": iadvizePassword},
		truths: []told{{"iadvize/conversations", v.truth}},
	}, err
}

// shape takes out of the schema what this server does not offer.
func (v *iadvize) shape(sdl string) string {
	drop := map[string]string{"search": "closedConversations", "closed": "searchClosedConversations"}[v.opt.IAdvizeShape]
	if drop != "" {
		sdl = regexp.MustCompile(`(?ms)^  `+drop+`\(.*?^  \)[^\n]*\n`).ReplaceAllString(sdl, "")
	}
	if v.faults.has("no-paging") {
		sdl = regexp.MustCompile(`(?m)^    (first|last): Int\n    (after|before): String\n`).ReplaceAllString(sdl, "")
		sdl = strings.Replace(sdl, "type Transaction {\n  id: UUID!\n", "type Transaction {\n", 1)
	}
	return sdl
}

func (v *iadvize) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if !v.tokens.accepts(bearer(r)) {
		v.endpoint.refuse(w, http.StatusUnauthorized, "The access token is invalid or has expired",
			map[string]any{"name": "UNAUTHENTICATED", "retryPolicy": "NO_RETRY"})
		return
	}
	if q, ok := v.endpoint.read(w, r); ok {
		v.endpoint.answer(r.Context(), w, q, statusOf)
	}
}

// iadvizeQuery resolves the root fields.
type iadvizeQuery struct{ v *iadvize }

type searchArgs struct {
	Filters *struct {
		ProjectIDs *[]int32
		Channels   *[]string
	}
	Interval struct{ From, To dateTime }
	First    *int32
	After    *string
	Last     *int32
	Before   *string
}

// SearchClosedConversations is the older shape.
func (q *iadvizeQuery) SearchClosedConversations(ctx context.Context, args searchArgs) (*iaSearchConnection, error) {
	page, err := q.v.search("searchClosedConversations", args)
	if err != nil {
		return nil, err
	}
	found := &iaSearchConnection{Edges: make([]iaSearchEdge, len(page.Edges)), PageInfo: page.PageInfo}
	for i, e := range page.Edges {
		found.Edges[i] = iaSearchEdge{Cursor: e.Cursor, Node: iaSearchResult{
			Conversation: e.Node, SatisfactionSurvey: e.Node.SatisfactionSurvey, Conversions: e.Node.Conversions,
		}}
	}
	return found, nil
}

// ClosedConversations is the newer shape.
func (q *iadvizeQuery) ClosedConversations(ctx context.Context, args searchArgs) (*iaConnection, error) {
	return q.v.search("closedConversations", args)
}

// Conversation returns one conversation, open ones included.
func (q *iadvizeQuery) Conversation(args struct{ ID uuidText }) *iaConversation {
	c, now := q.v.byID[string(args.ID)], q.v.now()
	if c == nil || c.created.After(now) {
		return nil
	}
	return c.at(now, now)
}

// Projects lists the account's projects, on one page.
func (q *iadvizeQuery) Projects(args struct {
	First *int32
	After *string
}) *iaProjectConnection {
	all := &iaProjectConnection{}
	if args.After != nil {
		return all
	}
	for _, p := range iadvizeProjects() {
		all.Edges = append(all.Edges, iaProjectEdge{Node: p, Cursor: ptr(fmt.Sprintf("project-%d", p.ID))})
	}
	all.PageInfo = iaPageInfo{StartCursor: all.Edges[0].Cursor, EndCursor: all.Edges[len(all.Edges)-1].Cursor}
	return all
}

// search answers both shapes.
func (v *iadvize) search(field string, args searchArgs) (*iaConnection, error) {
	from, to, now := args.Interval.From.time(), args.Interval.To.time(), v.now()
	if to.Before(from) {
		return nil, invalid("interval.to is before interval.from")
	}
	matches := v.matching(args, from, to, now)
	if limit := int(400 * max(1, v.opt.Scale)); v.faults.has("wide") && len(matches) > limit {
		return nil, &vendorError{"The search took too long", map[string]any{"name": "TIMEOUT", "retryPolicy": "RETRY", "status": http.StatusGatewayTimeout}}
	}
	key := queryKey(field, args)
	low, high, err := bounds(matches, key, args)
	if err != nil {
		return nil, err
	}
	if v.faults.has("partial") && high-low > 7 {
		if args.Last != nil {
			low += (high - low) * 2 / 5
		} else {
			high -= (high - low) * 2 / 5
		}
	}
	page := &iaConnection{Edges: make([]iaEdge, 0, high-low)}
	for _, c := range matches[low:high] {
		page.Edges = append(page.Edges, iaEdge{Node: c.at(now, to), Cursor: ptr(cursorOf(key, c))})
	}
	page.PageInfo = iaPageInfo{HasPreviousPage: low > 0, HasNextPage: high < len(matches)}
	if high > low {
		page.PageInfo.StartCursor, page.PageInfo.EndCursor = page.Edges[0].Cursor, page.Edges[high-low-1].Cursor
	}
	if v.faults.has("repeat-cursor") && args.After != nil {
		page.PageInfo.EndCursor, page.PageInfo.HasNextPage = args.After, true
	}
	return page, nil
}

// matching returns the conversations that the interval and the filters let
// through, in the order of their close.
func (v *iadvize) matching(args searchArgs, from, to, now time.Time) []*conversation {
	if v.faults.has("exclusive") {
		from, to = from.Add(time.Nanosecond), to.Add(-time.Nanosecond)
	}
	if to.After(now) {
		to = now
	}
	start := sort.Search(len(v.conversations), func(i int) bool { return !v.conversations[i].closed.Before(from) })
	var matches []*conversation
	for _, c := range v.conversations[start:] {
		if c.closed.After(to) {
			break
		}
		if f := args.Filters; f != nil &&
			(f.ProjectIDs != nil && !slices.Contains(*f.ProjectIDs, c.project.ID) ||
				f.Channels != nil && !slices.Contains(*f.Channels, c.channel)) {
			continue
		}
		matches = append(matches, c)
	}
	return matches
}

// bounds returns the page [low, high) of the matches that the arguments ask for.
func bounds(matches []*conversation, key string, args searchArgs) (low, high int, err error) {
	size := iadvizePage
	if args.First != nil && args.Last != nil {
		return 0, 0, invalid("first and last exclude each other")
	}
	for _, n := range []*int32{args.First, args.Last} {
		if n == nil {
			continue
		}
		if *n < 1 || *n > iadvizePage {
			return 0, 0, invalid(fmt.Sprintf("a page has 1 to %d edges, not %d", iadvizePage, *n))
		}
		size = int(*n)
	}
	low, high = 0, len(matches)
	if args.After != nil {
		if low, err = seek(matches, key, *args.After, true); err != nil {
			return 0, 0, err
		}
	}
	if args.Before != nil {
		if high, err = seek(matches, key, *args.Before, false); err != nil {
			return 0, 0, err
		}
	}
	low = min(low, high)
	if args.Last != nil {
		return max(low, high-size), high, nil
	}
	return low, min(high, low+size), nil
}

// seek returns where the cursor's conversation stands, or the place behind it.
func seek(matches []*conversation, key, cursor string, behind bool) (int, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.Split(string(text), "|")
	if err != nil || len(parts) != 3 || parts[0] != key {
		return 0, invalid("the cursor does not belong to this query")
	}
	closed, err := time.Parse(time.RFC3339, parts[1])
	if err != nil {
		return 0, invalid("the cursor does not belong to this query")
	}
	return sort.Search(len(matches), func(i int) bool {
		c := matches[i]
		if !c.closed.Equal(closed) {
			return c.closed.After(closed)
		}
		if behind {
			return c.id > parts[2]
		}
		return c.id >= parts[2]
	}), nil
}

// cursorOf is opaque to the client: it names the query and the conversation.
func cursorOf(key string, c *conversation) string {
	return base64.RawURLEncoding.EncodeToString([]byte(key + "|" + c.closed.Format(time.RFC3339) + "|" + c.id))
}

// queryKey names a query: its field, interval and filters.
func queryKey(field string, args searchArgs) string {
	var filters string
	if f := args.Filters; f != nil {
		filters = fmt.Sprint(deref(f.ProjectIDs), deref(f.Channels))
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(field, args.Interval, filters)))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func invalid(message string) error {
	return &vendorError{message, map[string]any{"name": "INVALID_ARGUMENT", "retryPolicy": "NO_RETRY"}}
}
