package publish

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/generation"
)

// publisherWith is one that knows its configuration.
func publisherWith(c config.Config) *Publisher {
	return &Publisher{View: &warehouse.View{Site: &warehouse.Site{Config: &c}}}
}

// A day of revenue waits for the later of the lookback and the time in which purchases
// are attributed, also where no pipeline says anything of the lookback. Of what nobody
// asked for, no day is final.
func TestFinalDays(t *testing.T) {
	at := time.Date(2026, 3, 31, 12, 0, 0, 5000, time.UTC)
	settled, err := json.Marshal(map[string]ledger.Settled{"aircall/calls": {AsOf: at}, "iadvize/closed_conversations": {AsOf: at}})
	if err != nil {
		t.Fatal(err)
	}
	m := &generation.Manifest{Ledger: settled}
	calls := config.Pipeline{Source: "aircall", Stream: "calls", Enabled: true, Settle: 36 * time.Hour}
	for _, c := range []struct {
		name      string
		pipelines []config.Pipeline
		want      map[string]any
	}{
		{"calls alone", []config.Pipeline{calls},
			map[string]any{"calls": "2026-03-29", "conversations": "2026-03-30", "revenue": "2026-03-28", "waves": nil, "messages": nil}},
		{"nothing", nil,
			map[string]any{"calls": "2026-03-30", "conversations": "2026-03-30", "revenue": "2026-03-28", "waves": nil, "messages": nil}},
	} {
		got := map[string]any{}
		for _, r := range publisherWith(config.Config{Timezone: time.UTC, Pipelines: c.pipelines}).finalRows(m) {
			got[r["records"].(string)] = nil
			if day, ok := r["last_day"].(arrow.Date32); ok {
				got[r["records"].(string)] = day.ToTime().Format(time.DateOnly)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// A channel that is named twice is asked once, and their order is nobody's concern.
func TestSurveyChannels(t *testing.T) {
	p := publisherWith(config.Config{Marts: config.Marts{CSATChannels: []string{"WHATSAPP", "CHAT", "CHAT"}, NPSChannels: []string{"CHAT"}}})
	got := map[string][]string{}
	for _, r := range p.channelRows() {
		survey := r["survey"].(string)
		if r["position"] != int64(len(got[survey])) || r["project_id"] != nil || r["valid_from"] != nil {
			t.Errorf("row %v", r)
		}
		got[survey] = append(got[survey], r["channel"].(string))
	}
	if diff := cmp.Diff(map[string][]string{"csat": {"CHAT", "WHATSAPP"}, "nps": {"CHAT"}}, got); diff != "" {
		t.Error(diff)
	}
}
