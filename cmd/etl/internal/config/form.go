package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// form is how one kind of value is written and read.
type form[V any] struct {
	want     string   // "a duration such as 72h"
	tags     []string // YAML types that a literal may have
	parse    func(string) (V, error)
	literals []object // JSON Schemas of the literals; none: any text that is not empty
	shared   string   // the name under which keys share the schema; empty: each has its own
	about    string   // of a shared schema; empty: nothing
	bounds   string   // "1m to 3650d", where literals cannot tell
}

func textForm(want string) form[string] {
	return form[string]{want: want, tags: []string{"!!str"}, shared: "text",
		parse: func(text string) (string, error) { return text, nil }}
}

// patternForm is text of a regular expression. Otherwise ends the message about
// another one.
func patternForm(want, pattern, otherwise string) form[string] {
	return form[string]{want: want, tags: []string{"!!str"}, literals: []object{patterned(pattern)},
		parse: func(text string) (string, error) {
			if !regexp.MustCompile(pattern).MatchString(text) {
				return "", errors.New(otherwise)
			}
			return text, nil
		}}
}

func urlForm() form[string] {
	return form[string]{want: "a URL such as https://api.example.com/graphql", tags: []string{"!!str"}, parse: parseURL,
		shared: "url", literals: []object{patterned(`^https?://[^/?#@]+([/?][^#@]*)?$`)}}
}

func durationForm() form[time.Duration] {
	return form[time.Duration]{want: "a duration such as 72h or 7d", tags: []string{"!!str"}, parse: parseDuration,
		shared: "duration", about: "Numbers with units: 90s, 30m, 72h, 7d, 1w. A day is 24 hours.",
		literals: []object{except(patterned(`^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$`), `^[0.a-z]+$`)}}
}

func rateForm() form[float64] {
	return form[float64]{want: "a rate such as 5/s or 120/m", tags: []string{"!!str", "!!int", "!!float"}, parse: parseRate,
		shared: "rate", literals: []object{
			{{"type", "number"}, {"exclusiveMinimum", 0}},
			except(patterned(`^[0-9]+(\.[0-9]+)?(/[smh])?$`), `^[0.]+(/|$)`),
		}}
}

func shareForm() form[float64] {
	return form[float64]{want: "a percentage such as 50%", tags: []string{"!!str"}, parse: parseShare,
		shared: "share", about: "A percentage: 50%, 0.1%.", literals: []object{patterned(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$`)}}
}

func sizeForm() form[int64] {
	return form[int64]{want: "a size such as 64MB", tags: []string{"!!str", "!!int"}, parse: parseSize,
		shared: "size", literals: []object{
			{{"type", "integer"}, {"minimum", 1}},
			except(patterned(`^[0-9]+(\.[0-9]+)? ?([kKMG]B|[KMG]iB|B)?$`), `^[0.]+[^0-9.]*$`),
		}}
}

func boolForm() form[bool] {
	return form[bool]{want: "true or false", tags: []string{"!!bool"}, parse: parseBool, literals: []object{{{"type", "boolean"}}}}
}

func integerForm[V int | int64](least int64) form[V] {
	want := fmt.Sprintf("a whole number of at least %d", least)
	return form[V]{want: want, tags: []string{"!!int"}, literals: []object{{{"type", "integer"}, {"minimum", least}}},
		parse: func(text string) (V, error) {
			n, err := parseInteger(text, least)
			if err == nil && int64(V(n)) != n {
				return 0, fmt.Errorf("beyond all numbers; %s", want)
			}
			return V(n), err
		}}
}

func dayForm(loc *time.Location) form[time.Time] {
	return form[time.Time]{want: "a day such as 2025-01-01", tags: []string{"!!str", "!!timestamp"},
		shared: "day", literals: []object{patterned(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`)},
		parse: func(text string) (time.Time, error) { return parseDay(text, loc) }}
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
	if slices.Equal(as.tags, []string{"!!int"}) {
		bounded.literals = []object{{{"type", "integer"}, {"minimum", low}, {"maximum", high}}}
	} else {
		bounded.bounds = least + " to " + most
	}
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
	return form[V]{want: strings.TrimPrefix(wantOneOf(known), "want "), tags: []string{"!!str"}, literals: []object{{{"enum", words}}},
		parse: func(text string) (V, error) {
			if i := slices.Index(known, text); i >= 0 {
				return words[i], nil
			}
			return "", fmt.Errorf("unknown; %s", wantOneOf(known))
		}}
}

// nameForm is a name of the program's own. Which one it is and what belongs to
// it is judged when the whole file is read.
func nameForm(want string, known []string) form[string] {
	as := textForm(want)
	as.shared, as.literals = "", []object{{{"enum", known}}}
	return as
}

// unitForm is the unit of Call.duration.
func unitForm() form[time.Duration] {
	return form[time.Duration]{want: "ms or s", tags: []string{"!!str"}, literals: []object{{{"enum", []string{"ms", "s"}}}},
		parse: func(text string) (time.Duration, error) {
			if text != "ms" && text != "s" {
				return 0, errors.New("unknown unit; want ms or s")
			}
			unit, _ := timeUnit(text)
			return unit, nil
		}}
}
