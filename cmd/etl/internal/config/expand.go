package config

import (
	"errors"
	"regexp"
	"strings"
)

// expansion is a scalar with its variables put in.
type expansion struct {
	text      string
	variables []string // the names in it
	values    []string // what they or their defaults gave
	unset     string   // the first variable that has no value and no default
}

// expand puts the values of ${VAR} and ${VAR:-default} into text. The default
// stands where the variable is unset or empty, as in a shell; $$ is one $, and a
// $ before anything else stands for itself. A default ends at the first }.
func expand(text string, env func(string) (string, bool)) (expansion, error) {
	var e expansion
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			e.text = out.String()
			return e, nil
		}
		switch {
		case strings.HasPrefix(rest, "$"):
			out.WriteByte('$')
			text = rest[1:]
		case strings.HasPrefix(rest, "{"):
			inside, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return e, errors.New("a ${ is not closed; want ${VAR} or ${VAR:-default}, and $$ for a plain $")
			}
			if err := e.variableIn(inside, env, &out); err != nil {
				return e, err
			}
			text = after
		default:
			out.WriteByte('$')
			text = rest
		}
	}
}

// variableIn writes the value of what stands between ${ and }.
func (e *expansion) variableIn(inside string, env func(string) (string, bool), out *strings.Builder) error {
	name, preset, hasPreset := strings.Cut(inside, ":-")
	if !variable.MatchString(name) || strings.Contains(preset, "${") {
		return errors.New("${ } does not hold the name of a variable; want ${VAR} or ${VAR:-default}, and $$ for a plain $")
	}
	value, set := env(name)
	switch {
	case hasPreset && value == "":
		value = preset
	case !set && e.unset == "":
		e.unset = name
	}
	e.variables = append(e.variables, name)
	e.values = append(e.values, value)
	out.WriteString(value)
	return nil
}

// variable is the name of a shell variable.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
