package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The forms in which the file writes values.

func textForm(want string) form[string] {
	return checkedText(want, func(text string) (string, error) { return text, nil })
}

func checkedText(want string, check func(string) (string, error)) form[string] {
	return form[string]{want, []string{"!!str"}, check}
}

func urlForm() form[string] {
	return checkedText("a URL such as https://api.example.com/graphql", parseURL)
}

func durationForm() form[time.Duration] {
	return form[time.Duration]{"a duration such as 72h or 7d", []string{"!!str"}, parseDuration}
}

func rateForm() form[float64] {
	return form[float64]{"a rate such as 5/s or 120/m", []string{"!!str", "!!int", "!!float"}, parseRate}
}

func shareForm() form[float64] {
	return form[float64]{"a percentage such as 50%", []string{"!!str"}, parseShare}
}

func sizeForm() form[int64] {
	return form[int64]{"a size such as 64MB", []string{"!!str", "!!int"}, parseSize}
}

func boolForm() form[bool] {
	return form[bool]{"true or false", []string{"!!bool"}, parseBool}
}

func integerForm[V int | int64](least int64) form[V] {
	want := fmt.Sprintf("a whole number of at least %d", least)
	return form[V]{want, []string{"!!int"}, func(text string) (V, error) {
		n, err := parseInteger(text, least)
		if err == nil && int64(V(n)) != n {
			return 0, fmt.Errorf("beyond all numbers; %s", want)
		}
		return V(n), err
	}}
}

func dayForm(loc *time.Location) form[time.Time] {
	return form[time.Time]{"a day such as 2025-01-01", []string{"!!str", "!!timestamp"}, func(text string) (time.Time, error) {
		return parseDay(text, loc)
	}}
}

// within is a form whose values lie between two others, both included, each as
// the file writes it. What lies beyond is legal to the form and makes no sense.
func within[V cmp.Ordered](as form[V], least, most string) form[V] {
	low, lowErr := as.parse(least)
	high, highErr := as.parse(most)
	if err := errors.Join(lowErr, highErr); err != nil {
		panic(fmt.Sprintf("bounds %s to %s: %v", least, most, err))
	}
	bounded := as
	bounded.parse = func(text string) (V, error) {
		value, err := as.parse(text)
		switch {
		case err != nil:
			return value, err
		case value < low:
			return value, fmt.Errorf("less than makes sense here; want %s to %s", least, most)
		case value > high:
			return value, fmt.Errorf("more than makes sense here; want %s to %s", least, most)
		}
		return value, nil
	}
	return bounded
}

// choiceForm is one of a closed list of words.
func choiceForm[V ~string](words ...V) form[V] {
	var known []string
	for _, w := range words {
		known = append(known, string(w))
	}
	return form[V]{strings.TrimPrefix(wantOneOf(known), "want "), []string{"!!str"}, func(text string) (V, error) {
		if i := slices.Index(known, text); i >= 0 {
			return words[i], nil
		}
		return "", fmt.Errorf("unknown; %s", wantOneOf(known))
	}}
}

// unitForm is the unit of Call.duration.
func unitForm() form[time.Duration] {
	return form[time.Duration]{"ms or s", []string{"!!str"}, func(text string) (time.Duration, error) {
		switch text {
		case "ms":
			return time.Millisecond, nil
		case "s":
			return time.Second, nil
		}
		return 0, errors.New("unknown unit; want ms or s")
	}}
}
