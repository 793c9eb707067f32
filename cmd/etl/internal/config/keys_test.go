package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/cmd/etl/internal/config"
)

func TestDefaultsFillWhatAFileLeavesOut(t *testing.T) {
	c := load(t, "minimal.good.yml")
	if len(c.Warnings) != 0 {
		t.Errorf("warnings %q", c.Warned())
	}
	wire := config.Wire{Endpoint: "https://calls.example.com/graphql", Rate: 5, Concurrency: 4, Timeout: time.Minute, Retries: 5, MaxBody: 16 << 20}
	want := &config.Aircall{Wire: wire, Username: "exporter", Password: "aircall-secret-text", DurationUnit: time.Millisecond}
	if diff := cmp.Diff(want, c.Sources.Aircall); diff != "" {
		t.Errorf("aircall (-want +got):\n%s", diff)
	}
	if c.Sources.Volt != nil {
		t.Error("a source that the file does not describe is there")
	}
	if c.Memory != 512e6 {
		t.Errorf("memory = %d", c.Memory)
	}
	if c.Warehouse != "./warehouse" || c.Timezone.String() != "Europe/Paris" || c.Path != "minimal.good.yml" {
		t.Errorf("warehouse, zone, path = %q, %v, %q", c.Warehouse, c.Timezone, c.Path)
	}
	if diff := cmp.Diff(config.Publish{Keep: 3, MaxDrop: 0.5, MaxRejects: 0.001, Window: time.Hour}, c.Publish); diff != "" {
		t.Errorf("publish (-want +got):\n%s", diff)
	}
	if c.Rerun != (config.Rerun{Delay: 10 * time.Minute, For: 6 * time.Hour}) || c.CatchUp != config.CatchUpLatest {
		t.Errorf("rerun %v, catch up %q", c.Rerun, c.CatchUp)
	}
	marts := config.Marts{CSATChannels: []string{"CHAT", "FACEBOOK_BUSINESS_ON_MESSENGER", "APPLE_BUSINESS_CHAT", "WHATSAPP"}, NPSChannels: []string{"CHAT"}}
	if diff := cmp.Diff(marts, c.Marts); diff != "" {
		t.Errorf("marts (-want +got):\n%s", diff)
	}
	p := c.Pipelines[0]
	p.Schedule = nil
	calls := config.Pipeline{Name: "calls", Source: "aircall", Stream: "calls", Spec: "30 2 * * *", Enabled: true, Line: 6,
		Settle: 3 * 24 * time.Hour, FullEvery: 1, Partition: config.ByMonth, Schema: config.Evolve}
	if diff := cmp.Diff(calls, p); diff != "" {
		t.Errorf("pipeline (-want +got):\n%s", diff)
	}
}

// How long a record may still change is another time for each stream.
func TestDefaultSettleOfEachStream(t *testing.T) {
	c := load(t, "disabled_needs_nothing.good.yml")
	day := 24 * time.Hour
	want := map[string]time.Duration{"calls": 3 * day, "waves": 7 * day, "messages": 7 * day, "again": 3 * day, "closed": 0, "idv": 0}
	got := map[string]time.Duration{}
	for _, p := range c.Pipelines {
		got[p.Name] = p.Settle
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settle (-want +got):\n%s", diff)
	}
}

