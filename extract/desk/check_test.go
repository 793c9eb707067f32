package desk_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nightjar/extract"
	"nightjar/extract/desk"
	"nightjar/extract/transport"
)

var _ extract.Checker = (*desk.Conversations)(nil)

func TestCheck(t *testing.T) {
	const whole = `"id":1,"createdAt":"2026-11-01T00:00:00Z","updatedAt":"2026-11-01T00:00:00Z","state":"active","ticket_id":2,"messages":[],"users":[],"contactId":3`
	for _, c := range []struct {
		name, body string
		want       string // "path: what", a breaking one with a bang
	}{
		{"as documented", `{"conversations":[{` + whole + `,"token":"t0ken","filter_args":{}}]}`, ""},
		{"none yet", `{"conversations":[]}`, ""},
		{"absent", `{"conversations":[{"id":1,"createdAt":"x","updatedAt":"x","state":"active","contact":{"id":3}}]}`,
			"Conversation.ticket_id: is absent from the conversation that changed last"},
		{"no key", `{"conversations":[{` + strings.Replace(whole, `"id"`, `"uid"`, 1) + `}]}`,
			"Conversation.id: is absent from the conversation that changed last; Conversation.uid: is not documented; it is not read"},
		{"unknown", `{"conversations":[{` + whole + `,"zeal":1,"mood":2}]}`,
			"Conversation.mood: is not documented; it is not read; Conversation.zeal: is not documented; it is not read"},
		{"no objects", `{"conversations":[7]}`, "!conversations: its rows are no objects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				if r.Method != http.MethodGet || r.URL.Query().Get("pageSize") != "1" || r.Header.Get("Authorization") != "Bearer key" {
					t.Errorf("asked %s %s", r.Method, r.URL)
				}
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			findings, err := desk.New(desk.Config{Endpoint: server.URL, Token: "key", Transport: transport.Config{Vendor: "desk"}}).Check(t.Context())
			var all []string
			for _, f := range findings {
				text := f.Path + ": " + f.What
				if f.Breaking {
					text = "!" + text
				}
				all = append(all, text)
			}
			if got := strings.Join(all, "; "); err != nil || got != c.want || asked != 1 {
				t.Errorf("findings = %s, %v, after %d requests\nwant       %s", got, err, asked, c.want)
			}
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"chats":[]}`) }))
	defer server.Close()
	if findings, err := desk.New(desk.Config{Endpoint: server.URL, Token: "key", Transport: transport.Config{Vendor: "desk"}}).Check(t.Context()); extract.KindOf(err) != extract.Garbled || len(findings) > 0 {
		t.Errorf("another list: findings %v, %v", findings, err)
	}
	if _, err := desk.New(desk.Config{Endpoint: "http://127.0.0.1:1", Token: "key", Transport: transport.Config{Vendor: "desk"}}).Check(t.Context()); extract.KindOf(err) != extract.Unreachable {
		t.Errorf("no vendor: %v", err)
	}
}
