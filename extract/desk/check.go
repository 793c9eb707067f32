package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/valyala/fastjson"

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
	answer, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask desk for a conversation: %w", err)
	}
	findings, err := differences(answer.Body)
	if err != nil {
		return nil, &extract.Error{Kind: extract.Garbled, Vendor: s.cfg.Transport.Vendor, Err: fmt.Errorf("ask for a conversation: %w", err)}
	}
	return findings, nil
}

// differences looks at the first conversation of a list.
func differences(body []byte) ([]extract.Finding, error) {
	if _, err := read(body, "updatedAt"); err != nil {
		return nil, err
	}
	root, err := fastjson.ParseBytes(body)
	if err != nil {
		return nil, errors.New("answer cannot be read") // the cause would quote it
	}
	rows := root.GetArray("conversations")
	if len(rows) == 0 {
		return nil, nil
	}
	var findings []extract.Finding
	add := func(field, what string) {
		findings = append(findings, extract.Finding{Path: "Conversation." + field, What: what})
	}
	row, err := rows[0].Object()
	if err != nil {
		return []extract.Finding{{Breaking: true, Path: "conversations", What: "its rows are no objects"}}, nil
	}
	for _, field := range expected() {
		if row.Get(field) == nil {
			add(field, "is absent from the conversation that changed last")
		}
	}
	if row.Get("contactId") == nil && row.Get("contact") == nil {
		add("contactId", "is absent from the conversation that changed last")
	}
	var unknown []string
	row.Visit(func(name []byte, _ *fastjson.Value) {
		if !slices.Contains(documented(), string(name)) {
			unknown = append(unknown, string(name))
		}
	})
	slices.Sort(unknown)
	for _, field := range slices.Compact(unknown) {
		add(field, "is not documented; it is not read")
	}
	return findings, nil
}
