package streams

import (
	"fmt"
	"slices"

	"nightjar/cmd/etl/internal/config"
)

// Order places the stream of a pipeline in a run: one that others learn from comes first.
func Order(p config.Pipeline) int {
	s, err := Of(p.Ref())
	if err != nil {
		return 0 // whoever opens it says so
	}
	return s.Order
}

// Before reports whether a pipeline walks before p where a run has both: p depends on it,
// or learns from its stream.
func Before(first, p config.Pipeline) bool {
	return slices.Contains(p.DependsOn, first.Name) || first.Source == p.Source && Order(first) < Order(p)
}

// CheckOrder reports where enabled pipelines depend on others that walk after them, because
// of what streams learn from each other. The error is a *config.ValidationError.
func CheckOrder(c *config.Config) error {
	all := c.Enabled()
	var follows func(p, first config.Pipeline, seen map[string]bool) bool
	follows = func(p, first config.Pipeline, seen map[string]bool) bool {
		seen[p.Name] = true
		return Before(first, p) || slices.ContainsFunc(all, func(between config.Pipeline) bool {
			return !seen[between.Name] && Before(between, p) && follows(between, first, seen)
		})
	}
	var problems []config.Problem
	for i, p := range c.Pipelines {
		for _, other := range all {
			if p.Enabled && slices.Contains(p.DependsOn, other.Name) && follows(other, p, map[string]bool{}) {
				problems = append(problems, config.Problem{Line: p.Line, Path: fmt.Sprintf("pipelines[%d].depends_on", i),
					Message: fmt.Sprintf("%q walks after %q, because a stream that others of its source learn from comes first; want it left out", other.Name, p.Name)})
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &config.ValidationError{File: c.Path, Problems: problems}
}
