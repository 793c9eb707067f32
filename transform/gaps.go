package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Gap is a column of which a page says nothing, because its query does not ask for
// the vendor's field: what the page's rows hold there is no vendor's word.
type Gap struct {
	Table  string // "schema.name"
	Column string // empty: no row of the table is asked for
	Vendor string // what is not asked for: "Conversation.language"
}

// Gaps lists what the query of a page leaves out, in the order of the tables and
// their columns. It is empty for a query that asks for none of the stream's records,
// as for Volt's inbox, and where the text is, as for REST, which has no selection.
// Keys are no gaps: a page without them has no rows. What is no query is an error.
func (s Stream) Gaps(query string) ([]Gap, error) {
	if query == "" || s.paths == nil {
		return nil, nil
	}
	doc, err := parser.ParseQuery(&ast.Source{Name: "query", Input: query})
	if err != nil {
		return nil, fmt.Errorf("read the query: %w", err)
	}
	q := selected{paths: s.paths, fragments: doc.Fragments}
	for _, op := range doc.Operations {
		q.roots = append(q.roots, q.fields(op.SelectionSet)...)
	}
	var gaps []Gap
	for i, t := range s.Tables {
		record, _, _ := strings.Cut(t.idColumn().Vendor, ".")
		switch {
		case q.asks(record):
			gaps = append(gaps, q.gaps(t)...)
		case i == 0:
			return nil, nil
		default:
			gaps = append(gaps, Gap{Table: t.Full(), Vendor: record})
		}
	}
	return gaps, nil
}

// selected is what a query selects.
type selected struct {
	paths     map[string][]string
	fragments ast.FragmentDefinitionList
	roots     []*ast.Field
}

// gaps are the columns of a table whose rows the query asks for.
func (q *selected) gaps(t Table) []Gap {
	var gaps []Gap
	for _, c := range t.Columns {
		if slices.Contains(t.Key, c.Name) {
			continue
		}
		for _, field := range c.fields() {
			if !q.asks(field) {
				gaps = append(gaps, Gap{Table: t.Full(), Column: c.Name, Vendor: field})
				break
			}
		}
	}
	return gaps
}

// asks reports whether the query selects a type, or a field below one, in any of
// its paths.
func (q *selected) asks(name string) bool {
	record, path, _ := strings.Cut(name, ".")
	return slices.ContainsFunc(q.paths[record], func(at string) bool { return q.reaches(q.roots, strings.Trim(at+"."+path, ".")) })
}

// reaches reports whether a path leads on from any of the fields. A field without
// a selection is given whole.
func (q *selected) reaches(fields []*ast.Field, path string) bool {
	if path == "" {
		return len(fields) > 0
	}
	name, rest, _ := strings.Cut(path, ".")
	for _, f := range fields {
		if len(f.SelectionSet) == 0 {
			return true
		}
		var next []*ast.Field
		for _, inner := range q.fields(f.SelectionSet) {
			if inner.Alias == name {
				next = append(next, inner)
			}
		}
		if q.reaches(next, rest) {
			return true
		}
	}
	return false
}

// fields are those of a selection, fragments spread out.
func (q *selected) fields(set ast.SelectionSet) []*ast.Field {
	var all []*ast.Field
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			all = append(all, s)
		case *ast.InlineFragment:
			all = append(all, q.fields(s.SelectionSet)...)
		case *ast.FragmentSpread:
			if f := q.fragments.ForName(s.Name); f != nil {
				all = append(all, q.fields(f.SelectionSet)...)
			}
		}
	}
	return all
}
