package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// span is one field of a cron line: its name, its least and greatest number, and
// the words that stand for numbers.
type span struct {
	name     string
	min, max int
	words    []string // words[i] stands for min+i; none if empty
	hint     string   // appended where a number is out of range
}

// fields are the five of a cron line, in order.
func fields() []span {
	return []span{
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: "day of month", min: 1, max: 31},
		{name: "month", min: 1, max: 12, words: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{name: "day of week", max: 6, words: strings.Fields("sun mon tue wed thu fri sat"), hint: " (Sunday is 0)"},
	}
}

// check refuses what robfig/cron refuses, in words that name the field, and the
// few lines it accepts that mean nothing (a lone comma, a range of a star).
func check(line string) error {
	if strings.HasPrefix(line, "@") {
		return checkDescriptor(line)
	}
	parts := strings.Fields(line)
	if len(parts) != len(fields()) {
		return fmt.Errorf("has %d fields", len(parts))
	}
	for i, f := range fields() {
		for part := range strings.SplitSeq(parts[i], ",") {
			if err := f.check(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// check reads one item of a field: *, 5, 1-5, each with an optional /step.
func (f span) check(item string) error {
	bounds, step, stepped := strings.Cut(item, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 {
			return fmt.Errorf("%s %q has a step that is no positive number", f.name, item)
		}
	}
	if bounds == "*" || bounds == "?" {
		return nil
	}
	low, high, ranged := strings.Cut(bounds, "-")
	from, err := f.number(low)
	if err != nil || !ranged {
		return err
	}
	to, err := f.number(high)
	if err != nil {
		return err
	}
	if from > to {
		return fmt.Errorf("%s %q ends before it begins", f.name, item)
	}
	return nil
}

func (f span) number(text string) (int, error) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s %q is not a number", f.name, text)
	case n > f.max:
		return 0, fmt.Errorf("%s %d is above %d%s", f.name, n, f.max, f.hint)
	case n < f.min:
		return 0, fmt.Errorf("%s %d is below %d", f.name, n, f.min)
	}
	return n, nil
}

func checkDescriptor(line string) error {
	known := strings.Fields("@yearly @annually @monthly @weekly @daily @midnight @hourly")
	if slices.Contains(known, line) {
		return nil
	}
	delay, ok := strings.CutPrefix(line, "@every ")
	if !ok {
		return errors.New("not one of @hourly, @daily, @weekly, @monthly, @yearly, @every 6h")
	}
	d, err := time.ParseDuration(delay)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 6h or 90m", delay)
	}
	if d < time.Minute {
		return fmt.Errorf("%s is less than a minute", d)
	}
	return nil
}
