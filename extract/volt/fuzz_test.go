package volt

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/extracttest"
	"nightjar/extract/transport"
)

func night() extract.Ask { return extract.Ask{Now: time.Date(2026, 11, 20, 1, 45, 0, 0, time.UTC)} }

func openWaves(wire transport.Config) extract.Stream {
	return NewWaves(Config{Endpoint: "http://vendor.test/graphql", Token: "t", Transport: wire, Gap: 4, Aliases: 2})
}

func openMessages(wire transport.Config) extract.Stream {
	return NewMessages(Config{Endpoint: "http://vendor.test/graphql", Token: "t", Transport: wire, Accounts: []string{"+1"}})
}

// hidden answers introspection.
func hidden(request string) (int, string, bool) {
	return 400, `{"errors":[{"message":"introspection is not allowed"}]}`, strings.Contains(request, "__schema")
}

func FuzzWaves(f *testing.F) {
	alias := regexp.MustCompile(`w\d+: wave`)
	waveAlias := regexp.MustCompile(`^w[+-]?\d+$`)
	extracttest.Fuzz(f, extracttest.Answers{
		Open:    openWaves,
		Ask:     night(),
		Divides: true,
		Lead:    hidden,
		End: func(request string) string {
			var absent []string
			for _, a := range alias.FindAllString(request, -1) {
				absent = append(absent, `"`+strings.TrimSuffix(a, ": wave")+`":null`)
			}
			return `{"data":{` + strings.Join(absent, ",") + `}}`
		},
		Count: func(answer map[string]any) int {
			data, _ := answer["data"].(map[string]any)
			n := 0
			for name, wave := range data {
				if !waveAlias.MatchString(name) {
					return -1
				}
				if wave != nil {
					n++
				}
			}
			return n
		},
	},
		`{"data":{"w1":{"id":"1","name":"a"},"w2":null}}`,
		`{"data":{"w1":null,"w2":null}}`,
		`{"data":{"w3":{"id":3},"w9000000000000000000":{"id":9}}}`,
		`{"data":{"w1":7}}`, `{"data":[]}`, `{"data":null}`,
		`{"data":null,"errors":[{"message":"no"}]}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}

func FuzzMessages(f *testing.F) {
	const contact = `{"data":{"inbox":{"items":[{"contact":{"id":"c","phoneNumber":"+2"},"lastMessageTime":"2026-11-19 10:00:00"}],"pageInfo":{"hasNextPage":false}}}}`
	extracttest.Fuzz(f, extracttest.Answers{
		Open: openMessages,
		Ask:  night(),
		Lead: func(request string) (int, string, bool) {
			if strings.Contains(request, "query Inbox") {
				return 200, contact, true
			}
			return hidden(request)
		},
		End: func(string) string {
			return `{"data":{"conversation":{"messages":[],"pageInfo":{"hasNextPage":false}}}}`
		},
		Count: func(answer map[string]any) int {
			data, _ := answer["data"].(map[string]any)
			conversation, _ := data["conversation"].(map[string]any)
			messages, _ := conversation["messages"].([]any)
			return len(messages)
		},
	},
		`{"data":{"conversation":{"messages":[{"id":"1","sentAt":"2026-11-19 10:00:00","fromNumber":"+1","toNumber":"+2"}],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}}}`,
		`{"data":{"conversation":{"messages":[null,{"id":7,"sentAt":1795139106}],"pageInfo":{"hasNextPage":null,"endCursor":null}}}}`,
		`{"data":{"conversation":{"messages":{},"pageInfo":[]}}}`,
		`{"data":{"conversation":null}}`,
		`{"data":null,"errors":[{"message":"no"}]}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}

func FuzzInbox(f *testing.F) {
	extracttest.Fuzz(f, extracttest.Answers{
		Open: openMessages,
		Ask:  night(),
		Lead: func(request string) (int, string, bool) {
			if strings.Contains(request, "query Conversation") {
				return 200, `{"data":{"conversation":{"messages":[],"pageInfo":{"hasNextPage":false}}}}`, true
			}
			return hidden(request)
		},
		End:   func(string) string { return `{"data":{"inbox":{"items":[],"pageInfo":{"hasNextPage":false}}}}` },
		Count: func(map[string]any) int { return 0 }, // an inbox holds no messages
	},
		`{"data":{"inbox":{"items":[{"contact":{"id":"c","phoneNumber":"+2"},"lastMessageTime":"2026-11-19 10:00:00"}],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}}}`,
		`{"data":{"inbox":{"items":[null,{"contact":null}],"pageInfo":null}}}`,
		`{"data":{"inbox":null}}`,
		`{"data":{"inbox":{"items":[{"contact":{"phoneNumber":3}}]}}}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}

func FuzzWavesBookmark(f *testing.F) {
	extracttest.FuzzBookmark(f, func() extract.Stream { return openWaves(transport.Config{}) }, night().Now, `{"scanned_through":4000}`, `{"scanned_through":9223372036854775807}`)
}

func FuzzMessagesBookmark(f *testing.F) {
	extracttest.FuzzBookmark(f, func() extract.Stream { return openMessages(transport.Config{}) }, night().Now, `{"walked_at":"2026-11-19T01:45:00Z","accounts":["+1"]}`)
}

// An instant that is read can be written in its own form, and read again.
func FuzzInstant(f *testing.F) {
	for _, seed := range []string{"2026-11-20 01:45:06", "2026-11-20T01:45:06Z", "2026-11-20T02:45:06.25+01:00", "1795139106", "1795139106000", "", "0", "yesterday", "9999-12-31T23:59:59Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, write := form(text)
		if at.IsZero() {
			return
		}
		if again := instant(write(at)); !again.Equal(at) && !again.Truncate(time.Second).Equal(at.Truncate(time.Second)) {
			t.Fatalf("%q is %s, written as %q it is %s", text, at, write(at), again)
		}
	})
}
