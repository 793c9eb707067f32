package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// The two projects that the sandbox has.
const (
	shop  = 9999
	store = 4242
)

var conversationsOnly = pipeline.Request{Pipelines: []string{"conversations"}}

// covering opens vendors whose conversations are asked for since a day of 2026.
func covering(t *testing.T, month time.Month, day int, projects ...int64) *vendors {
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.startsOn(month, day)
	v.names(projects...)
	return v
}

// names sets the projects that the configuration names.
func (v *vendors) names(projects ...int64) { v.config.Sources.IAdvize.Projects = projects }

// startsOn sets the start of the history.
func (v *vendors) startsOn(month time.Month, day int) time.Time {
	return v.in("Europe/Paris", 2026, month, day)
}

// night passes a time and runs the conversations.
func (v *vendors) night(pause time.Duration) *summary.Leg {
	v.t.Helper()
	v.pass(pause)
	v.requests()
	return legOf(v.t, v.run(conversationsOnly), "conversations")
}

// expectHeld compares the tables with what the vendor holds of the configured
// projects since the start of the configuration.
func (v *vendors) expectHeld() {
	v.t.Helper()
	v.expectSince(v.config.Pipelines[0].Start)
	v.verify()
}

// expectWindows compares what a leg has asked for, by business days.
func expectWindows(t *testing.T, l *summary.Leg, want ...string) {
	t.Helper()
	var got []string
	for _, w := range l.Windows {
		got = append(got, w.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the night asks for %v, want %v", got, want)
	}
}

// earliest is where the requests of the last night for a project begin, and how many
// there were.
func (v *vendors) earliest(project int64) (from time.Time, n int) {
	v.t.Helper()
	for _, a := range v.requests() {
		filters, _ := a.vars["filters"].(map[string]any)
		if filters != nil && !strings.Contains(fmt.Sprint(filters["projectIds"]), fmt.Sprint(project)) {
			continue
		}
		n++
		if at := intervalOf(v.t, a).from; from.IsZero() || at.Before(from) {
			from = at
		}
	}
	return from, n
}

// A project that is added is fetched from the start by itself; the others go on.
func TestAProjectThatIsAdded(t *testing.T) {
	t.Parallel()
	v := covering(t, 1, 5, shop)
	v.night(0)
	v.names(shop, store)
	plans, err := v.runner(v.config).Plan(t.Context(), conversationsOnly)
	if err != nil || plans[0].Windows[0].ID != "2026-01-05..2026-01-31 of 4242" || plans[0].Windows[0].Scope != "projects [4242]" {
		t.Errorf("a dry run shows %+v: %v", plans, err)
	}
	l := v.night(aDay)
	expectWindows(t, l, "2026-01-05..2026-01-31 of 4242", "2026-02-01..2026-02-28 of 4242", "2026-03-01..2026-03-27 of 4242", "2026-03-28..2026-04-01")
	if from, n := v.earliest(shop); from.Before(time.Date(2026, 3, 27, 22, 59, 59, 0, time.UTC)) || n > 2 {
		t.Errorf("the project that was there is asked for from %s, in %d requests", from, n)
	}
	v.expectHeld()
	expectWindows(t, v.night(aDay), "2026-03-29..2026-04-02")
	if n := len(v.requests()); n > 2 {
		t.Errorf("a night of two projects takes %d requests", n)
	}
	v.expectHeld()
}

// expectHeldAfter runs a night and expects the truth of it.
func (v *vendors) expectHeldAfter(pause time.Duration) {
	v.t.Helper()
	v.night(pause)
	v.expectHeld()
}

// An earlier start fetches what nobody has asked for, and nothing twice.
func TestAnEarlierStart(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	v.night(0)
	v.startsOn(1, 5)
	expectWindows(t, v.night(aDay), "2026-01-05..2026-01-31", "2026-03-28..2026-04-01")
	v.expectHeld()
	expectWindows(t, v.night(aDay), "2026-03-29..2026-04-02")
	v.expectHeld()
}

// What is taken out of the configuration stays in the tables and is not asked for;
// put back, it goes on from where it stood.
func TestAProjectThatIsTakenOutAndPutBack(t *testing.T) {
	t.Parallel()
	v := covering(t, 1, 5, shop, store)
	v.night(0)
	before := v.query("SELECT count(*) AS n FROM iadvize.conversations WHERE project_id = 4242")
	v.names(shop)
	v.startsOn(2, 1)
	v.night(5 * aDay)
	if _, n := v.earliest(store); n > 0 {
		t.Errorf("the project that was taken out is asked for %d times", n)
	}
	if after := v.query("SELECT count(*) AS n FROM iadvize.conversations WHERE project_id = 4242"); after[0]["n"] != before[0]["n"] {
		t.Errorf("%v rows of the project that was taken out are left of %v", after[0]["n"], before[0]["n"])
	}
	v.names(shop, store)
	v.startsOn(1, 5)
	expectWindows(t, v.night(aDay), "2026-03-28..2026-04-01 of 4242", "2026-04-02..2026-04-06")
	v.expectHeld()
}

// A rebuild from the landing zone alone stands where the warehouse stood that lived
// through it, and the next night is a short one.
func TestReplayOfChangedProjects(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	v.night(0)
	v.names(shop, store)
	v.night(aDay)
	v.names(store)
	v.startsOn(1, 5)
	v.night(aDay)
	v.names(shop, store)
	v.night(aDay)
	want, files := v.bookmarks()["conversations"], exported(t, v.config.Warehouse)
	v.config.Warehouse = v.withLanding()
	for range 2 { // also in place
		if !v.replayed() {
			t.Fatal("there is nothing to replay")
		}
		if got := v.bookmarks()["conversations"]; got != want {
			t.Errorf("the bookmark is %s and was %s", got, want)
		}
		expectSameFiles(t, exported(t, v.config.Warehouse), files)
	}
	expectWindows(t, v.night(aDay), "2026-03-31..2026-04-04")
	v.expectHeld()
}

// Without a list, all that the account sees is asked for, and that holds each
// project; a list is not all.
func TestFromAllProjectsToAListAndBack(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1)
	expectWindows(t, v.night(0), "2026-02-01..2026-02-28", "2026-03-01..2026-03-31")
	v.expectHeld()
	v.names(store)
	expectWindows(t, v.night(2*aDay), "2026-03-28..2026-04-02")
	v.names()
	expectWindows(t, v.night(aDay), "2026-03-28..2026-04-03")
	v.expectHeld()
}

