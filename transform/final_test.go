package transform_test

import (
	"testing"
	"time"

	"nightjar/transform"
)

// A day is final from the instant on at which it, and the settle time after it, are
// over: days of 23 and 25 hours, without a midnight, with two, and one that never was.
func TestFinalThrough(t *testing.T) {
	for _, c := range []struct{ zone, day, next string }{ // next is the first instant after the day
		{"UTC", "2026-11-17", "2026-11-18T00:00:00Z"},
		{"Europe/Paris", "2026-10-24", "2026-10-24T22:00:00Z"},
		{"Europe/Paris", "2026-10-25", "2026-10-25T23:00:00Z"}, // of 25 hours
		{"Europe/Paris", "2026-03-29", "2026-03-29T22:00:00Z"}, // of 23
		{"Asia/Kolkata", "2026-03-29", "2026-03-29T18:30:00Z"},
		{"America/Santiago", "2026-09-05", "2026-09-06T04:00:00Z"}, // the 6th begins at 01:00
		{"America/Santiago", "2026-04-04", "2026-04-05T04:00:00Z"}, // of 25 hours, the last one twice
		{"America/Havana", "2025-11-01", "2025-11-02T04:00:00Z"},   // the 2nd has midnight twice
		{"America/St_Johns", "2010-11-06", "2010-11-07T03:30:00Z"}, // the 7th begins, and begins again
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},     // a day that was left out
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		next, err := time.Parse(time.RFC3339, c.next)
		if err != nil {
			t.Fatal(err)
		}
		for _, settle := range []time.Duration{0, time.Second, 48 * time.Hour, 7 * 24 * time.Hour} {
			day, ok := transform.FinalThrough(next.Add(settle), settle, zone)
			if got := day.Format(time.DateOnly); !ok || got != c.day {
				t.Errorf("%s: %s after %s began, %s is the last final day, want %s", c.zone, settle, c.next, got, c.day)
			}
			if day, ok := transform.FinalThrough(next.Add(settle-time.Microsecond), settle, zone); !ok || day.Format(time.DateOnly) >= c.day {
				t.Errorf("%s: %s is final before it is over", c.zone, day.Format(time.DateOnly))
			}
		}
	}
	if day, ok := transform.FinalThrough(time.Time{}, 0, time.UTC); ok {
		t.Errorf("%v is final although nobody was asked", day)
	}
}

// The last final day never goes back as time goes on, and no instant to come is of it.
func TestFinalThroughIsMonotone(t *testing.T) {
	for _, name := range []string{"Europe/Paris", "America/Santiago", "America/Havana", "America/St_Johns", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		last := ""
		for at := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2013; at = at.Add(30 * time.Minute) {
			day, _ := transform.FinalThrough(at, 0, zone)
			final := day.Format(time.DateOnly)
			if final < last || final >= at.In(zone).Format(time.DateOnly) {
				t.Fatalf("%s: at %s, %s is final after %s", name, at, final, last)
			}
			last = final
		}
	}
}
