package transform

import "time"

// FinalThrough is the last business day that is final: settle after its end in the
// zone, all was asked for, up to asOf. It is none where asOf is zero. The day is at
// midnight UTC. A day is over once no instant of it is to come, also where the next one
// has no midnight, or begins twice.
func FinalThrough(asOf time.Time, settle time.Duration, zone *time.Location) (day time.Time, ok bool) {
	if asOf.IsZero() {
		return time.Time{}, false
	}
	settled := asOf.Add(-settle)
	days := calendar{location: zone}
	underway := days.dayOf(settled.UnixMicro()).day
	if _, end := settled.In(zone).ZoneBounds(); !end.IsZero() { // where clocks may go back into the day before
		underway = min(underway, days.dayOf(end.UnixMicro()).day)
	}
	return underway.ToTime().AddDate(0, 0, -1), true
}
