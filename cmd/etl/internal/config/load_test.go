package config_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"nightjar/cmd/etl/internal/config"
)

var update = flag.Bool("update", false, "rewrite testdata/config/*.bad.txt from what the loader says, and the schema from its tables")

const (
	root   = "../../../.."
	folder = root + "/testdata/config"
)

// env is the environment of the tests: the secrets are long, so that no message
// holds one by chance.
func env(name string) (string, bool) {
	value, ok := map[string]string{
		"IADVIZE_USERNAME": "exporter",
		"IADVIZE_PASSWORD": "iadvize-secret-text",
		"AIRCALL_USERNAME": "exporter",
		"AIRCALL_PASSWORD": "aircall-secret-text",
		"VOLT_TOKEN":       "volt-secret-text",
		"HOST":             "calls.example.com",
		"SET_BUT_EMPTY":    "",
	}[name]
	return value, ok
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(all) == 0 {
		t.Fatalf("no %s in %s (%v)", pattern, folder, err)
	}
	for i, f := range all {
		all[i] = filepath.Base(f)
	}
	return all
}

// Each file *.bad.yml is refused with exactly the lines of its *.bad.txt.
func TestBadFilesSayWhatIsWrongAndWhatWouldBeRight(t *testing.T) {
	bad := files(t, "*.bad.yml")
	t.Chdir(folder)
	for _, name := range bad {
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(name, env)
			var invalid *config.ValidationError
			if !errors.As(err, &invalid) || c != nil {
				t.Fatalf("Load = %v, %v; want a *ValidationError", c, err)
			}
			got, golden := err.Error()+"\n", strings.TrimSuffix(name, ".yml")+".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			sorted := slices.IsSortedFunc(invalid.Problems, func(a, b config.Problem) int { return a.Line - b.Line })
			if !sorted {
				t.Error("problems are not sorted by line")
			}
			for _, secret := range []string{"-secret-text", "hunter-two", "also-secret", "1234567890"} {
				if strings.Contains(got, secret) {
					t.Errorf("a message holds the secret %q", secret)
				}
			}
		})
	}
}

func TestGoodFilesLoad(t *testing.T) {
	good := files(t, "*.good.yml")
	t.Chdir(folder)
	for _, name := range good {
		if _, err := config.Load(name, env); err != nil {
			t.Errorf("%s is refused:\n%v", name, err)
		}
	}
}

