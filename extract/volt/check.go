package volt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// fields are the fields of a type that a query asks, each with its type as
// testdata/contracts/volt.graphql has it.
type fields map[string]transport.TypeRef

func waveTypes() map[string]fields {
	types := map[string]fields{"Query": {"wave": "Wave"}, "Account": {"id": "ID!", "name": "String!", "primaryPhone": "String!"}}
	types["Wave"] = fields{
		"id": "ID!", "name": "String!", "type": "String!", "scheduledTime": "String!", "body": "String!", "media": "[String!]!", "sentBy": "String!",
		"totalMessages": "Int!", "totalMessagesDelivered": "Int!", "totalMessagesFailed": "Int!",
		"account": "Account", "organization": "Organization", "lists": "[List!]",
	}
	types["Organization"] = fields{"id": "ID!"}
	types["List"] = fields{"name": "String!"}
	return types
}

func messageTypes() map[string]fields {
	types := map[string]fields{"Query": {"inbox": "Inbox", "conversation": "Conversation!"}, "Account": {"primaryPhone": "String!"}}
	types["Inbox"] = fields{"items": "[InboxMessage!]!"}
	types["InboxMessage"] = fields{"contact": "Contact", "lastMessageTime": "String"}
	types["Contact"] = fields{"id": "ID!", "phoneNumber": "String!"}
	types["Conversation"] = fields{"messages": "[Message!]!"}
	types["Message"] = fields{
		"id": "ID!", "legacyId": "String!", "toNumber": "String!", "fromNumber": "String!", "status": "String!", "statusDescription": "String!",
		"media": "[String!]!", "body": "String!", "sentAt": "String!", "confirmedAt": "String!", "errorCode": "String",
		"account": "Account", "wave": "Wave", "contact": "Contact",
	}
	types["Wave"] = fields{"id": "ID!"}
	return types
}

// Check compares the vendor's schema with what the search for waves asks.
func (s *Waves) Check(ctx context.Context) ([]extract.Finding, error) {
	return check(ctx, s.client, s.cfg.Endpoint, waveTypes(), "wave(id)")
}

// Check compares the vendor's schema with what inbox.graphql and
// conversation.graphql ask. PageInfo is free to be anything.
func (s *Messages) Check(ctx context.Context) ([]extract.Finding, error) {
	return check(ctx, s.client, s.cfg.Endpoint, messageTypes(), "inbox(from)", "inbox(before)", "conversation(to)", "conversation(from)", "conversation(before)")
}

// check reports what is gone or changed of the types and of the arguments, which
// are written "field(argument)".
func check(ctx context.Context, c *transport.Client, endpoint string, types map[string]fields, args ...string) ([]extract.Finding, error) {
	schema, err := transport.Introspect(ctx, c, endpoint)
	if err != nil {
		return nil, fmt.Errorf("compare the volt schema: %w", err)
	}
	var findings []extract.Finding
	for _, name := range slices.Sorted(maps.Keys(types)) {
		for _, field := range slices.Sorted(maps.Keys(types[name])) {
			want := types[name][field]
			if what, breaking := difference(schema.Field(rootOr(schema, name), field), want, types[want.Named()] != nil); what != "" {
				findings = append(findings, extract.Finding{Breaking: breaking, Path: name + "." + field, What: what})
			}
		}
	}
	for _, path := range args {
		field, arg, _ := strings.Cut(strings.TrimSuffix(path, ")"), "(")
		if f := schema.Field(schema.Query, field); f != nil && f.Args[arg] == "" {
			findings = append(findings, extract.Finding{Breaking: true, Path: "Query." + path, What: "the argument is gone"})
		}
	}
	return findings, nil
}

// rootOr is the vendor's name of a type: the root may have another.
func rootOr(schema *transport.Schema, name string) string {
	if name == "Query" {
		return schema.Query
	}
	return name
}

// difference says how a field differs. Where fields of its type are selected,
// another type in its place breaks the query.
func difference(got *transport.Field, want transport.TypeRef, selected bool) (what string, breaking bool) {
	switch {
	case got == nil:
		return "the field is gone", true
	case got.Type != want:
		return fmt.Sprintf("is %s, was %s", got.Type, want), selected && got.Type.Named() != want.Named()
	case got.Deprecated:
		return "is deprecated", false
	}
	return "", false
}
