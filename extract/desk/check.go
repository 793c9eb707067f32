package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-faster/jx"

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
	answer, err := s.client.Do(req, nil)
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
	rows, fields, err := firstRow(body)
	switch {
	case err != nil:
		return nil, err
	case rows == 0:
		return nil, nil
	case fields == nil:
		return []extract.Finding{{Breaking: true, Path: "conversations", What: "its rows are no objects"}}, nil
	}
	var findings []extract.Finding
	add := func(field, what string) {
		findings = append(findings, extract.Finding{Path: "Conversation." + field, What: what})
	}
	for _, field := range expected() {
		if !fields[field] {
			add(field, "is absent from the conversation that changed last")
		}
	}
	if !fields["contactId"] && !fields["contact"] {
		add("contactId", "is absent from the conversation that changed last")
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(documented(), field) {
			add(field, "is not documented; it is not read")
		}
	}
	return findings, nil
}

// What is told of the fields of a conversation that nobody documents.
const (
	mostFields  = 100
	longestName = 100 // bytes
)

// firstRow counts the rows of a list, and names the fields of the first one as they
// may be shown; nil where it is no object.
func firstRow(body []byte) (rows int, fields map[string]bool, err error) {
	err = transport.Object(jx.DecodeBytes(body), func(d *jx.Decoder, name []byte) error {
		if string(name) != "conversations" {
			return d.Skip()
		}
		return transport.Array(d, func(d *jx.Decoder) error {
			if rows++; rows > 1 || d.Next() != jx.Object {
				return d.Skip()
			}
			fields = map[string]bool{}
			return d.ObjBytes(func(d *jx.Decoder, name []byte) error {
				field := extract.Plain(string(name[:min(len(name), longestName)]))
				if len(fields) < mostFields || slices.Contains(documented(), field) {
					fields[field] = true
				}
				return d.Skip()
			})
		})
	})
	if err != nil {
		return 0, nil, errUnreadable
	}
	return rows, fields, nil
}
