package aircall

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// expected lists the types that the queries ask, with each field's type as
// testdata/contracts/aircall.graphql has it.
func expected() map[string]map[string]transport.TypeRef {
	return map[string]map[string]transport.TypeRef{
		"Query":            {"paginatedCalls": "PaginatedCalls!"},
		"Mutation":         {"login": "AuthResponseType!", "refreshTokenV2": "AuthResponseType!"},
		"AuthResponseType": {"access_token": "String!", "refresh_token": "String!"},
		"PaginatedCalls":   {"nodes": "[Call!]", "totalCount": "Int!", "hasNextPage": "Boolean!"},
		"Call": {
			"id": "ID!", "direction": "String!", "from": "String!", "to": "String!", "duration": "Float!", "is_archived": "Boolean!",
			"call_type": "String!", "via": "String!", "created_at": "String!", "notes": "[Note!]!",
		},
		"Note": {"id": "ID!", "content": "String!"},
	}
}

// Check compares the vendor's schema with what calls.graphql, login.graphql and
// refresh.graphql ask.
func (c *Calls) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := transport.Introspect(ctx, c.client, c.cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("compare the aircall schema: %w", err)
	}
	var findings []extract.Finding
	all := expected()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		findings = append(findings, compare(schema, name, all[name])...)
	}
	for _, arg := range []string{"offset", "limit"} {
		if f := schema.Field("Query", "paginatedCalls"); f != nil && f.Args[arg] == "" {
			findings = append(findings, extract.Finding{Breaking: true, Path: "Query.paginatedCalls(" + arg + ")", What: "the argument is gone"})
		}
	}
	return findings, nil
}

// compare reports the fields that are gone, changed or, on types of records, new.
func compare(schema *transport.Schema, name string, want map[string]transport.TypeRef) []extract.Finding {
	typ := schema.Types[schemaName(schema, name)]
	if typ == nil {
		return []extract.Finding{{Breaking: true, Path: name, What: "the type is gone"}}
	}
	var findings []extract.Finding
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if what, breaking := difference(typ.Fields[field], want[field]); what != "" {
			findings = append(findings, extract.Finding{Breaking: breaking, Path: name + "." + field, What: what})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(typ.Fields)) {
		if _, known := want[field]; !known && name != "Query" && name != "Mutation" && !documented(name, field) {
			findings = append(findings, extract.Finding{Path: name + "." + field, What: "a new field, which is not read"})
		}
	}
	return findings
}

// documented reports whether the contract has a field that no query asks.
func documented(name, field string) bool { return name == "AuthResponseType" && field == "user" }

// schemaName is the vendor's name of a type: the root types may have others.
func schemaName(schema *transport.Schema, name string) string {
	switch name {
	case "Query":
		return schema.Query
	case "Mutation":
		return schema.Mutation
	}
	return name
}

func difference(got *transport.Field, want transport.TypeRef) (what string, breaking bool) {
	switch {
	case got == nil:
		return "the field is gone", true
	case got.Type.Named() != want.Named():
		return fmt.Sprintf("is %s, was %s", got.Type, want), isObject(want)
	case got.Type != want:
		return fmt.Sprintf("is %s, was %s", got.Type, want), false
	case got.Deprecated:
		return "is deprecated", false
	}
	return "", false
}

// isObject reports whether the queries select fields of the type: another type
// in its place cannot be asked the same.
func isObject(ref transport.TypeRef) bool { return expected()[ref.Named()] != nil }
