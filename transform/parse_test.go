package transform

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]string{
		"0":                     "0",
		"-0":                    "0",
		"12":                    "120000",
		"129.9":                 "1299000",
		"+1.5":                  "15000",
		"-15.25":                "-152500",
		"1.5e+3":                "15000000",
		"150E-2":                "15000",
		"0.1":                   "1000",
		"99999999999999.9999":   "999999999999999999",
		"-99999999999999.9999":  "-999999999999999999",
		"0000000000000000001.0": "10000",

		// More than four decimals are rounded half to even.
		"19.990049999": "199900",
		"1.00005":      "10000",
		"1.00015":      "10002",
		"1.000050001":  "10001",
		"0.00004":      "0",
		"5e-5":         "0",
		"15e-5":        "2",
		"1e-999999999": "0",

		// What does not fit or is no number.
		"100000000000000":      "none",
		"99999999999999.99995": "none",
		"1e15":                 "none",
		"1e999999999999999999": "none",
		"0e999999999":          "0",
		"":                     "none",
		"-":                    "none",
		".5":                   "none",
		"5.":                   "none",
		"1.2.3":                "none",
		"1e":                   "none",
		"1,5":                  "none",
		"0x10":                 "none",
		"nan":                  "none",
		" 1":                   "none",
		"12 EUR":               "none",
	} {
		got := "none"
		if v, ok := parseAmount([]byte(text)); ok {
			got = fmt.Sprint(v)
		}
		if got != want {
			t.Errorf("amount %q is %s ten-thousandths, want %s", text, got, want)
		}
	}
}

// parseDecimal agrees with exact arithmetic.
func TestParseDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "text")
		scale := rapid.IntRange(0, 9).Draw(t, "scale")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		want := halfEven(exact)
		got, isExact, ok := parseDecimal([]byte(text), scale)
		if !ok {
			if want.IsInt64() && want.CmpAbs(big.NewInt(limitNS/10)) < 0 {
				t.Fatalf("%q is refused, want %s", text, want)
			}
			return
		}
		if want.Cmp(big.NewInt(got)) != 0 || isExact != exact.IsInt() {
			t.Fatalf("%q at scale %d is %d (exact: %v), want %s", text, scale, got, isExact, want)
		}
	})
}

