package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// aircallPage is the most calls of a page.
const aircallPage = 1000

// aircallCap is where rows stop under the fault "cap", as they do in the rest of
// Aircall's API; at half the calls where there are fewer than twice as many.
const aircallCap = 10_000

// aircall is the simulated Aircall.
type aircall struct {
	*world
	calls    []*phoneCall // by start
	byID     map[string]*phoneCall
	tokens   *aircallTokens
	endpoint *endpoint

	mu     sync.Mutex
	orders map[orderKey][]*phoneCall // the newest few
	sweeps int                       // pages asked for at offset 0
	pages  int                       // pages asked for
	denied atomic.Int64              // refusals, to vary their form
}

// orderKey names one order of the visible calls.
type orderKey struct{ salt, visible int }

func newAircall(w *world) (vendor, error) {
	v := &aircall{
		world: w, calls: w.calls(), byID: map[string]*phoneCall{},
		tokens: newAircallTokens(w), orders: map[orderKey][]*phoneCall{},
	}
	for _, c := range v.calls {
		v.byID[c.id] = c
	}
	var err error
	v.endpoint, err = newEndpoint(w, "aircall", &aircallRoot{v}, coded)
	return vendor{
		routes: map[string]http.Handler{"/graphql": http.HandlerFunc(v.serveGraphQL)},
		env:    map[string]string{"ENDPOINT": "/graphql", "USERNAME": aircallUser, "PASSWORD": aircallPassword},
		truths: []told{{"aircall/calls", v.truth}},
	}, err
}

type bearerKey struct{}

func (v *aircall) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if q, ok := v.endpoint.read(w, r); ok {
		v.endpoint.answer(context.WithValue(r.Context(), bearerKey{}, bearer(r)), w, q, statusOf)
	}
}

// unauthorized is the answer to a token that is not good: over status 200, or in
// one form after the other under the fault "expire".
func (v *aircall) unauthorized() error {
	forms := []map[string]any{
		{"code": "UNAUTHENTICATED"},
		{"code": "UNAUTHENTICATED", "status": http.StatusUnauthorized},
		{"code": "INTERNAL_SERVER_ERROR", "exception": map[string]any{"response": map[string]any{"statusCode": 401, "message": "Unauthorized"}}},
	}
	form := 0
	if v.faults.has("expire") {
		form = int((v.denied.Add(1) - 1) % int64(len(forms)))
	}
	return &vendorError{"Unauthorized", forms[form]}
}

// admit returns an error where the request carries no good access token.
func (v *aircall) admit(ctx context.Context) error {
	token, _ := ctx.Value(bearerKey{}).(string)
	if !v.tokens.accepts(token) {
		return v.unauthorized()
	}
	return nil
}

// aircallRoot resolves queries, mutations and the subscription.
type aircallRoot struct{ v *aircall }

// wholeFloat is the scalar Float with defaults that are written as whole numbers.
type wholeFloat float64

// ImplementsGraphQLType names the scalar.
func (wholeFloat) ImplementsGraphQLType(name string) bool { return name == "Float" }

// UnmarshalGraphQL reads an argument.
func (f *wholeFloat) UnmarshalGraphQL(input any) error {
	switch v := input.(type) {
	case int32:
		*f = wholeFloat(v)
	case float64:
		*f = wholeFloat(v)
	default:
		return fmt.Errorf("%v is no Float", input)
	}
	return nil
}

type acPage struct {
	Nodes       *[]*acCall
	TotalCount  int32
	HasNextPage bool
}

// PaginatedCalls pages by offset, in an order of the vendor's own.
func (q *aircallRoot) PaginatedCalls(ctx context.Context, args struct{ Offset, Limit wholeFloat }) (*acPage, error) {
	if err := q.v.admit(ctx); err != nil {
		return nil, err
	}
	offset, limit := float64(args.Offset), float64(args.Limit)
	if offset != math.Trunc(offset) || limit != math.Trunc(limit) || offset < 0 || limit < 1 || limit > aircallPage {
		return nil, &vendorError{
			fmt.Sprintf("offset must be 0 or more and limit 1 to %d, both whole", aircallPage),
			map[string]any{"code": "BAD_USER_INPUT"},
		}
	}
	return q.v.page(int(min(offset, 1e9)), int(limit)), nil
}

// page cuts one page out of the order of the moment.
func (v *aircall) page(offset, limit int) *acPage {
	now := v.now()
	all, n := v.order(now, offset)
	if v.faults.has("null-nodes") && n%9 == 0 {
		return &acPage{TotalCount: int32(len(all)), HasNextPage: offset+limit < len(all)}
	}
	end := len(all)
	if v.faults.has("cap") {
		end = min(aircallCap, len(all)/2)
	}
	if v.faults.has("partial") && limit > 3 {
		limit -= limit / 3
	}
	low := min(offset, end)
	high := min(low+limit, end)
	nodes := make([]*acCall, 0, high-low)
	for _, c := range all[low:high] {
		nodes = append(nodes, c.at(now))
	}
	return &acPage{Nodes: &nodes, TotalCount: int32(len(all)), HasNextPage: high < end}
}

