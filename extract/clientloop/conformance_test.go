package clientloop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"nightjar/extract"
	"nightjar/extract/clientloop"
	"nightjar/extract/extracttest"
	"nightjar/extract/sandbox"
)

func TestConformance(t *testing.T) {
	extracttest.Run(t, extracttest.Source{
		Vendor: "clientloop", Stream: "idv_sessions", Truth: "clientloop/sessions",
		Options: sandbox.Options{Scale: 0.01},
		Open: func(_ *testing.T, v *extracttest.Vendor) extract.Stream {
			return clientloop.New(clientloop.Config{
				Endpoint: v.Env["CLIENTLOOP_ENDPOINT"], Token: v.Env["CLIENTLOOP_TOKEN"], OrgID: v.Env["CLIENTLOOP_ORG_ID"],
				HashKey: []byte("key"), Contacts: contacts, Transport: v.Transport,
			})
		},
		Keys: func(t *testing.T, page extract.Page) []string {
			var body struct {
				Data struct {
					ContactCreateIdvSession struct{ Token string }
				}
			}
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			if page.Landed != nil {
				return nil
			}
			return []string{body.Data.ContactCreateIdvSession.Token}
		},
		Writes: true,
	})
}

func contacts(context.Context) ([]string, error) {
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprintf("contact-%d", i))
	}
	return all, nil
}
