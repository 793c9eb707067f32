package desk_test

import (
	"encoding/json"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/desk"
	"nightjar/extract/extracttest"
	"nightjar/extract/sandbox"
)

func TestConformance(t *testing.T) {
	extracttest.Run(t, extracttest.Source{
		Vendor: "desk", Stream: "conversations", Truth: "desk/conversations",
		Options: sandbox.Options{Scale: 0.6},
		Small:   sandbox.Options{Scale: 0.6},
		Large:   sandbox.Options{Scale: 6},
		Open: func(_ *testing.T, v *extracttest.Vendor) extract.Stream {
			return desk.New(desk.Config{
				Endpoint: v.Env["DESK_ENDPOINT"], Token: v.Env["DESK_TOKEN"], Transport: v.Transport, Start: v.Start, Lookback: 72 * time.Hour,
			})
		},
		Extend: desk.Extend,
		Keys: func(t *testing.T, page extract.Page) (keys []string) {
			var body struct{ Conversations []struct{ ID json.Number } }
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, c := range body.Conversations {
				keys = append(keys, c.ID.String())
			}
			return keys
		},
	})
}
