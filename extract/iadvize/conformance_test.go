package iadvize_test

import (
	"encoding/json"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/extracttest"
	"nightjar/extract/iadvize"
	"nightjar/extract/sandbox"
)

func TestConformance(t *testing.T) {
	for _, shape := range []string{"closed", "search"} {
		t.Run(shape, func(t *testing.T) {
			extracttest.Run(t, extracttest.Source{
				Vendor: "iadvize", Stream: "closed_conversations", Truth: "iadvize/conversations",
				Options: sandbox.Options{Scale: 0.2, IAdvizeShape: shape},
				Small:   sandbox.Options{Scale: 0.3, IAdvizeShape: shape},
				Large:   sandbox.Options{Scale: 3, IAdvizeShape: shape},
				Open: func(_ *testing.T, v *extracttest.Vendor) extract.Stream {
					return iadvize.New(iadvize.Config{
						Endpoint: v.Env["IADVIZE_ENDPOINT"], TokenURL: v.Env["IADVIZE_TOKEN_URL"],
						Username: v.Env["IADVIZE_USERNAME"], Password: v.Env["IADVIZE_PASSWORD"],
						Transport: v.Transport, Start: v.Start, Lookback: 72 * time.Hour,
					})
				},
				Keys: conversationKeys, Extend: iadvize.Extend,
			})
		})
	}
}

func conversationKeys(t *testing.T, page extract.Page) (keys []string) {
	type connection struct {
		Edges []struct {
			Node struct {
				ID           string
				Conversation struct{ ID string }
			}
		}
	}
	var body struct {
		Data struct{ ClosedConversations, SearchClosedConversations connection }
	}
	if err := json.Unmarshal(page.Body, &body); err != nil {
		t.Fatal(err)
	}
	for _, edge := range body.Data.ClosedConversations.Edges {
		keys = append(keys, edge.Node.ID)
	}
	for _, edge := range body.Data.SearchClosedConversations.Edges {
		keys = append(keys, edge.Node.Conversation.ID)
	}
	return keys
}
