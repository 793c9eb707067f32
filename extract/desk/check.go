package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// documented are the fields of a conversation that the vendor names.
func documented() []string {
	return []string{
		"contact", "contactId", "createdAt", "createdBy", "deletedAt", "deletedBy", "filter_args", "id", "messages",
		"socket_id", "state", "ticket_id", "token", "updatedAt", "updatedBy", "users",
	}
}

// expected are those that are read, and that no active conversation is known to
// lack: an empty list of messages or users is often left out. Any may be absent
// from one, so that an absence is worth a look and breaks nothing.
func expected() []string { return []string{"id", "createdAt", "updatedAt", "state", "ticket_id"} }

// Check signs in by asking for the conversation that changed last, and tells in
// which fields it differs from the documented ones. The API has no schema to ask
// for; where there is no conversation yet, nothing can be told.
func (s *Conversations) Check(ctx context.Context) ([]extract.Finding, error) {
	ctx = transport.Describe(ctx, "GET /conversations.json")
	query := url.Values{"page": {"1"}, "pageSize": {"1"}, "orderBy": {"updatedAt"}, "orderMode": {"desc"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Endpoint+"/conversations.json?"+query.Encode(), nil)
	if err != nil {
		return nil, errors.New("endpoint is no URL")
	}
	seen := reading{field: "updatedAt", named: true}
	if _, err := s.client.Do(req, seen.read); err != nil {
		return nil, fmt.Errorf("ask desk for a conversation: %w", err)
	}
	if err := seen.conclude(); err != nil {
		return nil, &extract.Error{Kind: extract.Garbled, Vendor: s.cfg.Transport.Vendor, Err: fmt.Errorf("ask for a conversation: %w", err)}
	}
	return seen.differences(), nil
}

// differences looks at the first conversation of a list.
func (r *reading) differences() []extract.Finding {
	switch {
	case r.rows == 0:
		return nil
	case r.fields == nil:
		return []extract.Finding{{Breaking: true, Path: "conversations", What: "its rows are no objects"}}
	}
	var findings []extract.Finding
	add := func(field, what string) {
		findings = append(findings, extract.Finding{Path: "Conversation." + field, What: what})
	}
	for _, field := range expected() {
		if !r.fields[field] {
			add(field, "is absent from the conversation that changed last")
		}
	}
	if !r.fields["contactId"] && !r.fields["contact"] {
		add("contactId", "is absent from the conversation that changed last")
	}
	for _, field := range slices.Sorted(maps.Keys(r.fields)) {
		if !slices.Contains(documented(), field) {
			add(field, "is not documented; it is not read")
		}
	}
	return findings
}

// What is told of the fields of a conversation that nobody documents.
const (
	mostFields  = 100
	longestName = 100 // bytes
)

// name notes a field of the first conversation, as it may be shown.
func (r *reading) name(name []byte) {
	field := extract.Plain(string(name[:min(len(name), longestName)]))
	if len(r.fields) < mostFields || slices.Contains(documented(), field) {
		r.fields[field] = true
	}
}