func TestEveryKeyOfASourceReachesItsValue(t *testing.T) {
	c := load(t, "every_key.good.yml")
	wire := config.Wire{Rate: 5, Concurrency: 4, Timeout: time.Minute, Retries: 5, MaxBody: 16 << 20}
	over := func(endpoint string, change func(*config.Wire)) config.Wire {
		w := wire
		w.Endpoint = endpoint
		change(&w)
		return w
	}
	want := config.Sources{
		IAdvize: &config.IAdvize{
			Wire:     config.Wire{Endpoint: "http://localhost:8080/graphql?platform=sd", Rate: 2, Concurrency: 8, Timeout: 90 * time.Second, MaxBody: 128e6},
			TokenURL: "http://localhost:8080/oauth2/token", Username: "exporter", Password: "iadvize-secret-text",
			Projects: []int64{9999, 10001}, Query: "closedConversations",
		},
		Aircall: &config.Aircall{
			Wire:     over("https://calls.example.com/graphql", func(w *config.Wire) { w.Rate = 0.5 }),
			Username: "exporter", Password: "pa$word-aircall-secret-text$", DurationUnit: time.Second,
		},
		Volt: &config.Volt{
			Wire:  over("https://volt.example.com/graphql", func(w *config.Wire) { w.Rate, w.MaxBody = 7, 1<<20 }),
			Token: "mounted-secret-text", Accounts: []string{"+10003334444", "+33123456789"},
		},
		Desk: &config.Desk{
			Wire:  over("http://desk.example.com/desk/api/v2", func(w *config.Wire) { w.Rate, w.AllowHTTP = 1, true }),
			Token: "volt-secret-text", Tokens: true,
		},
		ClientLoop: &config.ClientLoop{
			Wire:  over("https://graph.example.com/", func(w *config.Wire) { w.Rate, w.Concurrency, w.MaxBody = 1, 1, 2<<20 }),
			Token: "volt-secret-text", OrgID: "42",
		},
	}
	if diff := cmp.Diff(want, c.Sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

func TestEveryKeyReachesItsValue(t *testing.T) {
	c := load(t, "every_key.good.yml")
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	pipelines := []config.Pipeline{
		{Name: "conversations", Source: "iadvize", Stream: "closed_conversations", Spec: "CRON_TZ=UTC 15 2 * * mon-fri",
			Lookback: 7 * day, Start: time.Date(2025, 1, 1, 0, 0, 0, 0, newYork), Window: 12 * time.Hour, Partition: config.ByDay, Schema: config.Freeze},
		{Name: "calls", Source: "aircall", Stream: "calls", Spec: "@hourly", Settle: 2 * day, FullEvery: 7},
		{Name: "waves", Source: "volt", Stream: "waves", Spec: "45 2 * * *", Settle: 36 * time.Hour, Gap: 800, FirstID: 100, Budget: 1000},
		{Name: "messages", Source: "volt", Stream: "messages", Spec: "50 2 * * *", Settle: 12 * time.Hour, DependsOn: []string{"calls", "desk"}},
		{Name: "desk", Source: "desk", Stream: "conversations", Spec: "0 3 * * *", Lookback: 30 * time.Minute, Start: time.Date(2025, 6, 30, 0, 0, 0, 0, newYork)},
		{Name: "idv", Source: "clientloop", Stream: "idv_sessions", Spec: "0 4 * * *", ContactsQuery: "SELECT contact_id FROM volt.messages"},
	}
	for i := range pipelines {
		pipelines[i].Enabled = true
		pipelines[i].Line, c.Pipelines[i].Schedule = c.Pipelines[i].Line, nil
		if pipelines[i].Partition == "" {
			pipelines[i].Partition, pipelines[i].Schema = config.ByMonth, config.Evolve
		}
	}
	if diff := cmp.Diff(pipelines, c.Pipelines); diff != "" {
		t.Errorf("pipelines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Publish{Keep: 7, MaxDrop: 0.125, Window: 90 * time.Minute}, c.Publish); diff != "" {
		t.Errorf("publish (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Marts{CSATChannels: []string{"CHAT"}, NPSChannels: []string{"CHAT", "WHATSAPP"}}, c.Marts); diff != "" {
		t.Errorf("marts (-want +got):\n%s", diff)
	}
	if c.Rerun != (config.Rerun{Delay: 30 * time.Second, For: 24 * time.Hour}) || c.CatchUp != config.CatchUpEach {
		t.Errorf("rerun %v, catch up %q", c.Rerun, c.CatchUp)
	}
	if c.Memory != 3<<29 {
		t.Errorf("memory = %d", c.Memory)
	}
	if c.Warehouse != "/var/lib/nightjar" {
		t.Errorf("warehouse = %q", c.Warehouse)
	}
}
