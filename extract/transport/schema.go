package transport

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/semaphore"

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

// shown is what the vendor has said when it was asked for its schema.
type shown struct {
	turn   *semaphore.Weighted // makes the question single-flight
	schema *Schema
	err    error // wraps ErrNoIntrospection; nil where that has not been said
}

// Introspect asks the endpoint for its schema, with one request in the life of the
// client: the schema, or that the vendor does not show it, is remembered. A client
// has one endpoint to ask.
func Introspect(ctx context.Context, c *Client, endpoint string) (*Schema, error) {
	if err := c.shown.turn.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer c.shown.turn.Release(1)
	if c.shown.schema != nil || c.shown.err != nil {
		return c.shown.schema, c.shown.err
	}
	schema, err := introspect(ctx, c, endpoint)
	switch {
	case err == nil:
		c.shown.schema = schema
	case errors.Is(err, ErrNoIntrospection):
		c.shown.err = err
	}
	return schema, err
}

func introspect(ctx context.Context, c *Client, endpoint string) (*Schema, error) {
	answer, err := c.GraphQL(ctx, endpoint, Query{Operation: "Introspection", Text: introspection, schema: true})
	if err != nil {
		if refusesSchema(err) || withholdsSchema(err) {
			return nil, fmt.Errorf("%w: %w", ErrNoIntrospection, err)
		}
		return nil, err
	}
	return readSchema(answer.Body)
}

// refusesSchema reports whether the vendor understood the question for its schema
// and says that it does not answer it: nothing is gained by asking again. A
// missing sign-in is another matter.
func refusesSchema(err error) bool {
	if !aboutSchema(err) {
		return false
	}
	switch extract.KindOf(err) {
	case extract.Refused:
		return true
	case extract.Denied:
		return len(Errors(err)) > 0
	}
	return slices.ContainsFunc(Errors(err), func(g GraphQLError) bool {
		return strings.Contains(strings.ToLower(g.Message+" "+g.Name+" "+g.Code), "introspection")
	})
}

// withholdsSchema reports whether the vendor answered the question for its schema
// with nothing, or with an error that may as well be a refusal as a mishap. An
// answer of its own kind of trouble, a 5xx in any form, is none of the two.
func withholdsSchema(err error) bool {
	answer, ok := errors.AsType[*AnswerError](err)
	if !ok || !aboutSchema(err) || answer.Status >= 300 {
		return false
	}
	switch extract.KindOf(err) {
	case extract.Garbled:
		return answer.Detail == noData
	case extract.Failing:
		return !slices.ContainsFunc(answer.Errors, GraphQLError.internal)
	}
	return false
}

// aboutSchema reports whether err may be an answer to the question: not to the
// sign-in before it, and not for now.
func aboutSchema(err error) bool {
	return !SigningIn(err) && !TokenRefused(err) && extract.KindOf(err) != extract.Throttled
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
	if json.Unmarshal(body, &answer) != nil { // the cause would quote it
		return nil, errors.New("read the schema: an introspection result has another shape")
	}
	raw := answer.Data.Schema
	if raw == nil || raw.QueryType == nil {
		return nil, ErrNoIntrospection
	}
	if !isName(raw.QueryType.Name) {
		return nil, errors.New("read the schema: the query type has no name")
	}
	s := &Schema{Query: raw.QueryType.Name, Types: map[string]*Type{}}
	if raw.MutationType != nil && isName(raw.MutationType.Name) {
		s.Mutation = raw.MutationType.Name
	}
	for _, t := range raw.Types {
		if isName(t.Name) {
			s.Types[t.Name] = t.read()
		}
	}
	return s, nil
}

// aName is a name in GraphQL; no schema has longer ones.
var aName = regexp.MustCompile(`^[A-Za-z_][0-9A-Za-z_]{0,199}$`)

// isName reports whether a vendor's name is one. What is none cannot be asked for, nor
// be shown to an operator as it is.
func isName(name string) bool { return aName.MatchString(name) }

func (r rawType) read() *Type {
	t := &Type{Name: r.Name, Kind: r.Kind, Fields: map[string]*Field{}}
	for _, f := range append(r.Fields, r.InputFields...) {
		if !isName(f.Name) {
			continue
		}
		field := &Field{Name: f.Name, Type: f.Type.ref(), Deprecated: f.IsDeprecated, Args: map[string]TypeRef{}}
		for _, a := range f.Args {
			if ref := a.Type.ref(); isName(a.Name) && ref != "" {
				field.Args[a.Name] = ref
			}
		}
		t.Fields[f.Name] = field
	}
	for _, v := range r.EnumValues {
		if isName(v.Name) {
			t.Values = append(t.Values, v.Name)
		}
	}
	return t
}

// mostWrappers are the lists and non-nulls around a type that are asked for.
const mostWrappers = 9

// ref is the type as SDL writes it; empty where it has no name.
func (r rawRef) ref() TypeRef {
	open, closed := "", ""
	at := &r
	for range mostWrappers {
		switch {
		case at.OfType != nil && at.Kind == "NON_NULL":
			closed = "!" + closed
		case at.OfType != nil && at.Kind == "LIST":
			open, closed = open+"[", "]"+closed
		case isName(at.Name):
			return TypeRef(open + at.Name + closed)
		default:
			return ""
		}
		at = at.OfType
	}
	return ""
}
