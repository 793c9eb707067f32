package aircall_test

import (
	"encoding/json"
	"testing"

	"nightjar/extract"
	"nightjar/extract/aircall"
	"nightjar/extract/extracttest"
	"nightjar/extract/sandbox"
)

func TestConformance(t *testing.T) {
	extracttest.Run(t, extracttest.Source{
		Vendor: "aircall", Stream: "calls", Truth: "aircall/calls",
		Options: sandbox.Options{Scale: 0.05},
		Small:   sandbox.Options{Scale: 0.5},
		Large:   sandbox.Options{Scale: 5},
		Open: func(_ *testing.T, v *extracttest.Vendor) extract.Stream {
			return aircall.New(aircall.Config{
				Endpoint: v.Env["AIRCALL_ENDPOINT"], Username: v.Env["AIRCALL_USERNAME"], Password: v.Env["AIRCALL_PASSWORD"],
				Transport: v.Transport, PageSize: 20,
			})
		},
		Keys: func(t *testing.T, page extract.Page) (keys []string) {
			var body struct {
				Data struct {
					PaginatedCalls struct{ Nodes []struct{ ID string } }
				}
			}
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, call := range body.Data.PaginatedCalls.Nodes {
				keys = append(keys, call.ID)
			}
			return keys
		},
	})
}
