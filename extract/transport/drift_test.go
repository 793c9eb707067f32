package transport_test

import (
	"slices"
	"strings"
	"testing"

	"nightjar/extract/transport"
)

const documentedSDL = `
type Query { calls(first: Int, after: String, filter: Filter): Calls! }
type Mutation { send(input: Message!): Sent }
input Filter { days: [Int!] kind: Kind }
input Message { to: ID! text: String }
type Sent { id: ID! }
type Calls { nodes: [Call!]! total: Int! }
type Call { id: ID! kind: Kind! tags: [String!]! line: Line old: String @deprecated }
type Line { number: String! }
enum Kind { IN OUT }
`

const callsText = `query Calls($first: Int, $after: String, $filter: Filter) {
  calls(first: $first, after: $after, filter: $filter) { total nodes { ...Call } }
}
fragment Call on Call { id kind tags line { number } old }`

const sendText = `mutation Send($input: Message!) { send(input: $input) { id } }`

// fit tells what FitQuery finds where the documented schema is changed, a breaking
// finding with a bang, and the text that is left, on one line.
func fit(t *testing.T, query string, change ...string) (findings, text string) {
	t.Helper()
	vendor, err := transport.ReadSDL(strings.NewReplacer(change...).Replace(documentedSDL))
	if err != nil {
		t.Fatal(err)
	}
	f, err := transport.FitQuery(query, vendor, documentedSDL, "Query.calls", "Query.calls(first)", "Call.id", "Mutation.send", "Message.to")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, found := range f.Findings {
		mark := ""
		if found.Breaking {
			mark = "!"
		}
		all = append(all, mark+found.Path+" "+found.What)
	}
	breaks := slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, "!") })
	if f.Breaking() != breaks {
		t.Error("Breaking and the findings disagree")
	}
	return strings.Join(all, "; "), strings.Join(strings.Fields(f.Text), " ")
}

func TestFitQuery(t *testing.T) {
	for _, c := range []struct {
		name   string
		query  string
		change []string
		want   string // findings
		lacks  string // of the text that is left
	}{
		{"as documented", callsText, nil, "", ""},
		{"a mutation as documented", sendText, nil, "", ""},
		{"other types' names", callsText, []string{"type Call ", "type PhoneCall ", "[Call!]", "[PhoneCall!]"}, "", ""},

		// What the vendor lacks is not asked for.
		{"a field gone", callsText, []string{"tags: [String!]!", ""}, "Call.tags is gone; it is not asked for", "tags"},
		{"all of an object gone", callsText, []string{"number: String!", "digits: Int"}, "Line.number is gone; it is not asked for; Line.digits is new; it is not asked for", "line"},
		{"a key gone", callsText, []string{"type Call { id: ID!", "type Call { "}, "!Call.id is gone, and nothing can be asked without it", ""},
		{"an argument gone", callsText, []string{"after: String, ", ""}, "Query.calls(after) is gone; it is not asked for", "$after"},
		{"a vital argument gone", callsText, []string{"first: Int, ", ""}, "!Query.calls(first) is gone, and nothing can be asked without it", ""},
		{"a field of an input gone", callsText, []string{"days: [Int!]", ""}, "Filter.days is gone; it is not asked for", ""},
		{"a vital field of an input gone", sendText, []string{"to: ID!", ""}, "!Message.to is gone, and nothing can be asked without it", ""},
		{"the root gone", sendText, []string{"send(", "post("}, "!Mutation.send is gone, and nothing can be asked without it", "send("},

		// What has another type.
		{"a leaf", callsText, []string{"total: Int!", "total: Float!"}, "Calls.total is Float!, documented as Int!", ""},
		{"an argument", callsText, []string{"first: Int", "first: Float"}, "Query.calls(first) is Float, documented as Int", "$first: Int"},
		{"null", callsText, []string{"total: Int!", "total: Int"}, "Calls.total may be null now", ""},
		{"null in a list", callsText, []string{"[Call!]!", "[Call]!"}, "Calls.nodes may be null now", ""},
		{"never null", callsText, []string{"line: Line", "line: Line!"}, "", ""},
		{"no list", callsText, []string{"tags: [String!]!", "tags: String!"}, "!Call.tags is String!, documented as [String!]!", ""},
		{"a list", callsText, []string{"line: Line ", "line: [Line!] "}, "!Call.line is [Line!], documented as Line", ""},
		{"a leaf where an object was", callsText, []string{"line: Line ", "line: String "}, "!Call.line is String, documented as Line", "number"},
		{"an object where a leaf was", callsText, []string{"tags: [String!]!", "tags: [Line!]!"}, "Call.tags is [Line!]!, documented as [String!]!; it is not asked for", "tags"},

		// What is new, and what is to go.
		{"a field", callsText, []string{"total: Int!", "total: Int! pages: Int"}, "Calls.pages is new; it is not asked for", "pages"},
		{"a field nobody comes by", sendText, []string{"total: Int!", "total: Int! pages: Int"}, "", ""},
		{"a field of an input", sendText, []string{"text: String", "text: String from: ID"}, "Message.from is new; it is not sent", ""},
		{"a value", callsText, []string{"IN OUT", "IN OUT MISSED"}, "Kind.MISSED is a new value", ""},
		{"a value gone", callsText, []string{"IN OUT", "IN"}, "Kind.OUT is a value no more", ""},
		{"deprecated", callsText, []string{"line: Line", "line: Line @deprecated"}, "Call.line is deprecated", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			findings, text := fit(t, c.query, c.change...)
			if findings != c.want {
				t.Errorf("findings = %s\nwant       %s", findings, c.want)
			}
			if c.lacks != "" && strings.Contains(text, c.lacks) {
				t.Errorf("%s is asked for: %s", c.lacks, text)
			}
		})
	}
	if _, err := transport.ReadSDL("type {"); err == nil {
		t.Error("a broken schema is read")
	}
}

// Variables are declared with the vendor's types.
func TestFitQueryDeclares(t *testing.T) {
	_, text := fit(t, callsText, "first: Int", "first: Float!", "type Call ", "type PhoneCall ", "[Call!]", "[PhoneCall!]", "old:", "older:")
	const want = `query Calls ($first: Float!, $after: String, $filter: Filter) { calls(first: $first, after: $after, filter: $filter) { total nodes { id kind tags line { number } } } }`
	if text != want {
		t.Errorf("text = %s\nwant   %s", text, want)
	}
}
