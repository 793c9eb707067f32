package transform_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"nightjar/transform"
)

// asked are the queries of the extractors, with pages that answer them.
var asked = []struct {
	name   string
	stream transform.Stream
	page   string
	query  func(t *testing.T) string
}{
	{"closed", transform.ClosedConversations(), "plain", func(t *testing.T) string {
		return text(t, "iadvize/closed_conversations") + text(t, "iadvize/fragments")
	}},
	{"search", transform.ClosedConversations(), "wrapped", func(t *testing.T) string {
		return text(t, "iadvize/search_closed_conversations") + text(t, "iadvize/fragments")
	}},
	{"calls", transform.Calls(), "plain", func(t *testing.T) string { return text(t, "aircall/calls") }},
	{"waves", transform.Waves(), "waves", func(t *testing.T) string {
		return "query Waves { w101: wave(id: 101) { ...Wave } w102: wave(id: 102) { ...Wave } }\n" + text(t, "volt/wave")
	}},
	{"messages", transform.Messages(), "messages", func(t *testing.T) string { return text(t, "volt/conversation") }},
}

func text(t *testing.T, query string) string {
	t.Helper()
	b, err := os.ReadFile("../extract/" + query + ".graphql")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// without is a query, its fragments spread out, without the field at a path.
func without(t *testing.T, query, path string) string {
	t.Helper()
	doc := parsed(t, query)
	var cut func(set ast.SelectionSet, path string) ast.SelectionSet
	cut = func(set ast.SelectionSet, path string) ast.SelectionSet {
		name, rest, more := strings.Cut(path, ".")
		var kept ast.SelectionSet
		for _, f := range spread(doc, set) {
			if f.Alias == name && !more {
				continue
			}
			if f.Alias == name {
				f.SelectionSet = cut(f.SelectionSet, rest)
				if len(f.SelectionSet) == 0 {
					continue
				}
			}
			kept = append(kept, f)
		}
		return kept
	}
	for _, root := range doc.Operations[0].SelectionSet {
		f := root.(*ast.Field)
		f.SelectionSet = cut(f.SelectionSet, path)
	}
	var b strings.Builder
	formatter.NewFormatter(&b).FormatQueryDocument(doc)
	return b.String()
}

func parsed(t *testing.T, query string) *ast.QueryDocument {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func spread(doc *ast.QueryDocument, set ast.SelectionSet) []*ast.Field {
	var all []*ast.Field
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			all = append(all, s)
		case *ast.FragmentSpread:
			all = append(all, spread(doc, doc.Fragments.ForName(s.Name).SelectionSet)...)
		}
	}
	return all
}

// paths are those of all fields below the root fields.
func paths(t *testing.T, query string) []string {
	doc := parsed(t, query)
	all := map[string]bool{}
	var walk func(set ast.SelectionSet, above string)
	walk = func(set ast.SelectionSet, above string) {
		for _, f := range spread(doc, set) {
			all[above+f.Alias] = true
			walk(f.SelectionSet, above+f.Alias+".")
		}
	}
	for _, root := range doc.Operations[0].SelectionSet {
		walk(root.(*ast.Field).SelectionSet, "")
	}
	return slices.Sorted(maps.Keys(all))
}

// drop removes the members at a path from an answer, in all elements of lists.
func drop(v any, path string) {
	name, rest, more := strings.Cut(path, ".")
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			drop(e, path)
		}
	case map[string]any:
		if !more {
			delete(v, name)
		} else {
			drop(v[name], rest)
		}
	}
}

// What a page without a field says otherwise than the page with it is in the gaps
// of the query without that field, for every field that is asked for: rows lose no
// value of which nobody knows that it was not asked for.
func TestGapsAreAllThatAFieldTakesWithIt(t *testing.T) {
	for _, a := range asked {
		t.Run(a.name, func(t *testing.T) {
			query := a.query(t)
			if gaps, err := a.stream.Gaps(query); len(gaps) > 0 || err != nil {
				t.Errorf("the whole query has the gaps %v, %v", gaps, err)
			}
			folder := "testdata/" + a.stream.Source + "/" + a.page
			before := rowsWithout(t, a.stream, folder, "", nil)
			for _, table := range a.stream.Tables {
				if len(before[table.Full()]) == 0 {
					t.Fatalf("%s is empty: this proves nothing", table.Full())
				}
			}
			for _, path := range paths(t, query) {
				gaps, err := a.stream.Gaps(without(t, query, path))
				if err != nil {
					t.Fatal(err)
				}
				gone := map[string]bool{}
				for _, g := range gaps {
					gone[g.Table+" "+g.Column] = true
				}
				after := rowsWithout(t, a.stream, folder, path, gaps)
				for _, table := range a.stream.Tables {
					compareRows(t, path, table, before[table.Full()], after[table.Full()], gone)
				}
				if n := len(after["etl.rejects"]); len(after[a.stream.Tables[0].Full()]) > 0 && n > len(before["etl.rejects"]) && !strings.HasSuffix(path, ".id") {
					t.Errorf("without %s, %d values are rejected", path, n)
				}
			}
		})
	}
}

