package config_test

import (
	"errors"
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
		{"timeout", "0.5h", timeout, 30 * time.Minute},
		{"timeout", "0w0d0h4m5s", timeout, 4*time.Minute + 5*time.Second},
		{"max_page", "64MB", size, int64(64_000_000)},
		{"max_page", "64MiB", size, int64(64 << 20)},
		{"max_page", "99.5 kB", size, int64(99_500)},
		{"max_page", "65536B", size, int64(65536)},
		{"max_page", "81920", size, int64(81920)},
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

// settingOf loads a file whose one pipeline has this one setting, and whose
// publish has it where no pipeline does.
func settingOf(stream, key, value string) error {
	sources := map[string]string{"closed_conversations": "iadvize", "calls": "aircall", "waves": "volt", "messages": "volt", "conversations": "desk"}
	setting, publish := key+": "+value, "{}"
	if stream == "publish" {
		stream, setting, publish = "calls", "partition: day", "{ "+setting+" }"
	}
	_, err := config.Parse("pipelines.yaml", fmt.Appendf(nil, `version: 1
timezone: UTC
sources: {}
publish: %s
pipelines: [{ name: p, source: %s, stream: %s, schedule: "30 2 * * *", enabled: false, %s }]
`, publish, sources[stream], stream, setting), env)
	return err
}

// Values that the forms can write and that make no sense: each is refused at its
// line, with what would be right. What lies just inside the bounds is taken.
func TestBoundsOfValues(t *testing.T) {
	const wire = "" // the setting of a source
	for _, row := range []struct{ stream, key, inside, beyond, want string }{
		{"closed_conversations", "window", "1h", "1s", "less than makes sense here; want 1h to 3650d"}, // 40 million windows a year
		{"closed_conversations", "window", "3650d", "3651d", "want 1h to 3650d"},
		{"closed_conversations", "window", "24h", "59m59s", "want 1h to 3650d"},
		{"closed_conversations", "lookback", "1m", "1s", "want 1m to 3650d"},
		{"closed_conversations", "lookback", "1m", "0s", "not above zero"},
		{"conversations", "lookback", "3650d", "100000d", "longer than a hundred years"},
		{"conversations", "lookback", "3650d", "30000d", "more than makes sense here; want 1m to 3650d"},
		{"calls", "settle", "1m", "59s", "less than makes sense here; want 1m to 3650d"},
		{"calls", "settle", "3650d", "3651d", "want 1m to 3650d"},
		{"waves", "settle", "1m", "1ms", "want 1m to 3650d"},
		{"messages", "settle", "3650d", "4000d", "want 1m to 3650d"},
		{"waves", "gap", "1", "0", "not above zero"},
		{"waves", "gap", "1000000", "1000001", "want 1 to 1000000"},
		{"waves", "first_id", "1000000000000000", "9223372036854775807", "want 1 to 1000000000000000"}, // the gap beyond it has no number
		{"waves", "budget", "0", "-1", "below 0"},
		{"calls", "full_every", "366", "367", "want 0 to 366"},
		{"calls", "full_every", "0", "-1", "below 0"},

		{wire, "timeout", "100ms", "1ms", "less than makes sense here; want 100ms to 1h"},
		{wire, "timeout", "1h", "61m", "want 100ms to 1h"},
		{wire, "timeout", "1h", "1ns", "not a duration"},
		{wire, "concurrency", "64", "10000", "more than makes sense here; want 1 to 64"},
		{wire, "retries", "20", "21", "want 0 to 20"},
		{wire, "retries", "0", "-1", "below 0"},
		{wire, "rate", "1/h", "0.5/h", "want 1/h to 1000000/s"},
		{wire, "rate", "1000000/s", "1000001/s", "want 1/h to 1000000/s"},
		{wire, "max_page", "64KiB", "1B", "want 64KiB to 1GiB"}, // no answer fits
		{wire, "max_page", "1GiB", "2GiB", "want 64KiB to 1GiB"},

		{"publish", "keep", "1", "0", "not above zero"},
		{"publish", "keep", "3660", "3661", "want 1 to 3660"},
		{"publish", "max_drop", "100%", "250%", "not between 0% and 100%"},
		{"publish", "max_rejects", "0%", "-0.1%", "not between 0% and 100%"},
	} {
		load := func(value string) error {
			if row.stream == wire {
				_, err := wireOf(row.key, value)
				return err
			}
			return settingOf(row.stream, row.key, value)
		}
		if err := load(row.inside); err != nil {
			t.Errorf("%s: %s is refused: %v", row.key, row.inside, err)
		}
		var invalid *config.ValidationError
		err := load(row.beyond)
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %s is accepted", row.key, row.beyond)
			continue
		}
		got := invalid.Problems[0]
		if len(invalid.Problems) != 1 || got.Line < 4 || !strings.HasSuffix(got.Path, "."+row.key) || !strings.Contains(got.Message, row.want) {
			t.Errorf("%s: %s:\n got %v\nwant %s", row.key, row.beyond, err, row.want)
		}
	}
}
