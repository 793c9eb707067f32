package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problem is one thing that is wrong with the file.
type Problem struct {
	Line    int    // counts from 1; zero where the problem is the file's, not a line's
	Path    string // "pipelines[0].schedule"; empty at the top
	Message string // what is wrong, and what would be right; never the value of a secret
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// in is the problem with its place in a file.
func (p Problem) in(file string) string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", file, p)
	}
	return fmt.Sprintf("%s:%d: %s", file, p.Line, p)
}

// lines are problems with their places in a file.
func lines(file string, problems []Problem) []string {
	all := make([]string, len(problems))
	for i, p := range problems {
		all[i] = p.in(file)
	}
	return all
}

// ValidationError is everything that is wrong with a file, by line. It prints
// one line a problem: "pipelines.yaml:12: pipelines[0].schedule: …".
type ValidationError struct {
	File     string
	Problems []Problem
	cause    error // why the file could not be read; nil where it could
}

func (e *ValidationError) Error() string {
	return strings.Join(lines(e.File, e.Problems), "\n")
}

// Unwrap returns why the file could not be read, such as fs.ErrNotExist.
func (e *ValidationError) Unwrap() error { return e.cause }

// finding is a problem before the values it quotes are known to be no secrets:
// a later line of the file may make a secret of the variable that an earlier one
// quotes.
type finding struct {
	Problem
	quoted []string // values of the file and of variables that Message holds
}

// report turns findings into problems, sorted by line. A message that quotes a
// secret is replaced as a whole.
func report(found []finding, secrets []string) []Problem {
	problems := make([]Problem, 0, len(found))
	for _, f := range found {
		if slices.ContainsFunc(f.quoted, func(v string) bool { return holdsAny(v, secrets) }) {
			f.Message = "holds the value of a secret, which is not shown, and is not valid here; a secret belongs under password or token only"
		}
		problems = append(problems, f.Problem)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}

func holdsAny(value string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(value, s) })
}

// nearest returns the known name that a misspelt one was probably meant to be,
// and "" where none is near.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+2
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// wantOneOf is "want a", "want a or b", "want one of a, b, c".
func wantOneOf(names []string) string {
	switch len(names) {
	case 1:
		return "want " + names[0]
	case 2:
		return "want " + names[0] + " or " + names[1]
	}
	return "want one of " + strings.Join(names, ", ")
}
