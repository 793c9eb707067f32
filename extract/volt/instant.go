package volt

import (
	"strconv"
	"strings"
	"time"
)

// The forms in which the vendor may write an instant, besides epochs. Those
// without a zone are UTC. A fraction is read in all of them.
const (
	spaced   = "2006-01-02 15:04:05"
	zoneless = "2006-01-02T15:04:05"
)

// millisFrom tells epochs apart: as seconds it is the year 5138.
const millisFrom = 100_000_000_000

// instant reads a time in any of the vendor's forms; zero where it is none.
func instant(text string) time.Time {
	t, _ := form(text)
	return t
}

// form also returns how to write another time in the same form.
func form(text string) (time.Time, func(time.Time) string) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n >= millisFrom {
			return plausible(time.UnixMilli(n)), func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
		}
		return plausible(time.Unix(n, 0)), func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	}
	for _, layout := range []string{spaced, time.RFC3339Nano, zoneless, spaced + "Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return plausible(t), func(t time.Time) string { return t.Format(layout) }
		}
	}
	return time.Time{}, func(time.Time) string { return "" }
}

// plausible turns a time that cannot be one of a message into none.
func plausible(t time.Time) time.Time {
	if t.Year() <= 1970 || t.Year() > 2100 {
		return time.Time{}
	}
	return t
}
