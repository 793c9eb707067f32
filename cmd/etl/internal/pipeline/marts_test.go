package pipeline_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// What the configuration that ships with the program says of the marts.
const (
	lookback    = 72 * time.Hour
	settle      = 7 * 24 * time.Hour
	callsSettle = 3 * 24 * time.Hour
)

var grains = map[string][]string{
	"csat_daily":        {"closed_date", "project_id", "channel"},
	"nps_daily":         {"closed_date", "project_id", "channel"},
	"delivery_by_wave":  {"wave_id"},
	"delivery_daily":    {"scheduled_date", "account_phone"},
	"delivery_failures": {"sent_date", "error_code"},
	"calls_daily":       {"created_date", "via_number"},
	"revenue_daily":     {"closed_date", "project_id", "currency"},
	"messages_by_wave":  {"sent_date", "account_phone", "wave_id", "direction"},
}

// expectMarts compares every mart, in the database and in the Parquet, with what
// this file computes from what the vendors hold.
func (v *vendors) expectMarts() {
	v.t.Helper()
	truth := v.truth()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		v.t.Fatal(err)
	}
	conversationsFinal := final{paris, lookback, v.asOf("iadvize/closed_conversations")}
	wavesFinal := final{paris, settle, v.asOf("volt/waves")}
	messagesFinal := final{paris, settle, v.asOf("volt/messages")}
	callsFinal := final{paris, callsSettle, v.asOf("aircall/calls")}
	for name, want := range map[string][]row{
		"csat_daily":        csatDaily(truth, conversationsFinal, v.config.Marts.CSATChannels),
		"nps_daily":         npsDaily(truth, conversationsFinal, v.config.Marts.NPSChannels),
		"delivery_by_wave":  deliveryByWave(truth, wavesFinal),
		"delivery_daily":    deliveryDaily(truth, wavesFinal),
		"delivery_failures": deliveryFailures(truth, messagesFinal),
		"calls_daily":       callsDaily(truth, callsFinal),
		"messages_by_wave":  messagesByWave(truth, messagesFinal),
		"revenue_daily":     revenueDaily(truth, conversationsFinal), // which is later than 48 hours
	} {
		if len(want) == 0 {
			v.t.Errorf("mart %s should be empty: this proves nothing", name)
		}
		got := v.table("marts." + name)
		expectRows(v.t, "marts."+name+" in DuckDB", grains[name], got, want, 1e-9)
		path := v.config.Warehouse + "/current/parquet/marts/" + name + "/data.parquet"
		parquet := readParquet(v.t, path)
		expectRows(v.t, "marts."+name+" in Parquet", grains[name], parquet, want, 1e-9)
		expectSorted(v.t, "marts."+name, grains[name], parquet)
	}
}

// asOf is up to when the live generation says that the rows of a stream are proven.
func (v *vendors) asOf(stream string) time.Time {
	v.t.Helper()
	var ledger map[string]struct {
		AsOf time.Time `json:"as_of"`
	}
	if err := json.Unmarshal(v.live().Manifest.Ledger, &ledger); err != nil {
		v.t.Fatal(err)
	}
	return ledger[stream].AsOf
}

// expectSorted expects rows in the order of their key, nulls last.
func expectSorted(t *testing.T, name string, key []string, rows []row) {
	t.Helper()
	if !slices.IsSortedFunc(rows, func(a, b row) int {
		for _, k := range key {
			if c := less(a[k], b[k]); c != 0 {
				return c
			}
		}
		return 0
	}) {
		t.Errorf("%s is not in the order of %v", name, key)
	}
}

// Pages bear the time of the machine, so days come to rest by it: here the
// vendors' clock is the machine's.
func TestDaysComeToRest(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	v := open(t, now, sandbox.Options{Scale: 0.5})
	v.run(pipeline.Request{})
	v.expectMarts()
	for mart, wait := range map[string]time.Duration{
		"csat_daily": lookback, "nps_daily": lookback, "revenue_daily": lookback, "calls_daily": callsSettle,
		"delivery_by_wave": settle, "delivery_daily": settle, "delivery_failures": settle, "messages_by_wave": settle,
	} {
		day := grains[mart][0]
		if mart == "delivery_by_wave" {
			day = "scheduled_date"
		}
		for final, least := range map[string]int64{"true": 10, "false": 1} {
			rows := v.query("SELECT count(DISTINCT " + day + ") AS n, min(" + day + ") AS oldest FROM marts." + mart + " WHERE is_final = " + final)
			if n := rows[0]["n"].(int64); n < least {
				t.Errorf("%s has %d days with is_final = %s", mart, n, final)
			}
			edge := date(now.Add(-wait - 24*time.Hour).Format(time.DateOnly))
			if oldest := rows[0]["oldest"]; final == "false" && oldest != nil && oldest.(date) < edge {
				t.Errorf("%s calls %s open", mart, oldest)
			}
		}
	}
}

// The reference itself is held against worked examples: Newcombe 1998, Statistics
// in Medicine 17, table I, method 3.
func TestWilsonOfWorkedExamples(t *testing.T) {
	for _, c := range []struct {
		k, n      int64
		low, high float64 // percent
	}{
		{81, 263, 25.53, 36.62},
		{15, 148, 6.24, 16.05},
		{0, 20, 0, 16.11},
		{1, 29, 0.61, 17.18},
	} {
		low, high := wilson(c.k, c.n)
		if math.Abs(low.(float64)-c.low) > 0.006 || math.Abs(high.(float64)-c.high) > 0.006 {
			t.Errorf("%d of %d: %v to %v, want %v to %v", c.k, c.n, low, high, c.low, c.high)
		}
	}
}
