package transport

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"nightjar/extract"
)

// Fit is a query cut to what a vendor's schema offers, and how that schema
// differs from the documented one where the query touches it.
type Fit struct {
	Text      string                   // without fragments, its variables with the vendor's types
	Operation *ast.OperationDefinition // what Text says
	Variables map[string]TypeRef       // those that are left
	// Findings are in the order of the query. Paths name the vendor's types.
	Findings []extract.Finding
}

// Breaking reports whether the vendor cannot answer even what is left.
func (f *Fit) Breaking() bool {
	return slices.ContainsFunc(f.Findings, func(f extract.Finding) bool { return f.Breaking })
}

// FitQuery walks the selections of a query, its only operation and its
// fragments, through a vendor's schema and the documented one, in GraphQL's schema
// language, side by side. What
// the vendor lacks is left out; that breaks the query where it is among the
// vital, which are written "Type.field" or "Type.field(argument)" with the
// documented names. Types may have other names at the vendor.
func FitQuery(query string, vendor *Schema, sdl string, vital ...string) (*Fit, error) {
	documented, err := ReadSDL(sdl)
	if err != nil {
		return nil, err
	}
	doc, err := parser.ParseQuery(&ast.Source{Name: "query", Input: query})
	if err != nil {
		return nil, fmt.Errorf("read the query: %w", err)
	}
	op := doc.Operations[0]
	c := cut{vendor: vendor, documented: documented, vital: vital, fragments: doc.Fragments, variables: map[string]TypeRef{}}
	theirs, ours := vendor.Query, documented.Query
	if op.Operation == ast.Mutation {
		theirs, ours = vendor.Mutation, documented.Mutation
	}
	op.SelectionSet = c.selections(op.SelectionSet, theirs, ours)
	for _, pair := range c.visited {
		c.news(pair[0], pair[1])
	}
	op.VariableDefinitions = c.declared(op.VariableDefinitions)
	doc.Fragments = nil
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatQueryDocument(doc)
	return &Fit{Text: text.String(), Operation: op, Variables: c.variables, Findings: c.findings}, nil
}

// cut is a walk through a query and two schemas.
type cut struct {
	vendor, documented *Schema
	vital              []string
	fragments          ast.FragmentDefinitionList
	variables          map[string]TypeRef
	visited            [][2]string // types whose fields are selected: the vendor's name, ours
	findings           []extract.Finding
}

// mostFindings is how many differences are told of one query, beside those that
// break it: more say no more.
const mostFindings = 200

func (c *cut) add(breaking bool, path, what string) {
	f := extract.Finding{Breaking: breaking, Path: path, What: what}
	if !breaking && len(c.findings) >= mostFindings || slices.Contains(c.findings, f) { // a type may be met twice
		return
	}
	c.findings = append(c.findings, f)
}

// gone reports what the vendor lacks; the path is that of our names.
func (c *cut) gone(path, theirs, ours string) {
	vital := slices.Contains(c.vital, ours+path)
	what := "is gone; it is not asked for"
	if vital {
		what = "is gone, and nothing can be asked without it"
	}
	c.add(vital, theirs+path, what)
}

// selections returns what is left of set on the type. Fragments are spread out,
// so that the names of the vendor's types do not matter.
func (c *cut) selections(set ast.SelectionSet, theirs, ours string) ast.SelectionSet {
	if pair := [2]string{theirs, ours}; !slices.Contains(c.visited, pair) {
		c.visited = append(c.visited, pair)
	}
	var kept ast.SelectionSet
	for _, s := range set {
		switch s := s.(type) {
		case *ast.FragmentSpread:
			if f := c.fragments.ForName(s.Name); f != nil {
				kept = append(kept, c.selections(f.SelectionSet, theirs, ours)...)
			}
		case *ast.Field:
			if c.field(s, theirs, ours) {
				kept = append(kept, s)
			}
		}
	}
	return kept
}

// field cuts f in place and reports whether it stays.
func (c *cut) field(f *ast.Field, theirs, ours string) bool {
	have, want := c.vendor.Field(theirs, f.Name), c.documented.Field(ours, f.Name)
	if have == nil {
		c.gone("."+f.Name, theirs, ours)
		return false
	}
	c.arguments(f, have, want, theirs, ours)
	nested := c.vendor.composite(have.Type)
	path := theirs + "." + f.Name
	if want != nil {
		c.compare(path, slices.Contains(c.vital, ours+"."+f.Name), have, want)
	}
	switch {
	case !nested: // a leaf, whatever it was before
		f.SelectionSet = nil
		return true
	case len(f.SelectionSet) == 0: // an object where a leaf was: nobody knows what to select
		return false
	}
	inner := ""
	if want != nil {
		inner = want.Type.Named()
	}
	f.SelectionSet = c.selections(f.SelectionSet, have.Type.Named(), inner)
	return len(f.SelectionSet) > 0
}

