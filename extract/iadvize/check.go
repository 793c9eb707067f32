package iadvize

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// Check compares the vendor's schema with what is documented and asked for. A
// vendor that does not show its schema is asked for a moment's rows instead.
func (s *ClosedConversations) Check(ctx context.Context) ([]extract.Finding, error) {
	schema, err := transport.Introspect(ctx, s.client, s.cfg.Endpoint)
	if errors.Is(err, transport.ErrNoIntrospection) {
		if _, err := s.try(ctx); err != nil {
			return nil, err
		}
		return []extract.Finding{{Path: "__schema", What: "the vendor does not show its schema; the query is answered"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.compare(schema), nil
}

func (s *ClosedConversations) compare(schema *transport.Schema) []extract.Finding {
	for _, sh := range s.wanted() {
		if schema.Field(schema.Query, sh.root) == nil {
			continue
		}
		c := comparison{schema: schema, known: known(), seen: map[string]bool{}}
		if _, err := sh.fit(schema); err != nil {
			c.add(true, schema.Query+"."+sh.root, err.Error())
		}
		c.missing(sh)
		c.fields("Query", schema.Query, []string{sh.root})
		return c.findings
	}
	return []extract.Finding{{Breaking: true, Path: schema.Query, What: errNoShape.Error()}}
}

// comparison walks the documented schema and the vendor's side by side.
type comparison struct {
	schema, known *transport.Schema
	seen          map[string]bool // documented types
	findings      []extract.Finding
}

func (c *comparison) add(breaking bool, path, what string) {
	c.findings = append(c.findings, extract.Finding{Breaking: breaking, Path: path, What: what})
}

// missing reports what the query would ask for and the schema lacks. The walk
// leaves it out, so that its columns stay empty.
func (c *comparison) missing(sh shape) {
	doc, err := parser.ParseQuery(&ast.Source{Name: sh.operation, Input: sh.text + fragments})
	if err != nil {
		c.add(true, sh.operation, err.Error())
		return
	}
	p := pruner{schema: c.schema, fragments: doc.Fragments, variables: map[string]transport.TypeRef{}}
	p.selections(doc.Operations[0].SelectionSet, c.schema.Query)
	for _, path := range p.dropped {
		c.add(false, path, "is gone; it is not asked for")
	}
}

// fields compares the named fields of a documented type with those of the
// vendor's, and goes on into their types.
func (c *comparison) fields(name, theirs string, only []string) {
	if c.seen[name] {
		return
	}
	c.seen[name] = true
	have, want := c.schema.Types[theirs], c.known.Types[name]
	if have == nil || want == nil {
		return
	}
	for _, f := range only {
		c.field(want.Fields[f], have.Fields[f], theirs)
	}
	if name == "Query" {
		return
	}
	for _, f := range slices.Sorted(maps.Keys(have.Fields)) {
		if want.Fields[f] == nil {
			c.add(false, theirs+"."+f, "is new; it is not asked for")
		}
	}
}

func (c *comparison) field(want, have *transport.Field, theirs string) {
	if want == nil || have == nil {
		return // missing says so
	}
	lists := strings.Count(string(want.Type), "[") != strings.Count(string(have.Type), "[")
	switch {
	case lists || bare(want.Type) != bare(have.Type) && c.scalar(want.Type, have.Type):
		c.add(lists, theirs+"."+want.Name, "is "+string(have.Type)+", documented as "+string(want.Type))
	case want.Type.Required() && !have.Type.Required():
		c.add(false, theirs+"."+want.Name, "may be null now")
	}
	next := want.Type.Named()
	if t := c.known.Types[next]; t != nil && len(t.Fields) > 0 {
		c.fields(next, have.Type.Named(), slices.Sorted(maps.Keys(t.Fields)))
	}
}

// scalar reports whether either type is a leaf: the names of object types are
// the vendor's own affair.
func (c *comparison) scalar(want, have transport.TypeRef) bool {
	w, h := c.known.Types[want.Named()], c.schema.Types[have.Named()]
	return w == nil || len(w.Fields) == 0 || h == nil || len(h.Fields) == 0
}

// bare is a type without its nullability.
func bare(t transport.TypeRef) string { return strings.ReplaceAll(string(t), "!", "") }
