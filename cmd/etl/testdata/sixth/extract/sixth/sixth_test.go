package sixth_test

import (
	"encoding/json"
	"testing"

	"nightjar/extract"
	"nightjar/extract/extracttest"
	"nightjar/extract/sandbox"
	"nightjar/extract/sixth"
)

func TestConformance(t *testing.T) {
	extracttest.Run(t, extracttest.Source{
		Vendor: "sixth", Stream: "tickets", Truth: "sixth/tickets",
		Options: sandbox.Options{Scale: 0.6},
		Small:   sandbox.Options{Scale: 0.6},
		Large:   sandbox.Options{Scale: 6},
		Open: func(_ *testing.T, v *extracttest.Vendor) extract.Stream {
			return sixth.New(sixth.Config{Endpoint: v.Env["SIXTH_ENDPOINT"], Token: v.Env["SIXTH_TOKEN"], Transport: v.Transport})
		},
		Keys: func(t *testing.T, page extract.Page) (keys []string) {
			var body struct{ Tickets []struct{ ID json.Number } }
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, ticket := range body.Tickets {
				keys = append(keys, ticket.ID.String())
			}
			return keys
		},
	})
}
