package transform

import "bytes"

// Durations are read as whole nanoseconds, so that every machine gives the same
// float for the same text.
const nanosecond = 9 // decimals of a second

// parseDuration reads an ISO 8601 duration of weeks, days, hours, minutes and
// seconds, any of them with a fraction, or a bare number of seconds, in
// nanoseconds. Years and months have no fixed length and are not read.
func parseDuration(text []byte) (ns int64, ok bool) {
	sign, body := int64(1), text
	if len(body) > 0 && body[0] == '-' {
		sign, body = -1, body[1:]
	}
	if len(body) == 0 || body[0] != 'P' && body[0] != 'p' {
		ns, _, ok = parseDecimal(text, nanosecond)
		return ns, ok
	}
	ns, ok = parsePeriod(body[1:])
	return sign * ns, ok
}

// parsePeriod reads what follows the P.
func parsePeriod(text []byte) (ns int64, ok bool) {
	inTime := false
	for parts := 0; ; parts++ {
		if len(text) > 0 && !inTime && (text[0] == 'T' || text[0] == 't') {
			inTime, text = true, text[1:]
			if len(text) == 0 {
				return 0, false
			}
		}
		if len(text) == 0 {
			return ns, parts > 0
		}
		end := 0
		for end < len(text) && (isDigit(text[end]) || text[end] == '.' || text[end] == ',') {
			end++
		}
		if end == 0 || end == len(text) {
			return 0, false
		}
		part, ok := parsePart(text[:end], text[end], inTime)
		if !ok || ns > limitNS-part {
			return 0, false
		}
		ns += part
		text = text[end+1:]
	}
}

// limitNS is the longest duration that is read: about 292 years.
const limitNS = 1<<63 - 1

func parsePart(digits []byte, unit byte, inTime bool) (ns int64, ok bool) {
	seconds := secondsOf(unit, inTime)
	v, _, ok := parseDecimal(digits, nanosecond)
	if !ok { // ISO 8601 allows a comma for the point
		v, _, ok = parseDecimal(bytes.Replace(digits, []byte{','}, []byte{'.'}, 1), nanosecond)
	}
	if !ok || seconds == 0 || v > limitNS/seconds {
		return 0, false
	}
	return v * seconds, true
}

func secondsOf(unit byte, inTime bool) int64 {
	switch unit |= 0x20; {
	case inTime && unit == 's':
		return 1
	case inTime && unit == 'm':
		return 60
	case inTime && unit == 'h':
		return 3600
	case !inTime && unit == 'd':
		return 86400
	case !inTime && unit == 'w':
		return 7 * 86400
	}
	return 0
}
