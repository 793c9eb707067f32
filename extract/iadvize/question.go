package iadvize

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed closed_conversations.graphql
var newer string

//go:embed search_closed_conversations.graphql
var older string

//go:embed fragments.graphql
var fragments string

//go:embed schema.graphql
var documented string

// shape is one of the two queries in the field.
type shape struct {
	root      string // field of Query
	operation string
	text      string
}

// shapes in the order of preference.
func shapes() []shape {
	return []shape{
		{"closedConversations", "ClosedConversations", newer},
		{"searchClosedConversations", "SearchClosedConversations", older},
	}
}

// question is the query that this vendor answers.
type question struct {
	shape
	filters  bool // takes filters
	kinds    bool // its filters tell projects and channels apart
	paged    bool // takes first and after
	pageInfo bool // tells whether there is more
}

// errNoShape says that the vendor's schema has none of the queries.
var errNoShape = errors.New("the vendor has neither closedConversations nor searchClosedConversations")

// discover finds out, once a run, what can be asked.
func (s *ClosedConversations) discover(ctx context.Context) (*question, error) {
	if err := s.discovery.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.discovery.Release(1)
	if s.question != nil {
		return s.question, nil
	}
	schema, err := transport.Introspect(ctx, s.client, s.cfg.Endpoint)
	var q *question
	switch {
	case err == nil:
		q, err = s.choose(ctx, schema)
	case errors.Is(err, transport.ErrNoIntrospection):
		q, err = s.try(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.question = q
	return q, nil
}

// wanted are the shapes that the configuration allows.
func (s *ClosedConversations) wanted() []shape {
	var all []shape
	for _, sh := range shapes() {
		if s.cfg.Query == "" || s.cfg.Query == sh.root {
			all = append(all, sh)
		}
	}
	return all
}

// choose takes the first shape that the schema has.
func (s *ClosedConversations) choose(ctx context.Context, schema *transport.Schema) (*question, error) {
	for _, sh := range s.wanted() {
		if schema.Field(schema.Query, sh.root) != nil {
			return s.fit(ctx, sh, schema)
		}
	}
	return nil, s.refused(errNoShape)
}

// try finds the shape by asking, where the vendor does not show its schema: what
// an error names as unknown is left out.
func (s *ClosedConversations) try(ctx context.Context) (*question, error) {
	var last error
	for _, sh := range s.wanted() {
		q, err := s.trim(ctx, sh)
		if err == nil || extract.KindOf(err) != extract.Refused {
			return q, err
		}
		last = err
	}
	if last == nil {
		last = s.refused(errNoShape)
	}
	return nil, last
}

// trim asks for one second of rows until the vendor accepts the question.
func (s *ClosedConversations) trim(ctx context.Context, sh shape) (*question, error) {
	schema, err := transport.ReadSDL(documented)
	if err != nil {
		return nil, err
	}
	for {
		q, err := s.fit(ctx, sh, schema)
		if err != nil {
			return nil, s.refused(err)
		}
		at := s.ask.Now.Add(-oneDay)
		_, err = s.client.GraphQL(ctx, s.cfg.Endpoint, s.query(q, part{from: at, to: at}, ""))
		if err == nil {
			return q, nil
		}
		if extract.KindOf(err) != extract.Refused || !forget(schema, err) {
			return nil, err
		}
	}
}

func (s *ClosedConversations) refused(err error) error {
	return &extract.Error{Kind: extract.Refused, Vendor: s.cfg.Transport.Vendor, Err: err}
}

var (
	noField = regexp.MustCompile(`[Cc]annot query field "(\w+)" on type "(\w+)"`)
	noArg   = regexp.MustCompile(`[Uu]nknown argument "(\w+)" on field "(?:\w+\.)?(\w+)"`)
)

// forget removes from the schema what the vendor's errors call unknown, and
// reports whether that was anything.
func forget(schema *transport.Schema, err error) bool {
	forgot := false
	for _, e := range transport.Errors(err) {
		if m := noField.FindStringSubmatch(e.Message); m != nil && schema.Field(m[2], m[1]) != nil {
			delete(schema.Types[m[2]].Fields, m[1])
			forgot = true
		}
		if m := noArg.FindStringSubmatch(e.Message); m != nil {
			if f := schema.Field(schema.Query, m[2]); f != nil && f.Args[m[1]] != "" {
				delete(f.Args, m[1])
				forgot = true
			}
		}
	}
	return forgot
}

// fit cuts the shape to what the schema has. Without the way to the
// conversation's id and to the date by which it is filed there is no question left,
// nor without what tells transactions apart.
func (s *ClosedConversations) fit(ctx context.Context, sh shape, schema *transport.Schema) (*question, error) {
	cut, err := sh.cut(schema)
	if err != nil {
		return nil, err
	}
	root := field(cut.Operation.SelectionSet, sh.root)
	for _, name := range []string{"id", "closedAt"} {
		if path := append(sh.conversation(), name); follow(root, path) == nil {
			return nil, fmt.Errorf("the schema has no %s.%s", sh.root, strings.Join(path, "."))
		}
	}
	if err := s.tellsApart(ctx, sh, root); err != nil {
		return nil, err
	}
	info := field(root.SelectionSet, "pageInfo")
	has := func(arg string) bool { return root.Arguments.ForName(arg) != nil }
	filter := cut.Variables["filters"].Named()
	return &question{
		shape: shape{sh.root, sh.operation, cut.Text}, filters: has("filters"),
		kinds:    has("filters") && schema.Field(filter, "projectIds") != nil && schema.Field(filter, "channels") != nil,
		paged:    has("first") && has("after"),
		pageInfo: info != nil && field(info.SelectionSet, "hasNextPage") != nil,
	}, nil
}

// conversation is the way from the root field to a conversation.
func (sh shape) conversation() []string {
	if sh.root == "searchClosedConversations" {
		return []string{"edges", "node", "conversation"}
	}
	return []string{"edges", "node"}
}

// tellsApart makes sure that a transaction keeps its key from night to night: it is
// the vendor's id, or a hash of all that a transaction without one says.
func (s *ClosedConversations) tellsApart(ctx context.Context, sh shape, root *ast.Field) error {
	way := []string{"edges", "node", "conversions", "transactions"}
	transactions := follow(root, way)
	if transactions == nil || field(transactions.SelectionSet, "id") != nil {
		return nil
	}
	named := sh.root + "." + strings.Join(way, ".")
	if s.cfg.Warehouse != nil {
		held, err := s.cfg.Warehouse.TransactionsHaveIDs(ctx)
		if err != nil {
			return err
		}
		if held {
			return fmt.Errorf("the schema has no %s.id, by which the warehouse holds transactions: each would be there twice", named)
		}
	}
	for _, name := range []string{"externalConversionId", "amount", "currency", "receivedAt"} {
		if field(transactions.SelectionSet, name) == nil {
			return fmt.Errorf("the schema has neither %s.id nor %s: transactions cannot be told apart", named, name)
		}
	}
	return nil
}

// follow is the field at the end of the names below f; nil where there is none.
func follow(f *ast.Field, names []string) *ast.Field {
	for _, name := range names {
		if f != nil {
			f = field(f.SelectionSet, name)
		}
	}
	return f
}

func field(set ast.SelectionSet, name string) *ast.Field {
	for _, s := range set {
		if f, ok := s.(*ast.Field); ok && f.Name == name {
			return f
		}
	}
	return nil
}

// cut compares the shape with what the schema has.
func (sh shape) cut(schema *transport.Schema) (*transport.Fit, error) {
	return transport.FitQuery(sh.text+fragments, schema, documented)
}
