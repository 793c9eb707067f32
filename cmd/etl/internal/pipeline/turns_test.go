package pipeline_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// moves is a WaitUntil that moves the clock of the vendors, and remembers where it stopped.
func (v *vendors) moves(until *[]time.Time) func(context.Context, time.Time) {
	return func(_ context.Context, at time.Time) {
		*until = append(*until, at)
		v.pass(at.Sub(v.clock()))
	}
}

// turns are those of the pipelines named, minutes after now each.
func (v *vendors) turns(minutes map[string]int, order ...string) (all []pipeline.Turn) {
	for _, name := range order {
		at := v.clock().Add(time.Duration(minutes[name]) * time.Minute)
		all = append(all, pipeline.Turn{Pipeline: name, Due: at, At: at})
	}
	return all
}

// A night is one run: each pipeline is asked for at its own time, by its own clock, and
// all are published together.
func TestANightIsOneGeneration(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	var waited []time.Time
	r := v.runner(v.config)
	r.WaitUntil = v.moves(&waited)
	turns := v.turns(map[string]int{"conversations": 0, "calls": 15, "waves": 35, "messages": 35}, "conversations", "calls", "messages", "waves")
	night, err := r.Run(t.Context(), pipeline.Request{Turns: turns})
	if err != nil || night.Status != summary.Complete || night.Generation != 1 {
		t.Fatalf("the night is %+v: %v", night, err)
	}
	if want := []time.Time{turns[1].At, turns[2].At}; !slices.Equal(waited, want) {
		t.Errorf("it waited until %v, want %v", waited, want)
	}
	for i, l := range night.Pipelines {
		if l.Pipeline != turns[i].Pipeline || !l.Due.Equal(turns[i].Due) {
			t.Errorf("leg %d is %s, due %v; want %s, due %v", i, l.Pipeline, l.Due, turns[i].Pipeline, turns[i].Due)
		}
	}
	at := noon.Add(15 * time.Minute).Format("2006-01-02T15:04:05")
	if got := v.bookmarks()["calls"]; !strings.Contains(got, at) {
		t.Errorf("calls stand at %s, want the time at which they were asked for, %s", got, at)
	}
	v.expectTruth()
}

// away is the page of a gateway, in place of what Aircall says.
func away(vendor string, answer []byte) []byte {
	if vendor == "aircall" {
		return []byte("<html>bad gateway</html>")
	}
	return answer
}

// A leg that is not complete says whether to ask again may help.
func TestALegSaysWhetherToAskAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*vendors)
		faults  []string
		leg     string
		want    summary.Retry
	}{
		"complete":            {leg: "calls"},
		"a vendor that fails": {func(v *vendors) { v.rewrite(away) }, nil, "calls", summary.RetryLater},
		"refused credentials": {func(v *vendors) { v.config.Sources.Aircall.Username = "nobody" }, nil, "calls", summary.RetryNever},
		"a wrong address":     {func(v *vendors) { v.config.Sources.Volt.Endpoint += "/nowhere" }, nil, "messages", summary.RetryNever},
		"its other stream":    {func(v *vendors) { v.config.Sources.Volt.Endpoint += "/nowhere" }, nil, "waves", summary.RetryNever},
		"a cap":               {nil, []string{"cap"}, "calls", summary.RetryNever},
		"held":                {nil, []string{"dirty"}, "conversations", summary.RetryOnce},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := open(t, noon, sandbox.Options{Scale: 0.3, Faults: c.faults})
			v.config.Sources.Aircall.Retries = 0
			if c.prepare != nil {
				c.prepare(v)
			}
			l := legOf(t, v.attempt(pipeline.Request{}), c.leg)
			if l.Retry != c.want || (l.Status == summary.Complete) != (c.want == "") {
				t.Errorf("%s is %s, retry %q: %s; want %q", c.leg, l.Status, l.Retry, l.Reason, c.want)
			}
		})
	}
}

// What others depend on walks before them, also in a run by hand.
func TestWhatOthersDependOnWalksFirst(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.05})
	for i := range v.config.Pipelines {
		if v.config.Pipelines[i].Name == "calls" {
			v.config.Pipelines[i].DependsOn = []string{"waves"}
		}
	}
	var walked []string
	for _, l := range v.run(pipeline.Request{}).Pipelines {
		walked = append(walked, l.Pipeline)
	}
	if want := []string{"conversations", "messages", "waves", "calls"}; !slices.Equal(walked, want) {
		t.Errorf("walked %v, want %v", walked, want)
	}
}