// arguments leaves the arguments that the vendor takes, and notes the types of
// their variables.
func (c *cut) arguments(f *ast.Field, have, want *Field, theirs, ours string) {
	var kept ast.ArgumentList
	for _, a := range f.Arguments {
		path := "." + f.Name + "(" + a.Name + ")"
		ref, ok := have.Args[a.Name]
		if !ok {
			c.gone(path, theirs, ours)
			continue
		}
		kept = append(kept, a)
		if a.Value.Kind == ast.Variable {
			c.variables[a.Value.Raw] = ref
		}
		if want == nil || want.Args[a.Name] == "" {
			continue
		}
		documented := want.Args[a.Name]
		if c.vendor.leaf(ref) && c.documented.leaf(documented) && bare(ref) != bare(documented) {
			c.add(false, theirs+path, fmt.Sprintf("is %s, documented as %s", ref, documented))
		}
		c.input(ref.Named(), documented.Named())
	}
	f.Arguments = kept
}

// input compares the fields that an argument of the documented type may hold.
func (c *cut) input(theirs, ours string) {
	have, want := c.vendor.Types[theirs], c.documented.Types[ours]
	if have == nil || want == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(want.Fields)) {
		switch field := have.Fields[name]; {
		case field == nil:
			c.gone("."+name, theirs, ours)
		case bare(field.Type) != bare(want.Fields[name].Type):
			c.add(false, theirs+"."+name, fmt.Sprintf("is %s, documented as %s", field.Type, want.Fields[name].Type))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have.Fields)) {
		if want.Fields[name] == nil {
			c.add(false, theirs+"."+name, "is new; it is not sent")
		}
	}
	c.values(theirs, have, want)
}

// compare reports how a field that is still there has changed. Another list depth
// or an object in the place of a leaf makes other rows of the same answer; a leaf
// of another type is for the reader of the rows to judge.
func (c *cut) compare(path string, vital bool, have, want *Field) {
	nested, was := c.vendor.composite(have.Type), c.documented.composite(want.Type)
	lists := strings.Count(string(have.Type), "[") != strings.Count(string(want.Type), "[")
	switch {
	case nested && !was:
		c.add(vital || lists, path, fmt.Sprintf("is %s, documented as %s; it is not asked for", have.Type, want.Type))
	case lists || nested != was || !nested && bare(have.Type) != bare(want.Type):
		c.add(lists || was && !nested, path, fmt.Sprintf("is %s, documented as %s", have.Type, want.Type))
	case nullable(have.Type, want.Type):
		c.add(false, path, "may be null now")
	}
	if have.Deprecated && !want.Deprecated {
		c.add(false, path, "is deprecated")
	}
	if t, known := c.vendor.Types[have.Type.Named()], c.documented.Types[want.Type.Named()]; t != nil && known != nil {
		c.values(t.Name, t, known)
	}
}

// values reports the values that an enum has got or lost.
func (c *cut) values(name string, have, want *Type) {
	if have.Kind != "ENUM" || want.Kind != "ENUM" {
		return
	}
	for _, v := range have.Values {
		if !slices.Contains(want.Values, v) {
			c.add(false, name+"."+v, "is a new value")
		}
	}
	for _, v := range want.Values {
		if !slices.Contains(have.Values, v) {
			c.add(false, name+"."+v, "is a value no more")
		}
	}
}

// news reports the fields that a type of records has and the documents do not.
func (c *cut) news(theirs, ours string) {
	have, want := c.vendor.Types[theirs], c.documented.Types[ours]
	if have == nil || want == nil || theirs == c.vendor.Query || theirs == c.vendor.Mutation {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(have.Fields)) {
		if want.Fields[name] == nil {
			c.add(false, theirs+"."+name, "is new; it is not asked for")
		}
	}
}

// declared keeps the variables that are still used, with the vendor's types.
func (c *cut) declared(list ast.VariableDefinitionList) ast.VariableDefinitionList {
	var kept ast.VariableDefinitionList
	for _, v := range list {
		if ref, used := c.variables[v.Variable]; used {
			v.Type = &ast.Type{NamedType: strings.TrimSuffix(string(ref), "!"), NonNull: ref.Required()}
			kept = append(kept, v)
		}
	}
	return kept
}

// composite reports whether fields of the type must be selected.
func (s *Schema) composite(ref TypeRef) bool {
	t := s.Types[ref.Named()]
	return t != nil && len(t.Fields) > 0
}

func (s *Schema) leaf(ref TypeRef) bool { return !s.composite(ref) }

// bare is a type without its nullability.
func bare(t TypeRef) string { return strings.ReplaceAll(string(t), "!", "") }

// nullable reports whether something in the type may be null that was documented
// never to be. Both have the same lists.
func nullable(have, want TypeRef) bool {
	inside := strings.Split(string(have), "]") // from the element out: "[[Int", "!", ""
	for i, part := range strings.Split(string(want), "]") {
		if strings.HasSuffix(part, "!") && !strings.HasSuffix(inside[i], "!") {
			return true
		}
	}
	return false
}
