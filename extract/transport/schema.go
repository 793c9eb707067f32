package transport

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"nightjar/extract"
)

//go:embed introspection.graphql
var introspection string

// ErrNoIntrospection says that the vendor does not show its schema. Returned,
// wrapped, by Introspect.
var ErrNoIntrospection = errors.New("introspection is switched off")

// Schema is what a vendor's endpoint says of itself.
type Schema struct {
	Query    string           // name of the query root type
	Mutation string           // name of the mutation root type; empty if none
	Types    map[string]*Type // by name
}

// Type is one type of a schema.
type Type struct {
	Name   string
	Kind   string            // OBJECT, INPUT_OBJECT, ENUM, SCALAR, INTERFACE, UNION
	Fields map[string]*Field // of objects, interfaces and input objects
	Values []string          // of enums
}

// Field is one field of a type.
type Field struct {
	Name       string
	Type       TypeRef
	Args       map[string]TypeRef
	Deprecated bool
}

// TypeRef is a type as SDL writes it: "[Int!]!".
type TypeRef string

// Named returns the type without its wrappers: "Int".
func (r TypeRef) Named() string { return strings.Trim(string(r), "[]!") }

// Required reports whether the outermost type is not nullable.
func (r TypeRef) Required() bool { return strings.HasSuffix(string(r), "!") }

// Field returns the field of the named type, nil if there is no such type or
// field.
func (s *Schema) Field(typeName, field string) *Field {
	t := s.Types[typeName]
	if t == nil {
		return nil
	}
	return t.Fields[field]
}

// Introspect asks the endpoint for its schema, with one request.
func Introspect(ctx context.Context, c *Client, endpoint string) (*Schema, error) {
	answer, err := c.GraphQL(ctx, endpoint, Query{Operation: "Introspection", Text: introspection})
	if err != nil {
		if unwilling(err) {
			return nil, fmt.Errorf("%w: %w", ErrNoIntrospection, err)
		}
		return nil, err
	}
	return readSchema(answer.Body)
}

// unwilling reports whether the vendor understood the question and does not
// answer it. A missing sign-in is another matter.
func unwilling(err error) bool {
	var signIn *signInError
	if errors.As(err, &signIn) || expired(err) {
		return false
	}
	switch extract.KindOf(err) {
	case extract.Refused:
		return true
	case extract.Denied:
		return len(Errors(err)) > 0
	case extract.Garbled:
		var answer *AnswerError
		return errors.As(err, &answer) && answer.Detail == noData
	}
	for _, g := range Errors(err) {
		if strings.Contains(strings.ToLower(g.Message), "introspection") {
			return true
		}
	}
	return false
}

// The answer to the introspection query, as the GraphQL specification has it.
type (
	rawSchema struct {
		QueryType, MutationType *struct{ Name string }
		Types                   []rawType
	}
	rawType struct {
		Kind, Name          string
		Fields, InputFields []rawField
		EnumValues          []struct{ Name string }
	}
	rawField struct {
		Name         string
		IsDeprecated bool
		Type         rawRef
		Args         []rawField
	}
	rawRef struct {
		Kind, Name string
		OfType     *rawRef
	}
)

func readSchema(body []byte) (*Schema, error) {
	var answer struct {
		Data struct {
			Schema *rawSchema `json:"__schema"`
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	raw := answer.Data.Schema
	if raw == nil || raw.QueryType == nil {
		return nil, ErrNoIntrospection
	}
	s := &Schema{Query: raw.QueryType.Name, Types: map[string]*Type{}}
	if raw.MutationType != nil {
		s.Mutation = raw.MutationType.Name
	}
	for _, t := range raw.Types {
		s.Types[t.Name] = t.read()
	}
	return s, nil
}

func (r rawType) read() *Type {
	t := &Type{Name: r.Name, Kind: r.Kind, Fields: map[string]*Field{}}
	for _, f := range append(r.Fields, r.InputFields...) {
		field := &Field{Name: f.Name, Type: f.Type.ref(), Deprecated: f.IsDeprecated, Args: map[string]TypeRef{}}
		for _, a := range f.Args {
			field.Args[a.Name] = a.Type.ref()
		}
		t.Fields[f.Name] = field
	}
	for _, v := range r.EnumValues {
		t.Values = append(t.Values, v.Name)
	}
	return t
}

func (r rawRef) ref() TypeRef {
	switch {
	case r.OfType != nil && r.Kind == "NON_NULL":
		return r.OfType.ref() + "!"
	case r.OfType != nil && r.Kind == "LIST":
		return "[" + r.OfType.ref() + "]"
	}
	return TypeRef(r.Name)
}
