package transport_test

import (
	"errors"
	"net/http"
	"testing"

	"nightjar/extract"
	"nightjar/extract/transport"
)

func TestIntrospect(t *testing.T) {
	vendor := client(func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, "", `{"data":{"__schema":{"queryType":{"name":"Query"},"mutationType":null,"types":[
			{"kind":"OBJECT","name":"Query","fields":[{"name":"calls","isDeprecated":true,"type":{"kind":"NON_NULL","ofType":{"kind":"LIST","ofType":{"kind":"OBJECT","name":"Call"}}},
				"args":[{"name":"first","type":{"kind":"SCALAR","name":"Int"}}]}]},
			{"kind":"ENUM","name":"Colour","enumValues":[{"name":"RED"}]}]}}}`)
	})
	schema, err := transport.Introspect(t.Context(), vendor, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	calls := schema.Field("Query", "calls")
	if calls == nil || calls.Type != "[Call]!" || calls.Type.Named() != "Call" || !calls.Type.Required() || calls.Args["first"] != "Int" || !calls.Deprecated {
		t.Errorf("calls: %+v", calls)
	}
	if schema.Field("Query", "none") != nil || schema.Field("None", "calls") != nil || schema.Types["Colour"].Values[0] != "RED" {
		t.Errorf("schema: %+v", schema)
	}
}

func TestIntrospectionSwitchedOff(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		off    bool
		kind   extract.Kind
	}{
		{"Apollo", 400, `{"errors":[{"message":"GraphQL introspection is not allowed","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`, true, extract.Refused},
		{"null schema", 200, `{"data":{"__schema":null}}`, true, ""},
		{"no schema", 200, `{"data":{}}`, true, ""},
		{"by permission", 200, `{"data":null,"errors":[{"message":"no","extensions":{"name":"PERMISSION_DENIED"}}]}`, true, extract.Denied},
		{"as a failure", 200, `{"errors":[{"message":"Introspection disabled"}]}`, true, extract.Refused},
		{"token refused", 401, `{}`, false, extract.Denied},
		{"out of order", 500, `{}`, false, extract.Failing},
	} {
		t.Run(c.name, func(t *testing.T) {
			vendor := client(func(w http.ResponseWriter, _ *http.Request) { write(w, c.status, "", c.body) },
				func(cfg *transport.Config) { cfg.Retries = 0 })
			_, err := transport.Introspect(t.Context(), vendor, endpoint)
			if errors.Is(err, transport.ErrNoIntrospection) != c.off || extract.KindOf(err) != c.kind {
				t.Fatal(err)
			}
		})
	}
}
