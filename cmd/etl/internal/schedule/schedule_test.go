package schedule_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"nightjar/cmd/etl/internal/schedule"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := schedule.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Each row reads: in this zone, from this instant on, the line fires at these.
var fireTimes = []struct {
	zone, spec, from string
	want             string
}{
	// An ordinary night.
	{"Europe/Paris", "15 2 * * *", "2026-11-19T12:00:00Z", "2026-11-20T02:15:00+01:00 2026-11-21T02:15:00+01:00"},
	{"Europe/Paris", "15 2 * * *", "2026-11-20T01:15:00Z", "2026-11-21T02:15:00+01:00"},
	{"Europe/Paris", "15 2 * * *", "2026-11-20T01:14:59.5Z", "2026-11-20T02:15:00+01:00"},

	// The hour that does not exist: the first minute after it.
	{"Europe/Paris", "15 2 * * *", "2026-03-28T00:00:00Z", "2026-03-28T02:15:00+01:00 2026-03-29T03:00:00+02:00 2026-03-30T02:15:00+02:00"},
	{"Europe/Paris", "0 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
	{"Europe/Paris", "15,45 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:15:00+02:00"},
	{"Europe/Paris", "15 2,3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-29T03:15:00+02:00 2026-03-30T02:15:00+02:00"},
	{"Europe/Paris", "0 3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T03:00:00+02:00"},
	{"Europe/Paris", "30 2 29 3 *", "2026-01-01T00:00:00Z", "2026-03-29T03:00:00+02:00 2027-03-29T02:30:00+02:00"},
	{"Europe/Paris", "30 2 * * sun", "2026-03-23T00:00:00Z", "2026-03-29T03:00:00+02:00 2026-04-05T02:30:00+02:00"},
	{"America/New_York", "30 2 * * *", "2026-03-07T12:00:00Z", "2026-03-08T03:00:00-04:00 2026-03-09T02:30:00-04:00"},
	{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", "2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00"},
	{"Africa/Cairo", "30 0 * * *", "2026-04-23T12:00:00Z", "2026-04-24T01:00:00+03:00 2026-04-25T00:30:00+03:00"},
	{"America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00"},

	// The hour that comes twice: once, the first time.
	{"Europe/Paris", "15 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T02:15:00+02:00 2026-10-26T02:15:00+01:00"},
	{"Europe/Paris", "15 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T02:15:00+01:00"},
	{"Europe/Paris", "15 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T02:15:00+01:00"},
	{"Europe/Paris", "0 3 * * *", "2026-10-24T12:00:00Z", "2026-10-25T03:00:00+01:00 2026-10-26T03:00:00+01:00"},
	{"Europe/Paris", "0,30 2,3 * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-25T03:00:00+01:00 2026-10-25T03:30:00+01:00 2026-10-26T02:00:00+01:00"},
	{"America/New_York", "30 1 * * *", "2026-10-31T12:00:00Z", "2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00"},
	{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", "2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},

	// Every hour follows the clock: nothing skipped is made up, what repeats repeats.
	{"Europe/Paris", "30 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00"},
	{"Europe/Paris", "0 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-29T04:00:00+02:00"},
	{"Europe/Paris", "30 * * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00 2026-10-25T03:30:00+01:00"},
	{"Europe/Paris", "@hourly", "2026-10-24T23:30:00Z", "2026-10-25T02:00:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T03:00:00+01:00"},
	{"Europe/Paris", "*/20 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T02:40:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T02:20:00+01:00"},
	{"Australia/Lord_Howe", "0 * * * *", "2026-10-03T14:30:00Z", "2026-10-04T03:00:00+11:00 2026-10-04T04:00:00+11:00"},
	{"UTC", "0 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"},

	// A line may name its own zone.
	{"Europe/Paris", "CRON_TZ=America/New_York 30 2 * * *", "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"},
	{"Europe/Paris", "TZ=UTC 15 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T02:15:00Z"},

	// Descriptors, leap days, words.
	{"Europe/Paris", "@every 6h", "2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z 2026-03-29T12:00:00Z"},
	{"Europe/Paris", "@daily", "2026-03-28T12:00:00Z", "2026-03-29T00:00:00+01:00 2026-03-30T00:00:00+02:00"},
	{"Europe/Paris", "0 2 29 feb *", "2026-01-01T00:00:00Z", "2028-02-29T02:00:00+01:00"},
}

func TestFireTimesOverTheNightsWhenClocksChange(t *testing.T) {
	for _, row := range fireTimes {
		t.Run(row.zone+"/"+row.spec+"/"+row.from, func(t *testing.T) {
			s, err := schedule.Parse(row.spec, zone(t, row.zone))
			if err != nil {
				t.Fatal(err)
			}
			at := instant(t, row.from)
			for _, want := range strings.Fields(row.want) {
				if at = s.Next(at); !at.Equal(instant(t, want)) {
					t.Fatalf("fires at %s, want %s", at.In(zone(t, row.zone)).Format(time.RFC3339), want)
				}
			}
		})
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A nightly line fires exactly once on every business day of ten years.
func TestEveryNightHasOneRun(t *testing.T) {
	for _, name := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "UTC"} {
		for _, spec := range []string{"0 0 * * *", "15 1 * * *", "15 2 * * *", "59 23 * * *"} {
			loc := zone(t, name)
			s, err := schedule.Parse(spec, loc)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2019, 12, 31, 23, 59, 59, 0, loc)
			for day := time.Date(2020, 1, 1, 12, 0, 0, 0, loc); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
				at = s.Next(at)
				if got, want := at.In(loc).Format(time.DateOnly), day.Format(time.DateOnly); got != want {
					t.Fatalf("%s in %s: fires on %s, want %s", spec, name, got, want)
				}
			}
		}
	}
}

func TestLinesThatAreNone(t *testing.T) {
	for _, row := range []struct{ spec, want string }{
		// Numbers out of range, by the name of their field.
		{"61 2 * * *", `"61 2 * * *": minute 61 is above 59; want five fields such as "15 2 * * *"`},
		{"0 24 * * *", "hour 24 is above 23"},
		{"0 2 0 * *", "day of month 0 is below 1"},
		{"0 2 * 13 *", "month 13 is above 12"},
		{"0 2 * * 7", "day of week 7 is above 6 (Sunday is 0)"},
		{"-1 2 * * *", `minute "" is not a number`},
		{"0 2,99 * * *", "hour 99 is above 23"},
		{"0 1-99 * * *", "hour 99 is above 23"},

		// Items that are none.
		{"x 2 * * *", `minute "x" is not a number`},
		{"0 2 * * moonday", `day of week "moonday" is not a number`},
		{", 2 * * *", `minute "" is not a number`},
		{"0 5-3 * * *", `hour "5-3" ends before it begins`},
		{"*/0 2 * * *", `minute "*/0" has a step that is no positive number`},
		{"*/5/5 2 * * *", "step"},
		{"1-2-3 2 * * *", `minute "2-3" is not a number`},

		// The wrong number of fields: seconds are not among them.
		{"", "has 0 fields"},
		{"0 2 * *", "has 4 fields"},
		{"0 15 2 * * *", "has 6 fields"},

		// Zones. robfig/cron panics on the first two.
		{"TZ=UTC", "has 0 fields"},
		{"CRON_TZ=Europe/Paris", "has 0 fields"},
		{"CRON_TZ=Europe/Pariss 0 2 * * *", `unknown time zone "Europe/Pariss"`},
		{"CRON_TZ=Local 0 2 * * *", `time zone "Local" is not the same everywhere`},
		{"TZ= 0 2 * * *", `time zone "" is not the same everywhere`},

		// Descriptors.
		{"@reboot", "not one of @hourly"},
		{"@every", "not one of @hourly"},
		{"@every day", `"day" is not a duration`},
		{"@every 1s", "1s is less than a minute"},
		{"@every -5m", "-5m0s is less than a minute"},

		// A day that no calendar has.
		{"0 2 30 2 *", "no calendar has such a day"},
	} {
		s, err := schedule.Parse(row.spec, time.UTC)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error with %q", row.spec, s, row.want)
			continue
		}
		if !strings.Contains(err.Error(), row.want) {
			t.Errorf("Parse(%q):\n got %s\nwant %s", row.spec, err, row.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{"15 2 * * *", "TZ=UTC", "@every 6h", "CRON_TZ=UTC */5 1-3 * jan mon", "0 2 30 2 *"} {
		f.Add(spec)
	}
	loc, err := schedule.Zone("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	from := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := schedule.Parse(spec, loc)
		if err != nil {
			return
		}
		if next := s.Next(from); !next.IsZero() && !next.After(from) {
			t.Fatalf("%q: the fire time after %s is %s", spec, from, next)
		}
	})
}