func load(t *testing.T, name string) *config.Config {
	t.Helper()
	t.Chdir(folder)
	c, err := config.Load(name, env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

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
	if diff := cmp.Diff(config.Publish{Keep: 3, MaxDrop: 0.5, MaxRejects: 0.001}, c.Publish); diff != "" {
		t.Errorf("publish (-want +got):\n%s", diff)
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

func TestEveryKeyReachesItsValue(t *testing.T) {
	c := load(t, "every_key.good.yml")
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
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
	day := 24 * time.Hour
	pipelines := []config.Pipeline{
		{Name: "conversations", Source: "iadvize", Stream: "closed_conversations", Spec: "CRON_TZ=UTC 15 2 * * mon-fri",
			Lookback: 7 * day, Start: time.Date(2025, 1, 1, 0, 0, 0, 0, newYork), Window: 12 * time.Hour, Partition: config.ByDay, Schema: config.Freeze},
		{Name: "calls", Source: "aircall", Stream: "calls", Spec: "@hourly", Settle: 2 * day, FullEvery: 7},
		{Name: "waves", Source: "volt", Stream: "waves", Spec: "45 2 * * *", Settle: 36 * time.Hour, Gap: 800, FirstID: 100, Budget: 1000},
		{Name: "messages", Source: "volt", Stream: "messages", Spec: "50 2 * * *", Settle: 12 * time.Hour},
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
	if diff := cmp.Diff(config.Publish{Keep: 7, MaxDrop: 0.125}, c.Publish); diff != "" {
		t.Errorf("publish (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Marts{CSATChannels: []string{"CHAT"}, NPSChannels: []string{"CHAT", "WHATSAPP"}}, c.Marts); diff != "" {
		t.Errorf("marts (-want +got):\n%s", diff)
	}
	if c.Memory != 3<<29 {
		t.Errorf("memory = %d", c.Memory)
	}
	if c.Warehouse != "/var/lib/nightjar" {
		t.Errorf("warehouse = %q", c.Warehouse)
	}
}

func TestSchedulesRunInTheZoneOfTheFileOrTheirOwn(t *testing.T) {
	c := load(t, "every_key.good.yml")
	from := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) // a Friday
	for i, want := range map[int]time.Time{
		0: time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC), // CRON_TZ=UTC, Monday
		2: time.Date(2026, 11, 21, 7, 45, 0, 0, time.UTC), // New York
	} {
		if got := c.Pipelines[i].Schedule.Next(from); !got.Equal(want) {
			t.Errorf("%s runs at %s, want %s", c.Pipelines[i].Name, got, want)
		}
	}
}

func TestTheFileThatShipsLoads(t *testing.T) {
	c, err := config.Load(root+"/pipelines.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	var all, on []string
	for _, p := range c.Pipelines {
		all = append(all, p.Source+"."+p.Stream)
	}
	for _, p := range c.Enabled() {
		on = append(on, p.Name)
	}
	wantAll := []string{"iadvize.closed_conversations", "aircall.calls", "volt.waves", "volt.messages", "desk.conversations", "clientloop.idv_sessions"}
	if diff := cmp.Diff(wantAll, all); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"conversations", "calls", "waves", "messages"}, on); diff != "" {
		t.Errorf("enabled (-want +got):\n%s", diff)
	}
}

// What reads the warehouse needs no vendor's secrets, but a file that is right in
// every other way.
func TestALocalCommandNeedsNoVariablesOfTheSources(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	c, err := config.LoadLocal(root+"/pipelines.yaml", none)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.Enabled()); got != 4 {
		t.Errorf("%d pipelines are enabled, want 4", got)
	}
	if _, err := config.Load(root+"/pipelines.yaml", none); err == nil || !strings.Contains(err.Error(), "variable VOLT_TOKEN is not set") {
		t.Errorf("Load without variables: error = %v", err)
	}
	if _, err := config.LoadLocal(folder+"/zone.bad.yml", none); err == nil || !strings.Contains(err.Error(), "unknown time zone") {
		t.Errorf("LoadLocal with a bad zone: error = %v", err)
	}
}

func TestADirectoryIsNoFile(t *testing.T) {
	if _, err := config.Load(t.TempDir(), env); err == nil || !strings.Contains(err.Error(), "is a directory; want ") {
		t.Errorf("error = %v", err)
	}
}

func TestAMissingFileIsAProblemOfTheConfiguration(t *testing.T) {
	_, err := config.Load("not_there.yaml", env)
	var invalid *config.ValidationError
	if !errors.As(err, &invalid) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error = %v; want a *ValidationError that wraps fs.ErrNotExist", err)
	}
	if want := "not_there.yaml: no such file; want "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error = %s; want %s…", err, want)
	}
}

func TestAMountedSecretLosesItsLineEndOnly(t *testing.T) {
	const file = "version: 1\ntimezone: UTC\n" +
		"sources: { aircall: { endpoint: 'https://calls.example.com/', username: u, password_file: '${DIR}/secret' } }\n" +
		"pipelines: [{ name: calls, source: aircall, stream: calls, schedule: '30 2 * * *' }]\n"
	for _, row := range []struct{ holds, want, err string }{
		{"hunter2-text", "hunter2-text", ""},
		{"hunter2-text\n", "hunter2-text", ""},
		{"hunter2-text\r\n", "hunter2-text", ""},
		{" hunter2-text ", " hunter2-text ", ""},
		{"$hunter2-${text}", "$hunter2-${text}", ""}, // not expanded
		{"hunter2-text\n\n", "", "line break"},
		{"hunter2-text\nmore\n", "", "line break"},
		{"\n", "", "is empty"},
		{strings.Repeat("hunter2-text", 10_000), "", "more than 65536 bytes"},
	} {
		dir := t.TempDir()
		write(t, dir+"/secret", row.holds)
		write(t, dir+"/pipelines.yaml", file)
		c, err := config.Load(dir+"/pipelines.yaml", func(string) (string, bool) { return dir, true })
		switch {
		case err != nil:
			if row.err == "" || !strings.Contains(err.Error(), row.err) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%.20q: error = %v; want %q", row.holds, err, row.err)
			}
		case c.Sources.Aircall.Password.Reveal() != row.want:
			t.Errorf("%.20q: password = %q, want %q", row.holds, c.Sources.Aircall.Password.Reveal(), row.want)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c := load(t, "every_key.good.yml")
	for _, text := range []string{fmt.Sprintf("%v", c.Sources.Volt), fmt.Sprintf("%+v", c.Sources.IAdvize), fmt.Sprintf("%#v", c.Sources.Desk), fmt.Sprintf("%q", c.Sources.Volt.Token), logged(c), asJSON(t, c.Sources)} {
		if strings.Contains(text, "secret-text") {
			t.Errorf("prints a secret: %s", text)
		}
	}
}

func logged(c *config.Config) string {
	var text strings.Builder
	slog.New(slog.NewTextHandler(&text, nil)).Info("loaded", "token", c.Sources.Volt.Token, "source", c.Sources.IAdvize)
	return text.String()
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"*.good.yml", "*.bad.yml"} {
		all, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range all {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "_file") {
			t.Skip("would read files of this machine")
		}
		c, err := config.Parse("pipelines.yaml", data, env)
		if (c == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v; want a configuration or an error", c, err)
		}
		var invalid *config.ValidationError
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0) {
			t.Fatalf("error %v is no *ValidationError with problems", err)
		}
	})
}

