package config_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"nightjar/cmd/etl/internal/config"
)

// beyondShape are the bad files that a schema cannot refuse, each with the reason.
var beyondShape = map[string]string{
	"syntax.bad.yml":              "no YAML",
	"tabs.bad.yml":                "no YAML",
	"unknown_anchor.bad.yml":      "no YAML",
	"empty.bad.yml":               "no document",
	"comment.bad.yml":             "no document",
	"second_document.bad.yml":     "each document by itself is fine",
	"duplicate_keys.bad.yml":      "a parser's business",
	"unset_variables.bad.yml":     "the environment is not in the file",
	"malformed_variables.bad.yml": "what stands in ${ } is a language of its own",
	"secret_file.bad.yml":         "the secret is not in the file",
	"schedules.bad.yml":           "a cron line is a language of its own",
	"clear_text.bad.yml":          "what a host is stands in a URL",
	"zone.bad.yml":                "the list of zones is not in the schema",
	"duplicate_pipelines.bad.yml": "entries are judged one by one",
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pipelines.schema.json", document(t)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pipelines.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func document(t *testing.T) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// plain reads a YAML file as an editor hands it to a schema: dates are text.
func plain(t *testing.T, path string) any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return value(t, doc.Content[0])
}

func value(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.AliasNode:
		return value(t, n.Alias)
	case yaml.SequenceNode:
		all := []any{}
		for _, item := range n.Content {
			all = append(all, value(t, item))
		}
		return all
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			all[n.Content[i].Value] = value(t, n.Content[i+1])
		}
		return all
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		if number, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return number
		}
	}
	return n.Value
}

func TestTheSchemaAcceptsWhatTheLoaderAccepts(t *testing.T) {
	schema := compiled(t)
	paths := []string{root + "/pipelines.yaml"}
	for _, name := range files(t, "*.good.yml") {
		paths = append(paths, folder+"/"+name)
	}
	for _, path := range paths {
		if err := schema.Validate(plain(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTheSchemaRefusesWhatIsBadByShape(t *testing.T) {
	schema := compiled(t)
	for _, name := range files(t, "*.bad.yml") {
		if _, ok := beyondShape[name]; ok {
			continue
		}
		if err := schema.Validate(plain(t, folder+"/"+name)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// The file that editors read is what the tables say.
func TestTheSchemaFileIsMadeOfTheTables(t *testing.T) {
	const file = "pipelines.schema.json"
	if *update {
		if err := os.WriteFile(file, config.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stored), string(config.Schema())); diff != "" {
		t.Errorf("go generate writes another file (-stored +generated):\n%s", diff)
	}
}

// The names that the schema knows are the loader's own, mapping by mapping, and
// every one of them is described.
func TestTheSchemaKnowsTheKeysOfTheLoader(t *testing.T) {
	doc := document(t).(map[string]any)
	defs := doc["$defs"].(map[string]any)
	top := doc["properties"].(map[string]any)
	mappings := map[string]any{"": doc, "sources": top["sources"], "publish": top["publish"], "rerun": top["rerun"], "readers": top["readers"], "marts": top["marts"]}
	for _, name := range []string{"iadvize", "aircall", "volt", "desk", "clientloop", "pipeline"} {
		mappings[name] = defs[name]
	}
	known := config.KnownKeys()
	for path, mapping := range mappings {
		properties := mapping.(map[string]any)["properties"].(map[string]any)
		if diff := cmp.Diff(slices.Sorted(slices.Values(known[path])), slices.Sorted(maps.Keys(properties))); diff != "" {
			t.Errorf("keys of %q (-loader +schema):\n%s", path, diff)
		}
		if mapping.(map[string]any)["additionalProperties"] != false {
			t.Errorf("mapping %q is open", path)
		}
		for name, property := range properties {
			about, _ := property.(map[string]any)["description"].(string)
			if about == "" {
				t.Errorf("%s.%s has no description", path, name)
			}
		}
	}
	if len(known) != len(mappings) {
		t.Errorf("the loader has %d mappings, the schema %d", len(known), len(mappings))
	}
}

// Every pair of source and stream is one to the schema exactly where it is one
// to the loader.
func TestTheSchemaKnowsTheStreamsOfEachSource(t *testing.T) {
	schema := compiled(t)
	known := config.KnownStreams()
	for source := range known {
		for _, streams := range known {
			for _, stream := range streams {
				file := map[string]any{"version": 1, "timezone": "UTC", "sources": map[string]any{}, "pipelines": []any{
					map[string]any{"name": "p", "source": source, "stream": stream, "schedule": "15 2 * * *", "enabled": false},
				}}
				accepted := schema.Validate(file) == nil
				if want := slices.Contains(known[source], stream); accepted != want {
					t.Errorf("%s of %s: accepted = %v, want %v", stream, source, accepted, want)
				}
			}
		}
	}
}
