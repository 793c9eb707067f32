package clientloop

import (
	"context"
	_ "embed"
	"fmt"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed schema.graphql
var documented string

// Check compares the vendor's schema with what the mutation asks. The mutation
// itself is never sent. Its every part is vital: a request whose answer cannot be
// kept would make a session that nobody knows of.
func (s *Sessions) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := transport.Introspect(ctx, s.client, s.cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("compare the clientloop schema: %w", err)
	}
	fit, err := transport.FitQuery(mutation, schema, documented,
		"Mutation.contactCreateIdvSession", "Mutation.contactCreateIdvSession(input)", "ContactCreateIdvSession.orgId",
		"ContactCreateIdvSession.contactId", "ContactIdvSession.token", "ContactIdvSession.expiresAt")
	if err != nil {
		return nil, err
	}
	return fit.Findings, nil
}
