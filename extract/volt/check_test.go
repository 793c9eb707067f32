package volt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/graph-gophers/graphql-go"

	"nightjar/extract"
	"nightjar/extract/volt"
	"nightjar/testdata"
)

// introspect answers introspection from the vendor's contract, changed.
func introspect(t *testing.T, change *strings.Replacer) string {
	t.Helper()
	sdl, err := testdata.Contracts.ReadFile("contracts/volt.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := graphql.ParseSchema(change.Replace(string(sdl)), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := schema.ToJSON()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"data":%s}`, answer)
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name            string
		change          []string
		waves, messages []extract.Finding
	}{
		{"as documented", nil, nil, nil},
		{"a field gone", []string{"sentBy: String!", "author: String!"}, []extract.Finding{
			{Path: "Wave.sentBy", What: "is gone; it is not asked for"}, {Path: "Wave.author", What: "is new; it is not asked for"},
		}, []extract.Finding{{Path: "Wave.author", What: "is new; it is not asked for"}}},
		{"a key gone", []string{"type Message {\n  id: ID!", "type Message {\n  uid: ID!"}, nil, []extract.Finding{
			{Breaking: true, Path: "Message.id", What: "is gone, and nothing can be asked without it"}, {Path: "Message.uid", What: "is new; it is not asked for"},
		}},
		{"retyped", []string{"sentBy: String!", "sentBy: Int!"}, []extract.Finding{{Path: "Wave.sentBy", What: "is Int!, documented as String!"}}, nil},
		{"no list", []string{"lists: [List!]\n  total", "lists: List\n  total"}, []extract.Finding{{Breaking: true, Path: "Wave.lists", What: "is List, documented as [List!]"}}, nil},
		{"made null", []string{"totalMessages: Int!", "totalMessages: Int"}, []extract.Finding{{Path: "Wave.totalMessages", What: "may be null now"}}, nil},
		{"an argument gone", []string{"inbox(from: String!, before: String)", "inbox(from: String!, after: String)"}, nil,
			[]extract.Finding{{Breaking: true, Path: "Query.inbox(before)", What: "is gone, and nothing can be asked without it"}}},
		{"another page info", []string{"endCursor: String", "last: Int"}, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.schema = introspect(t, strings.NewReplacer(test.change...))
			got, err := volt.NewWaves(f.config()).Check(t.Context())
			if err != nil || !slices.Equal(got, test.waves) {
				t.Errorf("waves: %+v, %v; want %+v", got, err, test.waves)
			}
			got, err = volt.NewMessages(f.config()).Check(t.Context())
			if err != nil || !slices.Equal(got, test.messages) {
				t.Errorf("messages: %+v, %v; want %+v", got, err, test.messages)
			}
		})
	}
}
