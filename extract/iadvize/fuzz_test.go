package iadvize_test

import (
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/extracttest"
	"nightjar/extract/iadvize"
	"nightjar/extract/transport"
)

func openFuzzed(wire transport.Config) extract.Stream {
	return iadvize.New(iadvize.Config{
		Endpoint: "http://vendor.test/graphql", TokenURL: "http://vendor.test/token", Username: "u", Password: "p",
		Query: "closedConversations", Transport: wire, Start: now.AddDate(0, 0, -2), Lookback: 72 * time.Hour,
	})
}

func FuzzConversations(f *testing.F) {
	extracttest.Fuzz(f, extracttest.Answers{
		Open: openFuzzed,
		Ask:  extract.Ask{Now: now},
		Lead: func(request string) (int, string, bool) {
			switch {
			case strings.HasPrefix(request, "POST /token "):
				return 200, `{"access_token":"t","expires_in":86400}`, true
			case strings.Contains(request, "__schema"):
				return 400, `{"errors":[{"message":"introspection is not allowed"}]}`, true
			}
			return 0, "", false
		},
		End: func(string) string {
			return `{"data":{"closedConversations":{"edges":[],"pageInfo":{"hasNextPage":false}}}}`
		},
		Divides: true, // and tries the question out
		Count: func(answer map[string]any) int {
			data, _ := answer["data"].(map[string]any)
			connection, _ := data["closedConversations"].(map[string]any)
			edges, _ := connection["edges"].([]any)
			return len(edges)
		},
	},
		`{"data":{"closedConversations":{"edges":[{"cursor":"a","node":{"id":"1","channel":"CHAT","project":{"id":1}}}],"pageInfo":{"hasNextPage":false,"endCursor":"a"}}}}`,
		`{"data":{"closedConversations":{"edges":[{"cursor":"a","node":null},null,7],"pageInfo":{"hasNextPage":true,"endCursor":"a"}}}}`,
		`{"data":{"closedConversations":{"edges":null,"pageInfo":{"hasNextPage":true,"endCursor":null}}}}`,
		`{"data":{"closedConversations":{"edges":{},"pageInfo":[]}}}`,
		`{"data":{"closedConversations":null}}`,
		`{"data":null,"errors":[{"message":"no"}]}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}

func FuzzBookmark(f *testing.F) {
	extracttest.FuzzBookmark(f, func() extract.Stream { return openFuzzed(transport.Config{}) }, now,
		string(mark("2026-11-19T01:15:00Z")), string(mark("2026-11-19T01:15:00Z", 4242)), `{"covered":[]}`, `{"offset":3}`,
		`{"epoch":2,"as_of":"2027-11-19T01:15:00Z","covered":[{"of":[1,2],"from":"2026-11-19T01:15:00Z","before":"2026-11-19T02:30:00+01:00","asked_at":"2026-11-19T12:00:00Z"}]}`)
}
