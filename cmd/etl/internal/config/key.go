package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// key is one key of a mapping that fills a T. The tables of keys are all that
// the loader knows of the file, and the JSON Schema is tested against them.
type key[T any] struct {
	name    string
	example string                 // required, and this would be right; empty where the key may be missing
	read    func(f field, into *T) // nil for a secret
	secret  func(into *T) *Secret  // name, or name_file beside it; nil for other keys
}

// scalarKey is a key of one value.
func scalarKey[T, V any](name, example string, at func(*T) *V, as form[V]) key[T] {
	return key[T]{name: name, example: example, read: func(f field, into *T) { read(f, at(into), as) }}
}

// listKey is a key of a list of values.
func listKey[T any, V comparable](name, example string, at func(*T) *[]V, as form[V]) key[T] {
	return key[T]{name: name, example: example, read: func(f field, into *T) { readList(f, at(into), as) }}
}

func secretKey[T any](name string, at func(*T) *Secret) key[T] {
	return key[T]{name: name, secret: at}
}

// names lists what may stand in the mapping.
func names[T any](keys []key[T]) []string {
	var all []string
	for _, k := range keys {
		all = append(all, k.name)
		if k.secret != nil {
			all = append(all, k.name+"_file")
		}
	}
	return all
}

// readMapping fills into from f, key by key in the order of the table, and
// returns what the file gives.
func readMapping[T any](f field, into *T, keys []key[T]) map[string]field {
	given, ok := f.entries(names(keys))
	if !ok {
		return nil
	}
	for _, k := range keys {
		value, isGiven := given[k.name]
		switch {
		case k.secret != nil:
			readSecret(f, given, k.name, k.secret(into))
		case isGiven:
			k.read(value, into)
		case k.example != "" && !f.incomplete:
			f.problem("%s is missing; want it, such as %s: %s", k.name, k.name, k.example)
		}
	}
	return given
}

// entries indexes the mapping f by key, and reports keys that are none of known
// or come twice. False says that f is no mapping.
func (f field) entries(known []string) (map[string]field, bool) {
	if f.node.Kind != yaml.MappingNode {
		f.problem("is %s; want a mapping of %s", kindName(f.node), strings.Join(known, ", "))
		return nil, false
	}
	given := make(map[string]field)
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		name, value := f.node.Content[i], f.node.Content[i+1]
		at := f.child(name, name.Line, f.path)
		first, twice := given[name.Value]
		switch {
		case name.Kind != yaml.ScalarNode:
			at.problem("a key is %s; want one of %s", kindName(at.node), strings.Join(known, ", "))
		case twice:
			at.problem("duplicate key %s (first on line %d); want it once", quoted(name.Value), first.line)
		case !slices.Contains(known, name.Value):
			at.unknown("key", name.Value, known)
		default:
			given[name.Value] = f.child(value, lineOf(name, value), join(f.path, name.Value))
		}
	}
	return given, true
}

// lineOf is where a reader looks for a value: at the key of a section, at the
// text of a scalar.
func lineOf(name, value *yaml.Node) int {
	if value.Kind == yaml.ScalarNode {
		return value.Line
	}
	return name.Line
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// unknown reports a name that is none of known, with the one it was probably
// meant to be.
func (f field) unknown(what, name string, known []string) {
	if near := nearest(name, known); near != "" {
		f.problem("unknown %s %s; did you mean %q?", what, quoted(name), near)
		return
	}
	f.problem("unknown %s %s; %s", what, quoted(name), wantOneOf(known))
}
