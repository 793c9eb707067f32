package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// key is one key of a mapping that fills a T. The tables of keys are all that is
// known of the file: the loader reads with them, and the JSON Schema is made of
// them.
type key[T any] struct {
	name    string
	about   string // what it means, in sentences; of a secret, what it is: "API key"
	example string // required, and this would be right; empty where the key may be missing
	preset  string // what holds where the file says nothing, as the file would write it
	slot[T]

	// Of a setting, which is a key of a pipeline that only some streams use:
	streams []string          // those that use it
	presets map[string]string // by stream, where it is not preset
	instead string            // the key in whose place it may stand; empty for most
	needed  need
}

// need is the stream of which an enabled pipeline cannot do without a key, or one
// in its place, and what to want where there is none.
type need struct{ stream, want string }

// slot is where the value of a key goes.
type slot[T any] struct {
	read    func(f field, into *T) // nil for a secret
	secret  func(into *T) *Secret  // name, or name_file beside it; nil for other keys
	fill    func(into *T)          // sets the presets of the keys below; nil where there are none
	schema  func() object          // of the value
	bounds  string                 // what the schema cannot say of it, "1m to 3650d"
	section bool                   // its example is none, but a word for it
}

// one is a slot of one value.
func one[T, V any](at func(*T) *V, as form[V]) slot[T] {
	return slot[T]{read: func(f field, into *T) { read(f, at(into), as) }, schema: as.schema, bounds: as.bounds}
}

// many is a slot of a list of values.
func many[T any, V comparable](at func(*T) *[]V, as form[V]) slot[T] {
	return slot[T]{read: func(f field, into *T) { readList(f, at(into), as) }, schema: func() object { return listOf(as.schema(), member{"uniqueItems", true}) }}
}

// hidden is a slot of a secret.
func hidden[T any](at func(*T) *Secret) slot[T] { return slot[T]{secret: at} }

// below is a slot of a mapping of keys.
func below[T, V any](at func(*T) *V, keys []key[V]) slot[T] {
	return slot[T]{
		read:    func(f field, into *T) { readMapping(f, at(into), keys) },
		fill:    func(into *T) { fill(at(into), keys) },
		schema:  func() object { return mapping(keys, true) },
		section: true,
	}
}

// fill sets what holds where the file says nothing.
func fill[T any](into *T, keys []key[T]) {
	for _, k := range keys {
		switch {
		case k.fill != nil:
			k.fill(into)
		case k.preset != "":
			l := &loader{}
			k.read(field{loader: l, node: parsed(k.preset), path: k.name}, into)
			if l.found != nil {
				panic(fmt.Sprintf("preset %s: %v", k.preset, l.found))
			}
		}
	}
}

// parsed is a value of the tables, as the file would write it.
func parsed(text string) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return doc.Content[0]
}

// names lists what may stand in the mapping.
func names[T any](keys []key[T]) []string {
	var all []string
	for _, k := range keys {
		all = append(all, k.name)
		if k.secret != nil {
			all = append(all, fileOf(k.name))
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
