package sandbox_test

import (
	"strings"
	"testing"

	"nightjar/extract/sandbox"
)

// A schema that has drifted answers what it offers and refuses what it does not.
func TestSchemaFaults(t *testing.T) {
	for _, c := range []struct {
		fault, field string // of Wave
		taken        bool
	}{
		{"drift-gone", "sentBy", false},
		{"drift-renamed", "sentBy", false},
		{"drift-renamed", "author", true},
		{"drift-nested", "lists { name }", false},
		{"drift-new", "sentBy author", true},
		{"drift-retyped", "type", true},
		{"drift-null", "lists { name }", true},
	} {
		v := serve(t, sandbox.Options{Scale: 0.01, Faults: []string{c.fault}})
		r := v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], `{ wave(id: 101) { id `+c.field+` } }`, nil)
		if !c.taken {
			contains(t, at(r.fault(t), "message"), "Cannot query field")
		} else if at(r.data(t), "wave", "id") != "101" {
			t.Errorf("%s: %.200s", c.fault, r.body)
		}
	}
	if _, err := sandbox.New(sandbox.Options{Scale: 0.01, Faults: []string{"drift-gone", "drift-renamed"}}); err == nil || !strings.Contains(err.Error(), "cannot be combined") {
		t.Errorf("a field that is gone and renamed: %v", err)
	}
}
