package iadvize

import (
	"context"
	"errors"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// Check compares the vendor's schema with what is documented and asked for. A
// vendor that does not show its schema is asked for a moment's rows instead.
func (s *ClosedConversations) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := transport.Introspect(ctx, s.client, s.cfg.Endpoint)
	if errors.Is(err, transport.ErrNoIntrospection) {
		if _, err := s.discover(ctx); err != nil {
			return nil, err
		}
		return []extract.Finding{{Path: "__schema", What: "the vendor does not show its schema; the query is answered"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.compare(ctx, schema), nil
}

// compare reports what the walk would meet. What the schema lacks is left out of
// the query, so that its columns keep what they last held.
func (s *ClosedConversations) compare(ctx context.Context, schema *transport.Schema) []extract.Finding {
	for _, sh := range s.wanted() {
		if schema.Field(schema.Query, sh.root) == nil {
			continue
		}
		var findings []extract.Finding
		if _, err := s.fit(ctx, sh, schema); err != nil {
			findings = append(findings, extract.Finding{Breaking: true, Path: schema.Query + "." + sh.root, What: err.Error()})
		}
		cut, err := sh.cut(schema)
		if err != nil {
			return findings // which say so
		}
		return append(findings, cut.Findings...)
	}
	return []extract.Finding{{Breaking: true, Path: schema.Query, What: errNoShape.Error()}}
}
