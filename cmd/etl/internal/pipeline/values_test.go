package pipeline_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// A vendor that gives null for a field of a sudden, without a word in its schema, or
// leaves it out of its answers, is not believed without someone's word.
func TestValuesThatTurnNullAreHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pipeline, table, column string
		field                   *regexp.Regexp
		to                      string
	}{
		{"calls", "aircall.calls", "via_number", regexp.MustCompile(`"via":"[^"]*"`), `"via":null`},
		// They are filed by it: all calls would be without a date.
		{"calls", "aircall.calls", "created_at", regexp.MustCompile(`"created_at":"[^"]*"`), `"created_at":null`},
		{"desk", "desk.conversations", "state", regexp.MustCompile(`"state":`), `"condition":`},
	} {
		t.Run(c.table+"."+c.column, func(t *testing.T) {
			v := open(t, noon, sandbox.Options{Scale: 0.5})
			v.config.Pipelines[slices.IndexFunc(v.config.Pipelines, func(p config.Pipeline) bool { return p.Name == c.pipeline })].Enabled = true
			request := pipeline.Request{Pipelines: []string{c.pipeline}, Full: true}
			v.run(request)
			had := len(v.query("SELECT 1 FROM " + c.table + " WHERE " + c.column + " IS NOT NULL"))
			files := exported(t, v.config.Warehouse)

			v.rewrite(func(_ string, answer []byte) []byte { return c.field.ReplaceAll(answer, []byte(c.to)) })
			leg := legOf(t, v.attempt(request), c.pipeline)
			said := fmt.Sprintf("%d of %d values of %s.%s", had, had, c.table, c.column)
			if had < 100 || leg.Status != summary.Held || leg.Published || !strings.Contains(leg.Reason, said) {
				t.Errorf("%s is %s: %s; want %q in it", leg.Pipeline, leg.Status, leg.Reason, said)
			}
			expectSameFiles(t, exported(t, v.config.Warehouse), files)

			request.Accept = true
			if leg := legOf(t, v.attempt(request), c.pipeline); leg.Status != summary.Complete || !leg.Published {
				t.Errorf("accepted, %s is %s: %s", leg.Pipeline, leg.Status, leg.Reason)
			}
			if left := v.query("SELECT 1 FROM " + c.table + " WHERE " + c.column + " IS NOT NULL"); len(left) > 0 {
				t.Errorf("%d values are left once their nulls are accepted", len(left))
			}
			v.verify()
			if run, err := v.runner(v.config).Replay(t.Context(), pipeline.Rebuild{}); err != nil || run.Status != summary.Complete {
				t.Errorf("the replay: %v, %v", run, err)
			}
		})
	}
}

// Of fewer than a hundred values a vendor may take back all.
func TestAFewValuesThatTurnNull(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	request := pipeline.Request{Pipelines: []string{"messages"}, Full: true}
	v.run(request)
	had := len(v.query("SELECT 1 FROM volt.messages WHERE status_description IS NOT NULL"))
	v.rewrite(func(_ string, answer []byte) []byte {
		return regexp.MustCompile(`"statusDescription":"[^"]*"`).ReplaceAll(answer, []byte(`"statusDescription":null`))
	})
	v.run(request)
	if left := v.query("SELECT 1 FROM volt.messages WHERE status_description IS NOT NULL"); had == 0 || had >= 100 || len(left) > 0 {
		t.Errorf("%d of %d values are left", len(left), had)
	}
}
