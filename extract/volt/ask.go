package volt

import (
	"context"
	_ "embed"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed inbox.graphql
var inboxQuery string

//go:embed conversation.graphql
var conversationQuery string

const (
	// inferredPageInfo is the selection in the .graphql files, which the vendor
	// does not document. It is replaced by what the vendor's PageInfo has.
	inferredPageInfo = "pageInfo { hasNextPage endCursor }"
	noPageInfo       = " " // selects nothing
)

func (s *Messages) askInbox(ctx context.Context, account, before string) (extract.Page, listing, error) {
	q := transport.Query{Operation: "Inbox", Variables: map[string]any{"from": account}}
	return s.ask(ctx, q, before, (*listing).readInbox)
}

// askConversation gets a page of messages; they are its rows.
func (s *Messages) askConversation(ctx context.Context, from, to, before string) (extract.Page, listing, error) {
	q := transport.Query{Operation: "Conversation", Variables: map[string]any{"from": from, "to": to}}
	page, got, err := s.ask(ctx, q, before, (*listing).readConversation)
	page.Rows = int64(len(got.rows))
	return page, got, err
}

func (s *Messages) ask(ctx context.Context, q transport.Query, before string, read func(*listing, *jx.Decoder) error) (extract.Page, listing, error) {
	selection, err := s.selection(ctx)
	if err != nil {
		return extract.Page{}, listing{}, err
	}
	if before != "" {
		q.Variables["before"] = before
		q.Divisible = true // another value may fare better
	}
	text := s.text(q.Operation)
	q.Text = strings.Replace(text, inferredPageInfo, selection, 1)
	var got listing
	q.Read = func(d *jx.Decoder) error { return read(&got, d) }
	answer, err := s.client.GraphQL(ctx, s.cfg.Endpoint, q)
	if before == "" && selection == inferredPageInfo && extract.KindOf(err) == extract.Refused {
		q.Text = strings.Replace(text, inferredPageInfo, noPageInfo, 1)
		if answer, err = s.client.GraphQL(ctx, s.cfg.Endpoint, q); err == nil {
			s.use(noPageInfo)
		}
	}
	if err != nil {
		return extract.Page{}, listing{}, err
	}
	return q.Page(answer), got, nil
}

func (s *Messages) use(selection string) {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.pageInfo = selection
}

// text is the query of an operation.
func (s *Messages) text(operation string) string {
	s.asking.Lock()
	defer s.asking.Unlock()
	return s.queries[operation]
}

// selection is what to ask of pageInfo. It is found out once, by introspection;
// where that is switched off, what others call these fields is tried.
func (s *Messages) selection(ctx context.Context) (string, error) {
	if selection := s.selected(); selection != "" {
		return selection, nil
	}
	schema, err := transport.Introspect(ctx, s.client, s.cfg.Endpoint) // with no lock held: who waits looks at its context
	if err != nil && !errors.Is(err, transport.ErrNoIntrospection) {
		return "", err
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	switch {
	case s.pageInfo != "": // another was quicker
	case err != nil:
		s.pageInfo = inferredPageInfo
	default:
		if _, err := s.learn(schema); err != nil {
			return "", err
		}
	}
	return s.pageInfo, nil
}

func (s *Messages) selected() string {
	s.asking.Lock()
	defer s.asking.Unlock()
	return s.pageInfo
}

// pageInfoOf selects the fields of PageInfo that tell whether there is more, and
// the cursors.
func pageInfoOf(schema *transport.Schema) string {
	info := schema.Field("Conversation", "pageInfo")
	if info == nil || schema.Field("Inbox", "pageInfo") == nil || schema.Types[info.Type.Named()] == nil {
		return noPageInfo
	}
	var names []string
	fields := schema.Types[info.Type.Named()].Fields
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if len(fields[name].Args) == 0 && telling(name, fields[name].Type.Named()) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return noPageInfo
	}
	return "pageInfo { " + strings.Join(names, " ") + " }"
}

func telling(name, typ string) bool {
	lower := strings.ToLower(name)
	switch typ {
	case "Boolean":
		return strings.HasPrefix(lower, "has") || strings.Contains(lower, "more")
	case "String", "ID", "Int":
		return strings.Contains(lower, "cursor") || strings.Contains(lower, "before")
	}
	return false
}
