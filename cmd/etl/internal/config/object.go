package config

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members keep their order, as a JSON Schema is
// made of.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order, and < and > as themselves.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	encode := json.NewEncoder(&b)
	encode.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encode.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ref is the schema of that name in $defs.
func ref(name string) object { return object{{"$ref", "#/$defs/" + name}} }

// is is the schema of one value.
func is(value any) object { return object{{"const", value}} }

// patterned is the schema of text that a regular expression fits.
func patterned(pattern string) object { return object{{"type", "string"}, {"pattern", pattern}} }

// except is the schema without the text that another regular expression fits.
func except(o object, pattern string) object {
	return append(o, member{"not", object{{"pattern", pattern}}})
}

// described is the schema with what it means.
func described(about string, o object) object {
	return append(object{{"description", about}}, o...)
}

// listOf is the schema of lists that have items, with what else holds of them.
func listOf(items object, rest ...member) object {
	return append(append(object{{"type", "array"}, {"minItems", 1}}, rest...), member{"items", items})
}

// requires is the schema of mappings that have these keys.
func requires(keys ...string) object { return object{{"required", keys}} }
