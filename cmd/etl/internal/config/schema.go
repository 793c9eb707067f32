package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

//go:generate go test -run TestTheSchemaFileIsMadeOfTheTables . -update

// Schema returns the JSON Schema (draft 2020-12) of pipelines.yaml, for editors:
// what stands in pipelines.schema.json. It knows the shape of the file; Load
// knows the rest.
func Schema() []byte {
	var text bytes.Buffer
	encode := json.NewEncoder(&text)
	encode.SetEscapeHTML(false)
	encode.SetIndent("", "  ")
	about := "What Nightjar exports, from where, and when. Every value may take ${VAR} or ${VAR:-default} from the environment; $$ is a plain $."
	err := encode.Encode(slices.Concat(
		object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Nightjar pipelines.yaml"}},
		described(about, mapping(topKeys(), true)),
		object{{"$defs", definitions()}},
	))
	if err != nil {
		panic(fmt.Sprintf("the schema of the configuration: %v", err))
	}
	return text.Bytes()
}

// definitions are what the schema says once: the forms that keys share, and the
// entries of sources and pipelines.
func definitions() object {
	variable := described("A value from the environment: ${VAR}, or ${VAR:-default}.", patterned(`\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`))
	all := object{
		{"variable", variable},
		{"text", textForm("").definition()},
		{"url", urlForm().definition()},
		{"duration", durationForm().definition()},
		{"rate", rateForm().definition()},
		{"share", shareForm().definition()},
		{"size", sizeForm().definition()},
		{"day", dayForm(nil).definition()},
	}
	for _, v := range vendors() {
		all = append(all, member{v.name, v.definition()})
	}
	return append(all, member{"pipeline", append(mapping(pipelineKeys(), true), member{"allOf", streamRules()})})
}

// definition is the schema of a value of the form: one of its literals, or a
// variable.
func (as form[V]) definition() object {
	o := object{{"type", "string"}, {"minLength", 1}} // which a variable is too
	if as.literals != nil {
		o = object{{"anyOf", append(slices.Clip(as.literals), refer("variable"))}}
	}
	if as.about != "" {
		o = described(as.about, o)
	}
	return o
}

// schema is the definition, or where keys share it, its name.
func (as form[V]) schema() object {
	if as.shared != "" {
		return refer(as.shared)
	}
	return as.definition()
}

// mapping is the schema of a mapping of keys. Where it may be incomplete, none is
// required.
func mapping[T any](keys []key[T], complete bool) object {
	var required []string
	var properties object
	var twice []object
	for _, k := range keys {
		if k.example != "" {
			required = append(required, k.name)
		}
		properties = append(properties, k.properties()...)
		if k.secret != nil {
			twice = append(twice, requires(k.name, fileOf(k.name)))
		}
	}
	o := object{{"type", "object"}, {"additionalProperties", false}}
	if complete && required != nil {
		o = append(o, requires(required...)...)
	}
	o = append(o, member{"properties", properties})
	if twice != nil {
		o = append(o, member{"not", object{{"anyOf", twice}}})
	}
	return o
}

// properties are the schema of a key, which for a secret is two.
func (k key[T]) properties() object {
	if k.secret != nil {
		return object{
			{k.name, described(fmt.Sprintf("The %s. Better from the environment, ${VAR}, than in this file; or use %s.", k.about, fileOf(k.name)), refer("text"))},
			{fileOf(k.name), described(fmt.Sprintf("The path of a file that holds the %s: a mounted secret. A line end after it is dropped.", k.about), refer("text"))},
		}
	}
	about := k.about
	if k.bounds != "" {
		about += " From " + k.bounds + "."
	}
	o := described(about, k.schema())
	if k.preset != "" {
		o = append(o, member{"default", plain(k.preset)})
	}
	if k.example != "" && !k.section {
		o = append(o, member{"examples", []any{plain(k.example)}})
	}
	return object{{k.name, o}}
}

// plain is a value of the tables as JSON has it.
func plain(text string) (value any) {
	if err := parsed(text).Decode(&value); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return value
}

// streamRules are what the source and the stream of a pipeline say of its other
// keys.
func streamRules() []object {
	var rules []object
	rule := func(when, then object) {
		given := object{{"properties", when}, {"required", []string{when[0].name}}}
		rules = append(rules, object{{"if", given}, {"then", then}})
	}
	for _, source := range sourceNames() {
		stream := nameForm("", streamsOf(source)).schema()
		rule(object{{"source", is(source)}}, object{{"properties", object{{"stream", stream}}}})
	}
	for _, stream := range streamNames() {
		var properties object
		for _, k := range settings() {
			if !slices.Contains(k.streams, stream) {
				properties = append(properties, member{k.name, false})
			} else if preset := k.presets[stream]; preset != "" {
				properties = append(properties, member{k.name, object{{"default", plain(preset)}}})
			}
		}
		rule(object{{"stream", is(stream)}}, object{{"properties", properties}})
	}
	for _, k := range settings() {
		enough := []object{requires(k.name)}
		for _, other := range settings() {
			if other.instead == k.name {
				enough = append(enough, requires(other.name))
				rules = append(rules, object{{"not", requires(k.name, other.name)}})
			}
		}
		if k.needed.stream != "" {
			rule(object{{"stream", is(k.needed.stream)}, {"enabled", is(true)}}, object{{"anyOf", enough}})
		}
	}
	return rules
}
