package volt_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/extracttest"
	"nightjar/extract/sandbox"
	"nightjar/extract/volt"
)

func TestWavesConform(t *testing.T) {
	extracttest.Run(t, extracttest.Source{
		Vendor: "volt", Stream: "waves", Truth: "volt/waves",
		Options: sandbox.Options{Scale: 0.01, Waves: 150, WaveSize: 1},
		Small:   sandbox.Options{Scale: 0.01, Waves: 300, WaveSize: 1},
		Large:   sandbox.Options{Scale: 0.01, Waves: 3000, WaveSize: 1},
		Open: func(_ *testing.T, v *extracttest.Vendor) extract.Stream {
			return volt.NewWaves(volt.Config{
				Endpoint: v.Env["VOLT_ENDPOINT"], Token: v.Env["VOLT_TOKEN"], Transport: v.Transport, Settle: 7 * 24 * time.Hour, Gap: 1000,
			})
		},
		Keys: func(t *testing.T, page extract.Page) (keys []string) {
			var body struct {
				Data map[string]*struct{ ID string }
			}
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, wave := range body.Data {
				if wave != nil {
					keys = append(keys, wave.ID)
				}
			}
			return keys
		},
	})
}

func TestMessagesConform(t *testing.T) {
	extracttest.Run(t, extracttest.Source{
		Vendor: "volt", Stream: "messages", Truth: "volt/messages",
		Options: sandbox.Options{Scale: 0.05},
		Small:   sandbox.Options{Scale: 0.1},
		Large:   sandbox.Options{Scale: 1},
		Open: func(t *testing.T, v *extracttest.Vendor) extract.Stream {
			return volt.NewMessages(volt.Config{
				Endpoint: v.Env["VOLT_ENDPOINT"], Token: v.Env["VOLT_TOKEN"], Transport: v.Transport, Settle: 7 * 24 * time.Hour, Accounts: accounts(t, v),
			})
		},
		Keys: func(t *testing.T, page extract.Page) (keys []string) {
			var body struct {
				Data struct {
					Conversation struct{ Messages []struct{ ID string } }
				}
			}
			if err := json.Unmarshal(page.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, message := range body.Data.Conversation.Messages {
				keys = append(keys, message.ID)
			}
			return keys
		},
		// Who writes while an inbox is walked moves to its top, which is looked at again.
		Again: func(request string) bool {
			return strings.Contains(request, "query Inbox") && !strings.Contains(request, `"before":"`)
		},
	})
}

// accounts are the numbers of all accounts that hold messages.
func accounts(t *testing.T, v *extracttest.Vendor) []string {
	var rows []struct {
		Account struct{ PrimaryPhone string }
	}
	v.Rows(t, "volt/messages", &rows)
	phones := map[string]bool{}
	for _, row := range rows {
		phones[row.Account.PrimaryPhone] = true
	}
	return slices.Sorted(maps.Keys(phones))
}
