package database

import (
	"fmt"
	"time"
)

// Instant is an instant in SQL, NULL for the zero one.
func Instant(t time.Time) string {
	if t.IsZero() {
		return "NULL::TIMESTAMPTZ"
	}
	return "TIMESTAMPTZ " + Text(t.UTC().Format("2006-01-02 15:04:05.999999")+"+00")
}

// Interval is a length of time in SQL, in whole seconds.
func Interval(d time.Duration) string { return fmt.Sprintf("to_seconds(%d)", int64(d/time.Second)) }

// Texts is a list of texts in SQL.
func Texts(all []string) string { return "[" + list(all, ", ", Text) + "]::VARCHAR[]" }