// halfEven rounds to a whole number, half to even.
func halfEven(r *big.Rat) *big.Int {
	twice := new(big.Int).Mul(r.Num(), big.NewInt(2))
	twice.Add(twice, r.Denom())
	double := new(big.Int).Mul(r.Denom(), big.NewInt(2))
	rounded, rest := new(big.Int).DivMod(twice, double, new(big.Int)) // floor(r + 1/2)
	if rest.Sign() == 0 && rounded.Bit(0) == 1 {
		rounded.Sub(rounded, big.NewInt(1))
	}
	return rounded
}

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{
		// The forms that vendors send.
		"2026-11-19 23:30:00":            "2026-11-19T23:30:00Z",
		"2026-11-19T23:30:00Z":           "2026-11-19T23:30:00Z",
		"2024-03-29T16:47:34.012Z":       "2024-03-29T16:47:34.012Z",
		"2026-11-19T23:30:00.123456789Z": "2026-11-19T23:30:00.123456Z",
		"2026-11-20T00:30:00+01:00":      "2026-11-19T23:30:00Z",
		"2026-11-20T00:30:00.5+0100":     "2026-11-19T23:30:00.5Z",
		"2026-11-19T13:30:00-10":         "2026-11-19T23:30:00Z",
		"2026-11-19T23:30:00":            "2026-11-19T23:30:00Z",
		"2026-11-19t23:30:00z":           "2026-11-19T23:30:00Z",
		"2026-11-19 23:30:00 +0000":      "2026-11-19T23:30:00Z",
		"1763593200":                     "2025-11-19T23:00:00Z",
		"1763593200.25":                  "2025-11-19T23:00:00.25Z",
		"1763593200123":                  "2025-11-19T23:00:00.123Z",
		"1.7635932e9":                    "2025-11-19T23:00:00Z",
		"1970-01-01T00:00:00Z":           "1970-01-01T00:00:00Z",
		"2100-12-31T23:59:59.999999Z":    "2100-12-31T23:59:59.999999Z",
		"2028-02-29T00:00:00Z":           "2028-02-29T00:00:00Z",

		// Dates that are none.
		"2026-02-29T00:00:00Z":      "none",
		"2100-02-29T00:00:00Z":      "none",
		"2026-04-31 00:00:00":       "none",
		"2026-13-01T00:00:00Z":      "none",
		"2026-00-01T00:00:00Z":      "none",
		"2026-11-00T00:00:00Z":      "none",
		"2026-11-19T24:00:00Z":      "none",
		"2026-11-19T23:60:00Z":      "none",
		"2026-11-19T23:30:60Z":      "none",
		"0001-01-01T00:00:00Z":      "none",
		"1969-12-31T23:59:59Z":      "none",
		"2101-01-01T00:00:00Z":      "none",
		"2026-11-19":                "none",
		"2026-11-19T23:30":          "none",
		"2026-11-19T23:30:00.Z":     "none",
		"2026-11-19T23:30:00+25:00": "none",
		"2026-11-19T23:30:00 Paris": "none",
		"2026-11-19T-1:30:00Z":      "none",
		"19/11/2026":                "none",
		"yesterday":                 "none",
		"-5":                        "none",
		"99999999999999999999":      "none",
		"nan":                       "none",
	} {
		got := "none"
		if us, ok := parseInstant([]byte(text)); ok {
			got = time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// parseInstant agrees with package time over the years it knows.
func TestParseInstantAgainstTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.UnixMicro(rapid.Int64Range(0, beyond-1).Draw(t, "microseconds"))
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "minutes east"))
		text := want.In(zone).Format("2006-01-02T15:04:05.999999Z07:00")
		if got, ok := parseInstant([]byte(text)); !ok || got != want.UnixMicro() {
			t.Fatalf("%s is %d (%v), want %d", text, got, ok, want.UnixMicro())
		}
	})
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]string{
		"PT95S":           "1m35s",
		"PT1M35.25S":      "1m35.25s",
		"PT1H":            "1h0m0s",
		"PT0.5H":          "30m0s",
		"PT1,5M":          "1m30s",
		"P1DT2H":          "26h0m0s",
		"P1W":             "168h0m0s",
		"PT0S":            "0s",
		"pt5s":            "5s",
		"-PT5S":           "-5s",
		"95":              "1m35s",
		"95.25":           "1m35.25s",
		"1e2":             "1m40s",
		"PT0.0000000005S": "0s",

		"P":                        "none",
		"PT":                       "none",
		"P1Y":                      "none", // a year has no fixed length
		"P1M":                      "none", // nor has a month
		"PT1":                      "none",
		"PTS":                      "none",
		"P1S":                      "none",
		"PT1D":                     "none",
		"PT1M35":                   "none",
		"1:35":                     "none",
		"PT1H T5M":                 "none",
		"P99999999D":               "none",
		"P9999999999999999999999W": "none",
		"95 s":                     "none",
		"":                         "none",
	} {
		got := "none"
		if ns, ok := parseDuration([]byte(text)); ok {
			got = time.Duration(ns).String()
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// The business day is the local date, on every day that a zone's clock can make,
// whatever was asked before.
func TestDayOf(t *testing.T) {
	for _, zone := range []string{"Europe/Paris", "UTC", "America/St_Johns", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu"} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		days := calendar{location: location}
		rapid.Check(t, func(t *rapid.T) {
			at := time.UnixMicro(rapid.Int64Range(0, beyond-1).Draw(t, "microseconds"))
			if rapid.Bool().Draw(t, "near a change of the clock") {
				if start, _ := at.In(location).ZoneBounds(); !start.IsZero() && start.Unix() > 7200 {
					at = start.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "seconds")) * time.Second)
				}
			}
			want := at.In(location).Format(time.DateOnly)
			got := time.Unix(int64(days.dayOf(at.UnixMicro()).day)*86400, 0).UTC().Format(time.DateOnly)
			if got != want {
				t.Fatalf("%s in %s is %s, want %s", at.UTC(), zone, got, want)
			}
		})
	}
}
