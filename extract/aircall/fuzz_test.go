package aircall_test

import (
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/aircall"
	"nightjar/extract/extracttest"
	"nightjar/extract/transport"
)

func open(wire transport.Config) extract.Stream {
	return aircall.New(aircall.Config{Endpoint: "http://vendor.test/graphql", Username: "u", Password: "p", Transport: wire, PageSize: 2})
}

func FuzzCalls(f *testing.F) {
	extracttest.Fuzz(f, extracttest.Answers{
		Open: open,
		Ask:  extract.Ask{Now: time.Date(2026, 11, 20, 1, 30, 0, 0, time.UTC)},
		Lead: func(request string) (int, string, bool) {
			return 200, `{"data":{"login":{"access_token":"a","refresh_token":"r"}}}`, strings.Contains(request, "mutation Login")
		},
		End: func(string) string {
			return `{"data":{"paginatedCalls":{"totalCount":0,"hasNextPage":false,"nodes":[]}}}`
		},
		Count: func(answer map[string]any) int {
			data, _ := answer["data"].(map[string]any)
			calls, _ := data["paginatedCalls"].(map[string]any)
			nodes, _ := calls["nodes"].([]any)
			return len(nodes)
		},
	},
		`{"data":{"paginatedCalls":{"totalCount":2,"hasNextPage":false,"nodes":[{"id":"a","created_at":"2026-11-20T01:00:00.000Z","notes":[]},{"id":"b"}]}}}`,
		`{"data":{"paginatedCalls":{"totalCount":9,"hasNextPage":true,"nodes":[null,{"id":7}]}}}`,
		`{"data":{"paginatedCalls":{"totalCount":1e18,"hasNextPage":true,"nodes":null}}}`,
		`{"data":{"paginatedCalls":{"totalCount":"2","nodes":{}}}}`,
		`{"data":{"paginatedCalls":null},"errors":[]}`,
		`{"data":null,"errors":[{"message":"no"}]}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}

func FuzzBookmark(f *testing.F) {
	extracttest.FuzzBookmark(f, func() extract.Stream { return open(transport.Config{}) }, time.Date(2026, 11, 20, 1, 30, 0, 0, time.UTC),
		`{"swept_at":"2026-11-19T01:30:00Z","calls":12}`, `{"calls":-1}`, `{"calls":9223372036854775807,"since_full":3}`)
}
