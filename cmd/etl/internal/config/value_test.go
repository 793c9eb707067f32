package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
)

// wireOf loads a file whose one source has this one setting.
func wireOf(key, value string) (config.Wire, error) {
	file := fmt.Sprintf(`version: 1
timezone: UTC
sources:
  aircall: { endpoint: "https://calls.example.com/", username: u, password: "${AIRCALL_PASSWORD}", %s: %s }
pipelines: [{ name: calls, source: aircall, stream: calls, schedule: "30 2 * * *" }]
`, key, value)
	c, err := config.Parse("pipelines.yaml", []byte(file), env)
	if err != nil {
		return config.Wire{}, err
	}
	return c.Sources.Aircall.Wire, nil
}

func TestDurationsRatesAndSizes(t *testing.T) {
	rate := func(w config.Wire) any { return w.Rate }
	timeout := func(w config.Wire) any { return w.Timeout }
	size := func(w config.Wire) any { return w.MaxBody }
	for _, row := range []struct {
		key, value string
		of         func(config.Wire) any
		want       any
	}{
		{"rate", "5/s", rate, 5.0},
		{"rate", "120/m", rate, 2.0},
		{"rate", "1800/h", rate, 0.5},
		{"rate", "0.25", rate, 0.25},
		{"rate", "3", rate, 3.0},
		{"rate", `"3"`, rate, 3.0},
		{"timeout", "250ms", timeout, 250 * time.Millisecond},
		{"timeout", "90s", timeout, 90 * time.Second},
		{"timeout", "1.5h", timeout, 90 * time.Minute},
		{"timeout", "1w2d3h4m5s", timeout, 9*24*time.Hour + 3*time.Hour + 4*time.Minute + 5*time.Second},
		{"max_page", "64MB", size, int64(64_000_000)},
		{"max_page", "64MiB", size, int64(64 << 20)},
		{"max_page", "1.5 kB", size, int64(1500)},
		{"max_page", "512B", size, int64(512)},
		{"max_page", "4096", size, int64(4096)},
	} {
		wire, err := wireOf(row.key, row.value)
		if err != nil {
			t.Errorf("%s: %s is refused: %v", row.key, row.value, err)
		} else if got := row.of(wire); got != row.want {
			t.Errorf("%s: %s = %v, want %v", row.key, row.value, got, row.want)
		}
	}
}

func TestValuesThatAreNone(t *testing.T) {
	for _, row := range []struct{ key, value, want string }{
		{"rate", "5/d", "not a rate"},
		{"rate", "/s", "not a rate"},
		{"rate", "1e3/s", "not a rate"},
		{"rate", ".inf", "not a rate"},
		{"rate", ".nan", "not a rate"},
		{"rate", "5/s/s", "not a rate"},
		{"rate", "-0.5", "not above zero"},
		{"rate", "true", "is true or false; want a rate"},

		{"timeout", "s", "not a duration"},
		{"timeout", "5", "is a whole number; want a duration"},
		{"timeout", `"5"`, "not a duration"},
		{"timeout", "5y", "not a duration"},
		{"timeout", "1.2.3s", "not a duration"},
		{"timeout", "5s5", "not a duration"},
		{"timeout", "0.0000000001s", "not above zero"},
		{"timeout", "99999999w", "longer than a hundred years"},
		{"timeout", strings.Repeat("9", 400) + "w", "not a duration"},

		{"max_page", "64TBB", "not a size"},
		{"max_page", "MB", "not a size"},
		{"max_page", "0.1B", "not above zero"},
		{"max_page", "99999999999999GB", "beyond all sizes"},

		{"concurrency", "99999999999999999999", "want a whole number"},
		{"concurrency", "007", "not a whole number"},
		{"concurrency", "0x8", "not a whole number"},
		{"concurrency", `"${HOST}"`, `"calls.example.com": not a whole number`},
		{"retries", `!!binary "NQ=="`, "want a whole number"},
	} {
		_, err := wireOf(row.key, row.value)
		if err == nil {
			t.Errorf("%s: %.40s is accepted", row.key, row.value)
		} else if !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %.40s:\n got %v\nwant %s", row.key, row.value, err, row.want)
		}
	}
}

func TestVariablesInText(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"plain", "plain"},
		{"${HOST}", "calls.example.com"},
		{"https-${HOST}-x", "https-calls.example.com-x"},
		{"${NOT_SET:-default}", "default"},
		{"${SET_BUT_EMPTY:-default}", "default"},
		{"${HOST:-default}", "calls.example.com"},
		{"${NOT_SET:-a:-b}", "a:-b"},
		{"x${NOT_SET:-}y", "xy"},
		{"$${HOST}", "${HOST}"},
		{"$$$${HOST}", "$${HOST}"},
		{"$HOST costs 5$", "$HOST costs 5$"},
	} {
		file := fmt.Sprintf("version: 1\ntimezone: UTC\nwarehouse: %q\nsources: {}\n"+
			"pipelines: [{ name: p, source: volt, stream: waves, schedule: '0 2 * * *', enabled: false }]\n", row.text)
		c, err := config.Parse("pipelines.yaml", []byte(file), env)
		if err != nil {
			t.Errorf("%s is refused: %v", row.text, err)
		} else if c.Warehouse != row.want {
			t.Errorf("%s = %q, want %q", row.text, c.Warehouse, row.want)
		}
	}
}
