package volt

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed schema.graphql
var documented string

// vitalOfWaves is what the search cannot do without: the way to a wave, its key,
// and the date by which it is filed.
func vitalOfWaves() []string {
	return []string{"Query.wave", "Query.wave(id)", "Wave.id", "Wave.scheduledTime"}
}

// vitalOfMessages is the same of messages, with what pages and tells the two
// sides apart.
func vitalOfMessages() []string {
	return []string{
		"Query.inbox", "Query.inbox(from)", "Query.inbox(before)", "Inbox.items", "InboxMessage.contact", "Contact.phoneNumber",
		"Query.conversation", "Query.conversation(to)", "Query.conversation(from)", "Query.conversation(before)",
		"Conversation.messages", "Message.id", "Message.sentAt", "Message.toNumber", "Message.fromNumber",
	}
}

// Check compares the vendor's schema with what the search for waves asks. A field
// that is gone is left out by the walks after it, so that its column keeps what it
// last held; a vital one breaks the query.
func (s *Waves) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := introspect(ctx, s.client, s.cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	fit, err := transport.FitQuery("query Waves { wave(id: 1) { ...Wave } }\n"+waveFragment, schema, documented, vitalOfWaves()...)
	if err != nil {
		return nil, err
	}
	if len(fit.Findings) > 0 && !fit.Breaking() {
		s.fragment.Store(new(fragmentOf(fit, schema.Field(schema.Query, "wave").Type.Named())))
	}
	return fit.Findings, nil
}

// Check compares the vendor's schema with what inbox.graphql and
// conversation.graphql ask, as the check of waves does. PageInfo is free to be
// anything.
func (s *Messages) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := introspect(ctx, s.client, s.cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	return s.learn(schema)
}

// fields is wave.graphql, cut to what the vendor offers where a check has found
// that to be less.
func (s *Waves) fields() string { return *cmp.Or(s.fragment.Load(), &waveFragment) }

// learn cuts the queries to the vendor's schema. The caller holds asking.
func (s *Messages) learn(schema *transport.Schema) ([]extract.Finding, error) {
	var findings []extract.Finding
	info := pageInfoOf(schema)
	for _, operation := range []string{"Inbox", "Conversation"} {
		fit, err := transport.FitQuery(strings.Replace(s.queries[operation], inferredPageInfo, noPageInfo, 1), schema, documented, vitalOfMessages()...)
		if err != nil {
			return nil, err
		}
		if len(fit.Findings) > 0 && !fit.Breaking() {
			s.queries[operation] = withPageInfo(fit)
		}
		for _, f := range fit.Findings {
			if !slices.Contains(findings, f) { // the other query may have made it
				findings = append(findings, f)
			}
		}
	}
	s.pageInfo = info
	return findings, nil
}

func introspect(ctx context.Context, c *transport.Client, endpoint string) (*transport.Schema, error) {
	schema, err := transport.Introspect(ctx, c, endpoint)
	if err != nil {
		return nil, fmt.Errorf("compare the volt schema: %w", err)
	}
	return schema, nil
}

// fragmentOf is wave.graphql as the fit has it, on the vendor's type.
func fragmentOf(fit *transport.Fit, on string) string {
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatQueryDocument(&ast.QueryDocument{
		Fragments: ast.FragmentDefinitionList{{Name: "Wave", TypeCondition: on, SelectionSet: rootOf(fit).SelectionSet}},
	})
	return b.String()
}

// withPageInfo is the text of the fit with the selection of the .graphql files in
// its place again, to be replaced by what the vendor's PageInfo has.
func withPageInfo(fit *transport.Fit) string {
	root := rootOf(fit)
	root.SelectionSet = append(root.SelectionSet, &ast.Field{Alias: "pageInfo", Name: "pageInfo"})
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatQueryDocument(&ast.QueryDocument{Operations: ast.OperationList{fit.Operation}})
	return strings.Replace(b.String(), "pageInfo", inferredPageInfo, 1)
}

// rootOf is the one root field of a fit that is not breaking.
func rootOf(fit *transport.Fit) *ast.Field {
	return fit.Operation.SelectionSet[0].(*ast.Field)
}