// A full run and a backfill ask for what is configured: the one counts for new
// projects, the other leaves the bookmark alone.
func TestFullRunsAndBackfillsOfChangedProjects(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	v.night(0)
	before := v.bookmarks()["conversations"]
	v.names(shop, store)
	v.run(pipeline.Request{Pipelines: conversationsOnly.Pipelines, From: noon.Add(-20 * aDay), To: noon})
	if after := v.bookmarks()["conversations"]; after != before {
		t.Errorf("a backfill moves the bookmark from %s to %s", before, after)
	}
	v.run(pipeline.Request{Pipelines: conversationsOnly.Pipelines, Full: true})
	v.expectHeld()
	expectWindows(t, v.night(aDay), "2026-03-28..2026-04-01")
	v.expectHeld()
}

// A backfill of old days asks for nothing that a later day waits for, and makes none
// final; the next night does.
func TestABackfillMakesNoDayFinal(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	final := func() int64 {
		return v.query("SELECT count(DISTINCT closed_date) AS n FROM marts.csat_daily WHERE is_final")[0]["n"].(int64)
	}
	v.night(0)
	before := final()
	v.pass(2 * aDay)
	v.run(pipeline.Request{Pipelines: conversationsOnly.Pipelines, From: noon.Add(-40 * aDay), To: noon.Add(-20 * aDay)})
	if after := final(); after != before || before == 0 {
		t.Errorf("%d days are final after a backfill, and %d were", after, before)
	}
	v.night(0)
	if after := final(); after != before+2 {
		t.Errorf("%d days are final after a night two days later, and %d were", after, before)
	}
}
