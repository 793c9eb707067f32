package transform

import "bytes"

// beyond is the first microsecond of 2101. Instants before 1970 and from 2101 on
// are taken for mistakes, not for times.
const beyond = 4_133_980_800_000_000

// millisecondsFrom separates epoch seconds from epoch milliseconds: as seconds it
// lies in the year 5138, as milliseconds in 1973.
const millisecondsFrom = 100_000_000_000

// parseInstant reads a time in any form that a vendor sends, as microseconds
// since 1970: RFC 3339 with or without a fraction and with any offset; the same
// with a blank for the T or without an offset, which means UTC; seconds or
// milliseconds since 1970. What is finer than a microsecond is cut off.
func parseInstant(text []byte) (us int64, ok bool) {
	if len(text) > len("2006-") && text[4] == '-' {
		us, ok = parseDateTime(text)
	} else {
		us, ok = parseEpoch(text)
	}
	return us, ok && 0 <= us && us < beyond
}

func parseEpoch(text []byte) (us int64, ok bool) {
	us, _, ok = parseDecimal(text, 6)
	if ok && us < millisecondsFrom*1_000_000 {
		return us, true
	}
	us, _, ok = parseDecimal(text, 3)
	return us, ok
}

const dateTime = "2006-01-02T15:04:05"

func parseDateTime(text []byte) (us int64, ok bool) {
	if len(text) < len(dateTime) || text[7] != '-' || text[13] != ':' || text[16] != ':' {
		return 0, false
	}
	if c := text[10]; c != 'T' && c != 't' && c != ' ' {
		return 0, false
	}
	century, year, month, date := two(text, 0), two(text, 2), two(text, 5), two(text, 8)
	hour, minute, second := two(text, 11), two(text, 14), two(text, 17)
	if century|year|month|date|hour|minute|second < 0 { // one of them is no number
		return 0, false
	}
	year += 100 * century
	if month < 1 || month > 12 || date < 1 || date > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	micros, rest, ok := parseFraction(text[len(dateTime):])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(rest)
	seconds := daysSince1970(year, month, date)*86400 + int64(hour*3600+minute*60+second) - offset
	return seconds*1_000_000 + micros, ok
}

// two is the number of two digits at i, negative where they are none.
func two(text []byte, i int) int {
	tens, ones := int(text[i])-'0', int(text[i+1])-'0'
	if tens < 0 || tens > 9 || ones < 0 || ones > 9 {
		return -1
	}
	return tens*10 + ones
}

// parseFraction reads ".123" and returns what follows it.
func parseFraction(text []byte) (micros int64, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '.' && text[0] != ',' {
		return 0, text, true
	}
	unit, i := int64(1_000_000), 1
	for ; i < len(text) && isDigit(text[i]); i++ {
		unit /= 10
		micros += unit * int64(text[i]-'0')
	}
	return micros, text[i:], i > 1
}

// parseOffset reads "Z", "+02:00", "+0200", "+02" or nothing, as seconds east.
func parseOffset(text []byte) (seconds int64, ok bool) {
	if len(text) == 1 && text[0] == 'Z' {
		return 0, true
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || len(text) == 1 && (text[0] == 'Z' || text[0] == 'z') {
		return 0, true
	}
	sign := int64(1)
	switch text[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	digits := text[1:]
	if len(digits) == 5 && digits[2] == ':' {
		digits = []byte{digits[0], digits[1], digits[3], digits[4]}
	}
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	v, ok := parseWhole(digits)
	if len(digits) == 2 {
		v *= 100
	}
	hours, minutes := v/100, v%100
	return sign * (hours*3600 + minutes*60), ok && isDigit(digits[0]) && hours <= 23 && minutes <= 59
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts the days of the proleptic Gregorian calendar (Howard
// Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
func daysSince1970(year, month, date int) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + date - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return int64(era*146097 + dayOfEra - 719468)
}
