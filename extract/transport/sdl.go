package transport

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// ReadSDL reads the part of a vendor's schema that is documented, written in
// GraphQL's schema language.
func ReadSDL(text string) (*Schema, error) {
	doc, err := parser.ParseSchema(&ast.Source{Name: "schema", Input: text})
	if err != nil {
		return nil, fmt.Errorf("read the documented schema: %w", err)
	}
	s := &Schema{Query: "Query", Mutation: "Mutation", Types: map[string]*Type{}}
	for _, d := range doc.Definitions {
		t := &Type{Name: d.Name, Kind: string(d.Kind), Fields: map[string]*Field{}}
		for _, f := range d.Fields {
			args := map[string]TypeRef{}
			for _, a := range f.Arguments {
				args[a.Name] = TypeRef(a.Type.String())
			}
			t.Fields[f.Name] = &Field{
				Name: f.Name, Type: TypeRef(f.Type.String()), Args: args,
				Deprecated: f.Directives.ForName("deprecated") != nil,
			}
		}
		for _, v := range d.EnumValues {
			t.Values = append(t.Values, v.Name)
		}
		s.Types[d.Name] = t
	}
	return s, nil
}