// compareRows expects rows of one key to differ in what is gone alone. Where the key
// itself is not asked for, there is no row.
func compareRows(t *testing.T, path string, table transform.Table, before, after map[string]map[string]any, gone map[string]bool) {
	t.Helper()
	for key, r := range before {
		s, ok := after[key]
		if !ok {
			continue
		}
		for column, value := range r {
			if diff := cmp.Diff(value, s[column]); diff != "" && column != transform.BusinessDate && !gone[table.Full()+" "+column] {
				t.Errorf("without %s, %s.%s is no gap: -with +without\n%s", path, table.Full(), column, diff)
			}
		}
	}
}

// rowsWithout decodes a golden page without the members at a path, by table and key.
func rowsWithout(t *testing.T, s transform.Stream, folder, path string, gaps []transform.Gap) map[string]map[string]map[string]any {
	t.Helper()
	var request goldenRequest
	answer := map[string]map[string]any{}
	for name, into := range map[string]any{"request.json": &request, "page.json": &answer} {
		if err := json.Unmarshal(read(t, folder, name), into); err != nil {
			t.Fatal(err)
		}
	}
	for _, root := range answer["data"] {
		drop(root, path)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	page := somePage
	page.Operation, page.Variables, page.Gaps = request.Operation, request.Variables, gaps
	all := map[string]map[string]map[string]any{}
	var rows map[string]map[string]any
	keys := map[string][]string{"etl.rejects": {"position"}}
	for _, table := range vendorTables() {
		keys[table.Full()] = table.Key
	}
	table := ""
	for _, line := range strings.Split(string(decoded(t, s, transform.Options{Location: paris(t)}, page, body)), "\n") {
		if keys[line] != nil {
			table, rows = line, map[string]map[string]any{}
			all[table] = rows
		} else if line != "" {
			r := map[string]any{}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			key := ""
			for _, column := range keys[table] {
				key += fmt.Sprint(r[column], " ")
			}
			if table == "etl.rejects" {
				key = fmt.Sprint(len(rows)) // all of them, whatever they are of
			}
			rows[key] = r
		}
	}
	return all
}

func TestGaps(t *testing.T) {
	for _, c := range []struct {
		name   string
		stream transform.Stream
		query  string
		want   []transform.Gap
	}{
		{"a field", transform.Calls(), "query Calls { paginatedCalls { nodes { id direction call_type from to duration is_archived created_at notes { id content } } } }",
			[]transform.Gap{{"aircall.calls", "via_number", "Call.via"}}},
		{"a list of rows", transform.Calls(), "{ paginatedCalls { nodes { id direction call_type from to via duration is_archived created_at } } }",
			[]transform.Gap{{"aircall.calls", "note_count", "Call.notes"}, {"aircall.call_notes", "", "Note"}}},
		{"an object", transform.ClosedConversations(), "{ x: closedConversations { edges { node { id createdAt closedAt channel duration language tags { name } project { id } conversions { transactions { id externalConversionId amount currency receivedAt } } } } } }",
			[]transform.Gap{
				{"iadvize.conversations", "csat_score", "SatisfactionSurvey.customerSatisfaction"},
				{"iadvize.conversations", "nps_score", "SatisfactionSurvey.netPromoterScore"},
				{"iadvize.conversations", "survey_comment", "SatisfactionSurvey.comment"}}},
		{"a field that is derived from", transform.Messages(), "{ conversation { messages { id legacyId toNumber fromNumber status statusDescription body sentAt confirmedAt errorCode wave { id } contact { id } } } }",
			[]transform.Gap{{"volt.messages", "account_phone", "Message.account.primaryPhone"}, {"volt.messages", "direction", "Message.account.primaryPhone"}}},
		{"a list of what are texts now", transform.ClosedConversations(), "{ closedConversations { edges { node { id createdAt closedAt channel duration language tags project { id } ... on Conversation { satisfactionSurvey { customerSatisfaction netPromoterScore comment } } conversions { transactions { id externalConversionId amount currency receivedAt } } } } } }", nil},
		{"no records at all", transform.Messages(), "{ inbox { items { contact { id } } } }", nil},
		{"REST", transform.DeskConversations(), "", nil},
		{"a fixed query", transform.IDVSessions(), "mutation { contactCreateIdvSession(input: {}) { token } }", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.stream.Gaps(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	if _, err := transform.Calls().Gaps("query {"); err == nil {
		t.Error("what is no query has gaps")
	}
}
