package publish

import (
	"encoding/json"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/generation"
)

// A day of revenue waits for the later of the lookback and the time in which purchases
// are attributed, also where no pipeline says anything of the lookback.
func TestVariablesOfTheMarts(t *testing.T) {
	at := time.Date(2026, 3, 31, 12, 0, 0, 5000, time.UTC)
	settled, err := json.Marshal(map[string]ledger.Settled{"aircall/calls": {AsOf: at}})
	if err != nil {
		t.Fatal(err)
	}
	m := &generation.Manifest{Ledger: settled}
	for _, c := range []struct {
		name      string
		pipelines []config.Pipeline
		want      map[string]string
	}{
		{"a short lookback", []config.Pipeline{{Source: "iadvize", Stream: "closed_conversations", Enabled: true, Lookback: 24 * time.Hour}},
			map[string]string{"conversations_settle": "to_seconds(86400)", "revenue_settle": "to_seconds(172800)"}},
		{"a long one", []config.Pipeline{{Source: "iadvize", Stream: "closed_conversations", Enabled: true, Lookback: 72 * time.Hour}},
			map[string]string{"conversations_settle": "to_seconds(259200)", "revenue_settle": "to_seconds(259200)"}},
		{"none", nil,
			map[string]string{"conversations_settle": "to_seconds(0)", "revenue_settle": "to_seconds(172800)", "conversations_as_of": "NULL::TIMESTAMPTZ"}},
		{"calls", []config.Pipeline{{Source: "aircall", Stream: "calls", Enabled: true, Settle: 36 * time.Hour}},
			map[string]string{"calls_settle": "to_seconds(129600)", "calls_as_of": "TIMESTAMPTZ '2026-03-31 12:00:00.000005+00'"}},
	} {
		site := &warehouse.Site{Config: &config.Config{Timezone: time.UTC, Pipelines: c.pipelines}}
		got := (&Publisher{View: &warehouse.View{Site: site}}).variables(m)
		for name, want := range c.want {
			if got[name] != want {
				t.Errorf("%s: %s = %s, want %s", c.name, name, got[name], want)
			}
		}
	}
}