// The enabled entry of a stream loads it, whatever the order.
func TestLoader(t *testing.T) {
	entry := func(name, stream string, enabled bool) config.Pipeline {
		return config.Pipeline{Name: name, Source: "volt", Stream: stream, Enabled: enabled}
	}
	c := &config.Config{Pipelines: []config.Pipeline{
		entry("a", "waves", false), entry("b", "waves", true), entry("c", "waves", false),
		entry("d", "messages", false), entry("e", "messages", false),
	}}
	for stream, want := range map[string]string{"waves": "b", "messages": "d", "calls": ""} {
		if p, ok := c.Loader("volt", stream); p.Name != want || ok != (want != "") {
			t.Errorf("%s: %q, %t; want %q", stream, p.Name, ok, want)
		}
	}
}

// A secret that stands in the file, or in a file that others may touch, is loaded
// and warned of by line, without a word of it.
func TestSecretsOutInTheOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	const file = `version: 1
timezone: Europe/Paris
sources:
  iadvize:
    { endpoint: "https://a.example.com/", token_url: "https://a.example.com/", username: u, projects: [1],
      password: hunter-two-in-clear }
  aircall: { endpoint: "https://b.example.com/", username: u, password: "${UNSET:-hunter-two-as-default}" }
  volt: { endpoint: "https://c.example.com/", token: "${VOLT_TOKEN}", accounts: ["+10003334444"] }
  desk: { endpoint: "https://d.example.com/", token_file: mounted }
pipelines:
  - { name: conversations, source: iadvize, stream: closed_conversations, schedule: "15 2 * * *", start: 2025-01-01 }
  - { name: calls, source: aircall, stream: calls, schedule: "30 2 * * *" }
  - { name: waves, source: volt, stream: waves, schedule: "45 2 * * *" }
  - { name: desk, source: desk, stream: conversations, schedule: "0 3 * * *" }
`
	const written = " is written out in this file, where copies and histories of it keep it; want ${VARIABLE}, or password_file: a mounted secret"
	for path, text := range map[string]string{"pipelines.yaml": file, "mounted": "hunter-two-mounted"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for mode, says := range map[fs.FileMode]string{
		0o400: "", 0o600: "", 0o640: "", 0o440: "",
		0o604: "can be read by every user of this machine (mode 0604); want chmod 600",
		0o644: "can be read by every user of this machine (mode 0644); want chmod 600",
		0o620: "can be changed by others than its owner (mode 0620); want chmod 600",
		0o666: "can be changed by others than its owner (mode 0666); want chmod 600",
	} {
		if err := os.Chmod("mounted", mode); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load("pipelines.yaml", env)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"pipelines.yaml:6: sources.iadvize.password: warning:" + written,
			"pipelines.yaml:7: sources.aircall.password: warning:" + written,
		}
		if says != "" {
			want = append(want, `pipelines.yaml:9: sources.desk.token_file: warning: "mounted" `+says+", or 640 for a group that reads it")
		}
		if diff := cmp.Diff(want, c.Warned()); diff != "" {
			t.Errorf("mode %#o (-want +got):\n%s", mode, diff)
		}
	}
}
