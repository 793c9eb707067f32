package aircall

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed schema.graphql
var documented string

// vital is what a night cannot do without: the way to the calls, their keys, the
// count that proves a sweep, and the date by which calls are filed.
func vital() []string {
	return []string{
		"Query.paginatedCalls", "Query.paginatedCalls(offset)", "Query.paginatedCalls(limit)",
		"PaginatedCalls.nodes", "PaginatedCalls.totalCount", "Call.id", "Call.created_at", "Note.id",
		"Mutation.login", "Mutation.login(input)", "LoginInput.username", "LoginInput.password",
		"Mutation.refreshTokenV2", "AuthResponseType.access_token", "AuthResponseType.refresh_token",
	}
}

// Check compares the vendor's schema with what calls.graphql, login.graphql and
// refresh.graphql ask. A field that is gone is left out by the walks after it, so
// that its column keeps what it last held; a vital one breaks the query.
func (c *Calls) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := transport.Introspect(ctx, c.client, c.cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("compare the aircall schema: %w", err)
	}
	var findings []extract.Finding
	for _, query := range []string{callsQuery, loginQuery, refreshQuery} {
		fit, err := transport.FitQuery(query, schema, documented, vital()...)
		if err != nil {
			return nil, err
		}
		if query == callsQuery && len(fit.Findings) > 0 && !fit.Breaking() {
			c.fitted.Store(&fit.Text)
		}
		findings = append(findings, fit.Findings...)
	}
	return findings, nil
}

// query is calls.graphql, cut to what the vendor offers where a check has found
// that to be less.
func (c *Calls) query() string { return *cmp.Or(c.fitted.Load(), &callsQuery) }
