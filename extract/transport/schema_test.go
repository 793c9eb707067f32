package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// A refusal is known for what it is in any form, at once and for the whole run: a
// vendor that hides its schema is no reason to wait.
func TestARefusedSchemaIsNotAskedForAgain(t *testing.T) {
	for _, c := range []struct {
		name, body string
		asked      int64 // by two calls
		off        bool
	}{
		{"in words", `{"errors":[{"message":"introspection is disabled"}]}`, 1, true},
		{"at its path", `{"data":null,"errors":[{"message":"GraphQL introspection is not allowed","path":["__schema"]}]}`, 1, true},
		{"by a code of its own", `{"errors":[{"message":"No.","path":["__schema"],"extensions":{"code":"INTROSPECTION_DISABLED"}}]}`, 1, true},
		{"as invalid", `{"errors":[{"message":"No.","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`, 1, true},
		{"as forbidden", `{"errors":[{"message":"No.","path":["__schema"],"extensions":{"code":"FORBIDDEN"}}]}`, 1, true},
		{"as trouble, and named", `{"errors":[{"message":"introspection is off","path":["__schema"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`, 1, true},
		{"as null", `{"data":{"__schema":null}}`, 1, true},

		// It may be a mishap: once more.
		{"in words of its own", `{"errors":[{"message":"No.","path":["__schema"]}]}`, 2, true},
		{"nothing", `{"data":null}`, 2, true},

		// It is no answer to the question: as any other request.
		{"trouble", `{"errors":[{"message":"No.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`, 2 * 6, false},
		{"too fast", `{"errors":[{"message":"No.","extensions":{"code":"RATE_LIMITED"}}]}`, 2 * 6, false},
		{"no sign-in", `{"errors":[{"message":"No.","extensions":{"code":"UNAUTHENTICATED"}}]}`, 2 * 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				vendor := client(func(w http.ResponseWriter, _ *http.Request) {
					asked.Add(1)
					write(w, 200, "", c.body)
				}, func(cfg *transport.Config) { cfg.Retries = 5 })
				for range 2 {
					if _, err := transport.Introspect(t.Context(), vendor, endpoint); errors.Is(err, transport.ErrNoIntrospection) != c.off {
						t.Error(err)
					}
				}
				if asked.Load() != c.asked {
					t.Errorf("asked %d times, want %d", asked.Load(), c.asked)
				}
			})
		})
	}
}

// Who waits for another's question for the schema waits as long as its context.
func TestAWaitForTheSchemaEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := client(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(30 * time.Second)
			write(w, 200, "", `{"data":{"__schema":{"queryType":{"name":"Query"},"types":[]}}}`)
		})
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := transport.Introspect(t.Context(), vendor, endpoint); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := transport.Introspect(ctx, vendor, endpoint)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		first.Wait()
	})
}

// What a schema calls its parts is shown to operators and put into queries: what
// is no name in GraphQL is left out, however it looks.
func TestIntrospectionOfOddNames(t *testing.T) {
	deep := strings.Repeat(`{"kind":"LIST","ofType":`, 2000) + `{"name":"T"}` + strings.Repeat("}", 2000)
	vendor := client(func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, "", `{"data":{"__schema":{"queryType":{"name":"Query"},"types":[
			{"kind":"OBJECT","name":"Query","fields":[{"name":"good","type":{"name":"Int"},"args":[{"name":"a","type":{"name":"In\u202et"}},{"name":"b } {","type":{"name":"Int"}}]},
				{"name":"bad\u001b[2J","type":{"name":"Int"}},{"name":"","type":{"name":"Int"}},{"name":"`+strings.Repeat("x", 1<<20)+`","type":{"name":"Int"}},{"name":"deep","type":`+deep+`}]},
			{"kind":"ENUM","name":"Colour","enumValues":[{"name":"RED"},{"name":"jane@example.com"}]},
			{"kind":"OBJECT","name":"two words"}]}}}`)
	})
	schema, err := transport.Introspect(t.Context(), vendor, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	query := schema.Types["Query"]
	if len(schema.Types) != 2 || len(query.Fields) != 2 || len(query.Fields["good"].Args) != 0 || query.Fields["deep"].Type != "" || len(schema.Types["Colour"].Values) != 1 {
		t.Errorf("schema: %+v, query %+v", schema, query)
	}
	for _, shape := range []string{`{"queryType":{"name":"jane@example.com"}}`, `{"queryType":{"name":"Query"},"types":"jane@example.com"}`, `{"queryType":{"name":33612345678}}`} {
		vendor := client(func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "", `{"data":{"__schema":`+shape+`}}`) })
		_, err := transport.Introspect(t.Context(), vendor, endpoint)
		if err == nil || strings.Contains(err.Error(), "jane") || strings.Contains(err.Error(), "336") {
			t.Errorf("%s: %v", shape, err)
		}
	}
}

// A schema of a hundred thousand new fields is compared in no time, and what
// breaks the query is told all the same.
func TestFindingsAreBounded(t *testing.T) {
	const documented = "type Query { calls: [Call] } type Call { id: ID note: String }"
	call := &transport.Type{Name: "Call", Kind: "OBJECT", Fields: map[string]*transport.Field{"note": {Name: "note", Type: "String"}}}
	for i := range 100_000 {
		name := fmt.Sprintf("field%d", i)
		call.Fields[name] = &transport.Field{Name: name, Type: "String"}
	}
	vendor := &transport.Schema{Query: "Query", Types: map[string]*transport.Type{"Call": call,
		"Query": {Name: "Query", Kind: "OBJECT", Fields: map[string]*transport.Field{"calls": {Name: "calls", Type: "[Call]"}}}}}
	fit, err := transport.FitQuery("query Calls { calls { note id } }", vendor, documented, "Call.id")
	if err != nil || len(fit.Findings) > 300 || !fit.Breaking() {
		t.Errorf("%d findings, %v", len(fit.Findings), err)
	}
}
