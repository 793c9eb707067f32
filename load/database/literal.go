package database

import "time"

// Instant is an instant in SQL, NULL for the zero one.
func Instant(t time.Time) string {
	if t.IsZero() {
		return "NULL::TIMESTAMPTZ"
	}
	return "TIMESTAMPTZ " + Text(t.UTC().Format("2006-01-02 15:04:05.999999")+"+00")
}
