package transport_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract/transport"
)

// Whatever a vendor answers, in status, rate headers and body, a request ends:
// with an answer or with an error, and not after hours.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "", "", "", []byte(`{"data":{}}`))
	f.Add(429, "120", "0", "1795139106", []byte(`{"errors":[{"message":"slow down","extensions":{"code":"TOO_MANY_REQUESTS"}}]}`))
	f.Add(429, "Fri, 20 Nov 2026 01:15:00 GMT", "", "", []byte(``))
	f.Add(429, "99999999999999999999", "-1", "9223372036854775807", []byte(`{}`))
	f.Add(200, "-5", "0", "-9223372036854775808", []byte(`{"data":{"a":1}}`))
	f.Add(401, "", "x", "1e300", []byte(`{"errors":"no"}`))
	f.Add(500, "", "", "", []byte(`{"data":null,"errors":[{"extensions":{"exception":{"response":{"statusCode":401}}}}]}`))
	f.Add(302, "", "", "", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, after, remaining, reset string, body []byte) {
		if status < 200 || status > 599 {
			t.Skip("no HTTP status")
		}
		synctest.Test(t, func(t *testing.T) {
			vendor := client(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Retry-After"] = []string{after}
				w.Header()["X-Rate-Limit-Limit"] = []string{"120"}
				w.Header()["X-Rate-Limit-Remaining"] = []string{remaining}
				w.Header()["X-Rate-Limit-Reset"] = []string{reset}
				write(w, status, "", string(body))
			}, func(cfg *transport.Config) { cfg.Retries = 2 })
			start := time.Now()
			for range 2 {
				answer, err := vendor.GraphQL(context.Background(), endpoint, transport.Query{Operation: "Fuzz", Text: "query Fuzz { a }"})
				if (answer == nil) == (err == nil) {
					t.Fatalf("answer %v, error %v", answer, err)
				}
				if answer != nil && !json.Valid(answer.Body) {
					t.Fatalf("an answer that is no JSON: %q", answer.Body)
				}
			}
			if took := time.Since(start); took > 6*time.Hour {
				t.Fatalf("two requests took %s", took)
			}
		})
	})
}

// Whatever a vendor shows as its schema, it is read or refused, and a query can be
// held against it.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"data":{"__schema":{"queryType":{"name":"Query"},"types":[{"kind":"OBJECT","name":"Query","fields":[{"name":"calls","type":{"kind":"OBJECT","name":"Calls"},"args":[{"name":"first","type":{"name":"Int"}}]}]},` +
		`{"kind":"OBJECT","name":"Calls","fields":[{"name":"total","type":{"name":"Int"}},{"name":"nodes","type":{"kind":"LIST","ofType":{"kind":"NON_NULL","ofType":{"name":"Call"}}}}]}]}}}`))
	f.Add([]byte(`{"data":{"__schema":{"queryType":{"name":"Query"},"types":[{"name":"Query","fields":[{"name":"calls","type":{"name":"["}}]},{"name":"[","fields":[{"name":"total"}]}]}}}`))
	f.Add([]byte(`{"data":{"__schema":{"queryType":null}}}`))
	f.Add([]byte(`{"data":{"__schema":7}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		vendor := client(func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "", string(body)) }, func(cfg *transport.Config) { cfg.Retries = 0 })
		schema, err := transport.Introspect(t.Context(), vendor, endpoint)
		if err != nil {
			return
		}
		fit, err := transport.FitQuery(callsText, schema, documentedSDL, "Query.calls", "Call.id")
		if err != nil {
			t.Fatal(err)
		}
		if fit.Breaking() {
			return
		}
		if again, err := transport.FitQuery(fit.Text, schema, documentedSDL, "Query.calls", "Call.id"); err != nil || again.Text != fit.Text {
			t.Fatalf("what is left can be cut further, %v:\n%s", err, fit.Text)
		}
	})
}
