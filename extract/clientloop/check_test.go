package clientloop_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/graph-gophers/graphql-go"

	"nightjar/extract"
	"nightjar/extract/clientloop"
	"nightjar/extract/transport"
	"nightjar/testdata"
)

var _ extract.Checker = (*clientloop.Sessions)(nil)

func TestCheck(t *testing.T) {
	const gone = "is gone, and nothing can be asked without it"
	for _, c := range []struct {
		name   string
		change []string
		want   []extract.Finding
	}{
		{"as documented", nil, nil},
		{"the other name", []string{"contactCreateIdvSession(", "contactCreateIdvSessionAuthenticated("},
			[]extract.Finding{{Breaking: true, Path: "Mutation.contactCreateIdvSession", What: gone}}},
		{"no organisation", []string{"orgId: ID! ", ""}, []extract.Finding{{Breaking: true, Path: "ContactCreateIdvSession.orgId", What: gone}}},
		{"no expiry", []string{"expiresAt: DateTime!", "life: Int!"},
			[]extract.Finding{{Breaking: true, Path: "ContactIdvSession.expiresAt", What: gone}, {Path: "ContactIdvSession.life", What: "is new; it is not asked for"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdl, err := testdata.Contracts.ReadFile("contracts/clientloop.graphql")
			if err != nil {
				t.Fatal(err)
			}
			schema, err := graphql.ParseSchema(strings.NewReplacer(c.change...).Replace(string(sdl)), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := schema.ToJSON()
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "mutation ") {
					t.Errorf("a check writes: %s", body)
				}
				_, _ = io.WriteString(w, `{"data":`+string(answer)+`}`)
			}))
			defer server.Close()
			got, err := clientloop.New(clientloop.Config{Endpoint: server.URL, Token: "t", Transport: transport.Config{Vendor: "clientloop"}}).Check(t.Context())
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("findings = %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}
