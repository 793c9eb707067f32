package desk_test

import (
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/desk"
	"nightjar/extract/extracttest"
	"nightjar/extract/transport"
)

func openFuzzed(wire transport.Config) extract.Stream {
	return desk.New(desk.Config{Endpoint: "http://vendor.test/desk/api/v2", Token: "key", Transport: wire, Start: fuzzNow().AddDate(0, 0, -9), Lookback: 72 * time.Hour})
}

func fuzzNow() time.Time { return time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC) }

func FuzzConversations(f *testing.F) {
	extracttest.Fuzz(f, extracttest.Answers{
		Open: openFuzzed,
		Ask:  extract.Ask{Now: fuzzNow()},
		End:  func(string) string { return `{"conversations":[],"pagination":{"records":0,"hasMorePages":false}}` },
		Count: func(answer map[string]any) int {
			list, ok := answer["conversations"].([]any)
			if !ok {
				return -1
			}
			return len(list)
		},
	},
		`{"conversations":[{"id":1,"updatedAt":"2026-11-19T10:00:00Z","token":"secret"}],"pagination":{"records":1,"hasMorePages":false}}`,
		`{"conversations":[{"id":"2","updatedAt":"2026-11-19T10:00:00.5Z"},null,7],"meta":{"page":{"count":9,"hasMore":true}}}`,
		`{"conversations":[{"id":1}],"pagination":{"records":"x"}}`,
		`{"conversations":[],"pagination":{"hasMorePages":true}}`,
		`{"conversations":{}}`, `{"errors":[{"code":"x"}]}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}

func FuzzBookmark(f *testing.F) {
	extracttest.FuzzBookmark(f, func() extract.Stream { return openFuzzed(transport.Config{}) }, fuzzNow(),
		`{"covered":[{"of":["deleted","updated"],"before":"2026-11-19T03:00:00Z"}]}`, `{"covered":[{"of":["updated"],"from":"0001-01-01T00:00:00Z","before":"2027-11-19T03:00:00Z"}]}`)
}
