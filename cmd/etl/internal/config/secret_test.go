package config_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/cmd/etl/internal/config"
)

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