// withheldAtFirst is how many of the newest calls the fault "drift" keeps back,
// to insert one of them at every other page.
const withheldAtFirst = 20

// order returns the visible calls in the vendor's order, and the number of the
// page that asks. A sweep begins at offset 0.
func (v *aircall) order(now time.Time, offset int) ([]*phoneCall, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pages++
	if offset == 0 {
		v.sweeps++
	}
	salt := 0
	if v.faults.has("reorder") && v.sweeps%2 == 1 {
		salt = v.pages / 3
	}
	return v.shuffled(orderKey{salt, v.visible(now)}), v.pages
}

// visible is how many calls the vendor shows at now. The caller holds mu.
func (v *aircall) visible(now time.Time) int {
	n := sort.Search(len(v.calls), func(i int) bool { return v.calls[i].created.After(now) })
	if v.faults.has("drift") {
		n -= min(n, max(0, withheldAtFirst-v.pages/2))
	}
	return n
}

// shuffled returns the first calls in the order of their hashes. The caller
// holds mu and does not change the slice.
func (v *aircall) shuffled(key orderKey) []*phoneCall {
	if order, ok := v.orders[key]; ok {
		return order
	}
	if len(v.orders) > 8 {
		clear(v.orders)
	}
	type ranked struct {
		rank uint64
		call *phoneCall
	}
	ranks := make([]ranked, key.visible)
	for i, c := range v.calls[:key.visible] {
		h := fnv.New64a()
		fmt.Fprint(h, v.opt.Seed, key.salt, c.id)
		ranks[i] = ranked{h.Sum64(), c}
	}
	slices.SortFunc(ranks, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	order := make([]*phoneCall, len(ranks))
	for i, r := range ranks {
		order[i] = r.call
	}
	v.orders[key] = order
	return order
}

// Call returns one call.
func (q *aircallRoot) Call(ctx context.Context, args struct{ ID graphql.ID }) (*acCall, error) {
	if err := q.v.admit(ctx); err != nil {
		return nil, err
	}
	c, now := q.v.byID[string(args.ID)], q.v.now()
	if c == nil || c.created.After(now) {
		return nil, nil
	}
	return c.at(now), nil
}

type acUser struct{ ID, Username string }

type acTokens struct {
	AccessToken, RefreshToken string
	User                      acUser
}

func aircallAccount() acUser { return acUser{ID: "usr_1", Username: aircallUser} }

// Me returns the signed-in user.
func (q *aircallRoot) Me(ctx context.Context) (*acUser, error) {
	if err := q.v.admit(ctx); err != nil {
		return nil, err
	}
	return ptr(aircallAccount()), nil
}

// Login gives a pair of tokens for a password.
func (q *aircallRoot) Login(args struct {
	Input struct{ Username, Password string }
}) (*acTokens, error) {
	if args.Input.Username != aircallUser || args.Input.Password != aircallPassword {
		return nil, &vendorError{"Invalid credentials", map[string]any{"code": "UNAUTHENTICATED"}}
	}
	return q.v.tokens.pair(), nil
}

// RefreshTokenV2 gives a new pair for a refresh token, once.
func (q *aircallRoot) RefreshTokenV2(ctx context.Context) (*acTokens, error) {
	token, _ := ctx.Value(bearerKey{}).(string)
	if !q.v.tokens.spend(token) {
		return nil, q.v.unauthorized()
	}
	return q.v.tokens.pair(), nil
}

// RefreshToken gives an access token for one that is still good.
func (q *aircallRoot) RefreshToken(ctx context.Context) (*acTokens, error) {
	if err := q.v.admit(ctx); err != nil {
		return nil, err
	}
	return &acTokens{AccessToken: q.v.tokens.issue("access", aircallAccess), User: aircallAccount()}, nil
}

// readOnly is the answer to writes that no exporter makes.
func readOnly() error {
	return &vendorError{"the sandbox is read-only", map[string]any{"code": "FORBIDDEN"}}
}

// ArchiveCall is refused.
func (q *aircallRoot) ArchiveCall(args struct{ ID graphql.ID }) (*acCall, error) {
	return nil, readOnly()
}

// AddNote is refused.
func (q *aircallRoot) AddNote(args struct {
	Input struct {
		ActivityID graphql.ID
		Content    string
	}
}) (*acCall, error) {
	return nil, readOnly()
}

// OnUpdatedCall is refused: there is no websocket here.
func (q *aircallRoot) OnUpdatedCall() (<-chan *acCall, error) { return nil, readOnly() }
