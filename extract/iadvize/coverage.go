package iadvize

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/extract"
	"nightjar/extract/coverage"
)

// everything stands for all that the account sees, where the configuration names no
// projects. What was asked for so was asked for each project; the reverse is not
// known, since the account may see more than was ever named.
const everything int64 = 0

func isProject(project int64) bool { return project >= everything }

// Extend is the bookmark old with what covers says besides. The order in which a
// bookmark is extended makes no difference, and neither does doing it twice. What
// cannot be read covers nothing, and is asked for again.
func Extend(old, covers extract.Bookmark) extract.Bookmark {
	return coverage.Extend(old, covers, isProject)
}

// AsOf is the instant up to which it is proven that every conversation of the
// projects, all that the account sees if empty, was asked for, from start on. Zero
// where one of them has nothing at its start, and where the bookmark cannot be read.
func AsOf(b extract.Bookmark, projects []int64, start time.Time) time.Time {
	have, err := coverage.Read(b, isProject)
	if err != nil {
		return time.Time{}
	}
	var proven []time.Time
	for _, project := range asked(projects) {
		proven = append(proven, coverage.Proven(of(have, project), start))
	}
	return coverage.Earliest(proven...)
}

// Left says in words what the bookmark covers and the configuration no longer asks
// for: projects, and days before the start.
func Left(b extract.Bookmark, projects []int64, start time.Time) []string {
	have, err := coverage.Read(b, isProject)
	if err != nil {
		return nil
	}
	var left []string
	wanted := asked(projects)
	before := false
	for _, project := range slices.Sorted(maps.Keys(have.Parts)) {
		switch {
		case len(have.Parts[project]) == 0:
		case slices.Contains(wanted, project):
			before = before || have.Parts[project][0].From.Before(start)
		case wanted[0] == everything: // which it is part of
		case project == everything:
			left = append(left, "projects other than those of the configuration are no longer asked for; their rows stay")
		default:
			left = append(left, fmt.Sprintf("project %d is no longer asked for; its rows stay", project))
		}
	}
	if before {
		left = append(left, fmt.Sprintf("what closed before the start, %s, is no longer asked for; its rows stay", start.Format(time.DateOnly)))
	}
	return left
}

// asked are the projects of a configuration, ascending; everything where it names
// none.
func asked(projects []int64) []int64 {
	if len(projects) == 0 {
		return []int64{everything}
	}
	return slices.Compact(slices.Sorted(slices.Values(projects)))
}

// of is what has been asked for of a project.
func of(have coverage.Coverage[int64], project int64) []coverage.Piece {
	return coverage.Over(have.Parts[project], have.Parts[everything])
}

// stretch is an interval that is to be asked for of some projects.
type stretch struct {
	coverage.Interval
	projects []int64 // ascending; everything alone where none are configured
}

// together divides time so that in each stretch the same projects are wanted.
func together(wanted map[int64][]coverage.Interval) []stretch {
	var cuts []time.Time
	for _, all := range wanted {
		for _, i := range all {
			cuts = append(cuts, i.From, i.To)
		}
	}
	cuts = coverage.Instants(cuts)
	var stretches []stretch
	for i := 1; i < len(cuts); i++ {
		var projects []int64
		for _, project := range slices.Sorted(maps.Keys(wanted)) {
			if slices.ContainsFunc(wanted[project], func(w coverage.Interval) bool { return !w.From.After(cuts[i-1]) && !w.To.Before(cuts[i]) }) {
				projects = append(projects, project)
			}
		}
		switch n := len(stretches); {
		case projects == nil:
		case n > 0 && stretches[n-1].To.Equal(cuts[i-1]) && slices.Equal(stretches[n-1].projects, projects):
			stretches[n-1].To = cuts[i]
		default:
			stretches = append(stretches, stretch{coverage.Interval{From: cuts[i-1], To: cuts[i]}, projects})
		}
	}
	return stretches
}

// scopeOf names the projects that a window asks for; empty where it asks for all
// that the account sees.
func scopeOf(projects []int64) string {
	if slices.Equal(projects, []int64{everything}) {
		return ""
	}
	return fmt.Sprint("projects ", projects)
}

// ProjectsOf are the projects that a window with this scope asks for; none is all
// that the account sees.
func ProjectsOf(scope string) ([]int64, error) {
	if scope == "" {
		return nil, nil
	}
	list, ok := strings.CutPrefix(scope, "projects [")
	list, closed := strings.CutSuffix(list, "]")
	var projects []int64
	for name := range strings.FieldsSeq(list) {
		project, err := strconv.ParseInt(name, 10, 64)
		ok = ok && err == nil
		projects = append(projects, project)
	}
	if !ok || !closed || projects == nil {
		return nil, fmt.Errorf("read the scope %q of a window: it names no projects", scope)
	}
	return projects, nil
}
