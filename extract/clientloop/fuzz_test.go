package clientloop_test

import (
	"context"
	"testing"

	"nightjar/extract"
	"nightjar/extract/clientloop"
	"nightjar/extract/extracttest"
	"nightjar/extract/transport"
)

func FuzzSessions(f *testing.F) {
	extracttest.Fuzz(f, extracttest.Answers{
		Open: func(wire transport.Config) extract.Stream {
			return clientloop.New(clientloop.Config{
				Endpoint: "http://vendor.test/", Token: "key", OrgID: "org", HashKey: []byte("k"), Transport: wire,
				Contacts: func(context.Context) ([]string, error) { return []string{"a", "b"}, nil },
			})
		},
		End: func(string) string { return made },
		Count: func(answer map[string]any) int {
			data, _ := answer["data"].(map[string]any)
			session, _ := data["contactCreateIdvSession"].(map[string]any)
			if token, _ := session["token"].(string); token == "" {
				return 0
			}
			return 1
		},
	},
		made,
		`{"data":{"contactCreateIdvSession":{"token":7,"expiresAt":null}}}`,
		`{"data":{"contactCreateIdvSession":null}}`,
		`{"data":null,"errors":[{"message":"no"}]}`,
		`{}`, `[]`, `null`, `<html>`, ``,
	)
}
