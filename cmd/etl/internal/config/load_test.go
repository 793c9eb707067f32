package config_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"nightjar/cmd/etl/internal/config"
	"nightjar/load/ref"
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

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
		if p, ok := c.Loader(ref.Stream{Source: "volt", Name: stream}); p.Name != want || ok != (want != "") {
			t.Errorf("%s: %q, %t; want %q", stream, p.Name, ok, want)
		}
	}
}
