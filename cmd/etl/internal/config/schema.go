package config

import (
	_ "embed"
	"slices"
)

//go:embed pipelines.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of pipelines.yaml, for editors.
// It knows the shape of the file; Load knows the rest.
func Schema() []byte { return slices.Clone(schema) }
