package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The parsers of values. Each takes what a human writes and returns an error
// that says what is wrong and what would be right, without repeating the value.

// parseDuration reads numbers with units, as in "72h", "1d12h", "1.5h". A day is
// 24 hours, a week seven days.
func parseDuration(text string) (time.Duration, error) {
	errForm := errors.New("not a duration; want a number and its unit (s, m, h, d, w), such as 90s, 72h or 7d")
	if text == "" {
		return 0, errForm
	}
	rest, negative := strings.CutPrefix(text, "-")
	var total float64
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if i < 1 {
			return 0, errForm
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return 0, errForm
		}
		unit, width := timeUnit(rest[i:])
		if unit == 0 {
			return 0, errForm
		}
		total += n * float64(unit)
		rest = rest[i+width:]
	}
	if negative || total < 1 {
		return 0, errors.New("not above zero; want a length of time such as 72h")
	}
	if total > float64(maxDuration) {
		return 0, errors.New("longer than a hundred years; want a length of time such as 72h")
	}
	return time.Duration(total), nil
}

const maxDuration = 100 * 365 * 24 * time.Hour

// timeUnit returns the unit that text begins with, zero for none, and the letters it
// takes.
func timeUnit(text string) (unit time.Duration, width int) {
	if strings.HasPrefix(text, "ms") {
		return time.Millisecond, 2
	}
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	return units[text[0]], 1
}

// parseRate reads requests a second: "5/s", "120/m", "1000/h", or a plain number.
func parseRate(text string) (float64, error) {
	amount, per, hasUnit := strings.Cut(text, "/")
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[per]
	if !hasUnit {
		seconds = 1
	}
	n, err := parseDecimal(amount)
	if err != nil || seconds == 0 {
		return 0, errors.New("not a rate; want requests a second or a minute, such as 5/s or 120/m")
	}
	if n <= 0 {
		return 0, errors.New("not above zero; want a rate such as 5/s or 120/m")
	}
	return n / seconds, nil
}

// parseShare reads "50%" as 0.5.
func parseShare(text string) (float64, error) {
	amount, percent := strings.CutSuffix(text, "%")
	n, err := parseDecimal(amount)
	if err != nil || !percent {
		return 0, errors.New("not a percentage; want a number and %, such as 50% or 0.1%")
	}
	if n < 0 || n > 100 {
		return 0, errors.New("not between 0% and 100%; want a percentage such as 50%")
	}
	return n / 100, nil
}

// parseDecimal reads plain decimals: no exponent, no infinity, no hexadecimal.
func parseDecimal(text string) (float64, error) {
	if strings.Trim(text, "-.0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// parseSize reads bytes: "64MB" (millions), "64MiB" (times 1024 squared), or a
// plain number.
func parseSize(text string) (int64, error) {
	units := []struct {
		name  string
		bytes float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}
	for _, u := range units {
		amount, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := parseDecimal(strings.TrimSpace(amount))
		if err != nil {
			break
		}
		if bytes := n * u.bytes; bytes >= 1 && bytes <= math.MaxInt64/2 {
			return int64(bytes), nil
		}
		return 0, errors.New("not above zero, or beyond all sizes; want a size such as 64MB")
	}
	return 0, errors.New("not a size; want a number and its unit (kB, MB, MiB, GB), such as 64MB")
}

// parseInteger reads a whole number of at least least, in plain digits.
func parseInteger(text string, least int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || strconv.FormatInt(n, 10) != text:
		return 0, errors.New("not a whole number; want plain digits such as 500")
	case n < least && least == 1:
		return 0, errors.New("not above zero; want 1 or more")
	case n < least:
		return 0, fmt.Errorf("below %d; want %d or more", least, least)
	}
	return n, nil
}

func parseBool(text string) (bool, error) {
	if text != "true" && text != "false" {
		return false, errors.New("neither true nor false; want one of them")
	}
	return text == "true", nil
}

// parseDay reads a day as its midnight in loc.
func parseDay(text string, loc *time.Location) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, loc)
	if err != nil {
		return time.Time{}, errors.New("not a day of the calendar; want YYYY-MM-DD, such as 2025-01-01")
	}
	return day, nil
}

// parseURL checks an absolute http or https URL. Credentials have keys of their
// own, where they are kept out of logs.
func parseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", errors.New("not an absolute URL; want one such as https://api.example.com/graphql")
	case u.User != nil:
		return "", errors.New("holds credentials; want the URL without them, and the credentials under their own keys")
	case u.Fragment != "":
		return "", errors.New("ends in a fragment (#…); want the URL without it")
	}
	return text, nil
}
