package iadvize_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/iadvize"
)

func of(projects ...int64) func(*iadvize.Config) {
	return func(c *iadvize.Config) { c.Projects = projects }
}

func both(a, b func(*iadvize.Config)) func(*iadvize.Config) {
	return func(c *iadvize.Config) { a(c); b(c) }
}

// sum is several bookmarks in one.
func sum(all ...extract.Bookmark) (b extract.Bookmark) {
	for _, covers := range all {
		b = iadvize.Extend(b, covers)
	}
	return b
}

// The months of coverings as they begin in business time, and the night before now.
const october, november, lastNight = "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", "2026-11-19T01:15:00Z"

var coverings = []struct {
	name   string
	have   extract.Bookmark
	change func(*iadvize.Config)
	want   string // id (scope) of each window
}{
	// The night of several projects that stand at the same place is one question.
	{"a night of two", since(november, lastNight, 4242, 9999), of(9999, 4242), "2026-11-16..2026-11-20 (projects [4242 9999])"},
	{"a night of all that the account sees", since(november, lastNight), of(), "2026-11-16..2026-11-20 ()"},
	{"named twice", since(november, lastNight, 4242, 9999), of(4242, 9999, 4242), "2026-11-16..2026-11-20 (projects [4242 9999])"},

	// A project that is added gets its history by itself, and the night with the others.
	{"added", since(november, lastNight, 9999), of(9999, 4242), "2026-11-01..2026-11-15 of 4242 (projects [4242]) 2026-11-16..2026-11-20 (projects [4242 9999])"},
	{"two added", since(november, lastNight, 9999), of(4242, 5555, 9999), "2026-11-01..2026-11-15 of 4242, 5555 (projects [4242 5555]) 2026-11-16..2026-11-20 (projects [4242 5555 9999])"},
	{"added with a history of months", since("2026-08-31T22:00:00Z", lastNight, 9999), both(of(9999, 4242), start("2026-09-01")),
		"2026-09-01..2026-09-30 of 4242 (projects [4242]) 2026-10-01..2026-10-31 of 4242 (projects [4242]) 2026-11-01..2026-11-15 of 4242 (projects [4242]) 2026-11-16..2026-11-20 (projects [4242 9999])"},

	// One that is taken out is not asked for; put back, it goes on where it stood.
	{"taken out", since(november, lastNight, 4242, 9999), of(9999), "2026-11-16..2026-11-20 (projects [9999])"},
	{"put back", sum(since(november, lastNight, 9999), since(november, "2026-11-09T01:15:00Z", 4242)), of(9999, 4242),
		"2026-11-06..2026-11-15 of 4242 (projects [4242]) 2026-11-16..2026-11-20 (projects [4242 9999])"},

	// An earlier start goes back as far as nobody has asked; a later one cuts off.
	{"an earlier start", since(november, lastNight, 9999), start("2026-10-01"), "2026-10-01..2026-10-31 (projects [9999]) 2026-11-16..2026-11-20 (projects [9999])"},
	{"a later start", since(october, lastNight, 9999), nil, "2026-11-16..2026-11-20 (projects [9999])"},
	{"a start within the lookback", since(november, lastNight, 9999), start("2026-11-18"), "2026-11-18..2026-11-20 (projects [9999])"},
	{"a start after the bookmark, and back", sum(since(october, "2026-11-02T12:00:00Z", 9999), since("2026-11-10T23:00:00Z", lastNight, 9999)), start("2026-10-01"),
		"2026-10-30..2026-10-31 (projects [9999]) 2026-11-01..2026-11-10 (projects [9999]) 2026-11-16..2026-11-20 (projects [9999])"},
	{"an earlier start, and a project", since(november, lastNight, 9999), both(of(9999, 4242), start("2026-10-20")),
		"2026-10-20..2026-10-31 (projects [4242 9999]) 2026-11-01..2026-11-15 of 4242 (projects [4242]) 2026-11-16..2026-11-20 (projects [4242 9999])"},

	// All that the account sees holds each project; several projects are not all.
	{"from all to a list", since(november, lastNight), of(4242), "2026-11-16..2026-11-20 (projects [4242])"},
	{"from a list to all", since(november, lastNight, 9999), of(), "2026-11-01..2026-11-20 ()"},
	{"from all to a list, and back", sum(since(november, "2026-11-12T12:00:00Z"), since(november, lastNight, 9999)), of(), "2026-11-09..2026-11-20 ()"},

	// A window that failed is asked for again, and what lies around it is not.
	{"a hole", sum(told(october, "2026-10-09T22:00:00Z", "2026-10-09T22:00:00Z", 9999), told("2026-10-19T22:00:00Z", "2026-11-16T01:15:00Z", lastNight, 9999)), start("2026-10-01"),
		"2026-10-10..2026-10-19 (projects [9999]) 2026-11-16..2026-11-20 (projects [9999])"},
	{"a hole behind what may still change", sum(since(november, "2026-11-14T23:00:00Z", 9999), told("2026-11-16T23:00:00Z", "2026-11-16T23:00:00Z", lastNight, 9999)), nil,
		"2026-11-12..2026-11-20 (projects [9999])"},

	// A lookback applies from now.
	{"a longer lookback", since(november, lastNight, 9999), func(c *iadvize.Config) { c.Lookback = 5 * 24 * time.Hour }, "2026-11-14..2026-11-20 (projects [9999])"},
	{"a shorter lookback", since(november, lastNight, 9999), func(c *iadvize.Config) { c.Lookback = 0 }, "2026-11-19..2026-11-20 (projects [9999])"},
}

// What is asked for once the configuration has changed: what never was, and the
// night. The start of the configuration is 1 November, in business time.
func TestPlanOfWhatIsNotCovered(t *testing.T) {
	for _, c := range coverings {
		t.Run(c.name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*iadvize.Config) {}
			}
			windows, err := newVendor(t).stream(c.change).Plan(t.Context(), extract.Ask{Now: now, Bookmark: c.have})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range windows {
				got = append(got, w.ID+" ("+w.Scope+")")
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A window asks for its projects and no others.
func TestWindowsAskForTheirProjects(t *testing.T) {
	v := newVendor(t)
	have := told("2026-10-31T23:00:00Z", "2026-11-16T01:15:00Z", "2026-11-19T01:15:00Z", 9999)
	got := run(t, v.stream(of(9999, 4242)), extract.Ask{Now: now, Bookmark: have})
	if got.err != nil || len(v.asked) != 2 {
		t.Fatalf("%d requests: %v", len(v.asked), got.err)
	}
	for i, want := range [][]int64{{4242}, {4242, 9999}} {
		if a := v.asked[i]; len(a.projects) != len(want) || a.projects[0] != want[0] || a.projects[len(want)-1] != want[len(want)-1] {
			t.Errorf("request %d asks for %v, want %v", i+1, a.projects, want)
		}
	}
	if want := told("2026-10-31T23:00:00Z", "2026-11-17T01:15:00Z", "2026-11-20T01:15:00Z", 4242, 9999); string(got.after) != string(want) {
		t.Errorf("bookmark %s, want %s", got.after, want)
	}
}

// A bookmark is the sum of what windows cover, in whatever order they end and
// however often that is said.
func TestExtendKnowsNoOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var all []extract.Bookmark
		for range 1 + random.IntN(6) {
			at := now.Add(-time.Duration(random.IntN(20)) * 24 * time.Hour)
			projects := [][]int64{{9999}, {4242}, {4242, 9999}, nil}[random.IntN(4)]
			windows, err := newVendor(t).stream(of(projects...), start("2026-09-20")).Plan(t.Context(), extract.Ask{Now: at})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, windows[random.IntN(len(windows))].Covers)
		}
		want := sum(all...)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if got := sum(append(all, all...)...); string(got) != string(want) {
			t.Fatalf("in another order\n%s\nis not\n%s", got, want)
		}
		if got := iadvize.Extend(want, want); string(got) != string(want) {
			t.Fatalf("what is read and written again\n%s\nis not\n%s", got, want)
		}
	}
}

// Where the history of a night breaks off, no bookmark says more than was asked:
// nights that each lose a window, until one does not, leave nothing out.
func TestNothingIsSkippedWhereWindowsFail(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var have extract.Bookmark
		asked := map[int64]map[time.Time]time.Time{4242: {}, 9999: {}} // by project and day, when it was last asked for
		at := now
		for night := range 6 {
			at = at.Add(time.Duration(1+random.IntN(4)) * 24 * time.Hour)
			projects := [][]int64{{9999}, {4242, 9999}, {4242}}[random.IntN(3)]
			begin := []string{"2026-10-20", "2026-09-25", "2026-11-10"}[random.IntN(3)]
			if night == 5 {
				projects, begin = []int64{4242, 9999}, "2026-09-25"
			}
			windows, err := newVendor(t).stream(of(projects...), start(begin)).Plan(t.Context(), extract.Ask{Now: at, Bookmark: have})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range windows {
				if night < 5 && random.IntN(3) == 0 {
					continue // failed
				}
				have = iadvize.Extend(have, w.Covers)
				for project, days := range asked {
					for day := day("2026-09-25"); strings.Contains(w.Scope, []string{"4242", "9999"}[project/9999]) && day.Before(at); day = day.AddDate(0, 0, 1) {
						if !day.Before(w.From) && day.Before(w.To) {
							days[day] = at
						}
					}
				}
			}
		}
		for project, days := range asked {
			for day := day("2026-09-25"); day.Before(at); day = day.AddDate(0, 0, 1) {
				if last := days[day]; last.IsZero() || last.Before(day.AddDate(0, 0, 1).Add(72*time.Hour)) && last.Before(at) {
					t.Fatalf("project %d: %s was last asked for at %s, and the bookmark is %s", project, day, last, have)
				}
			}
		}
	}
}

// How far it is proven that every conversation was asked for: by the project that is
// furthest behind, whatever was asked for of old days, or in vain.
func TestAsOf(t *testing.T) {
	const september, november, last = "2026-08-31T22:00:00Z", "2026-10-31T23:00:00Z", "2026-11-19T01:15:00Z"
	night := func(from, before string, projects ...int64) extract.Bookmark {
		at, err := time.Parse(time.RFC3339, before)
		if err != nil {
			t.Fatal(err)
		}
		return told(from, at.Add(-72*time.Hour).Format(time.RFC3339), before, projects...)
	}
	settled := func(from, before string, projects ...int64) extract.Bookmark {
		return told(from, before, before, projects...)
	}
	for _, c := range []struct {
		name     string
		have     extract.Bookmark
		projects []int64
		start    string
		want     string // empty: zero
	}{
		{"nothing", nil, []int64{9999}, "2026-11-01", ""},
		{"unreadable", extract.Bookmark(`{"covered":12}`), []int64{9999}, "2026-11-01", ""},
		{"a night", night(november, last, 9999), []int64{9999}, "2026-11-01", last},
		{"without a start", night(november, last, 9999), []int64{9999}, "", last},
		{"of two", night(november, last, 4242, 9999), []int64{9999, 4242}, "2026-11-01", last},
		{"one is behind", sum(night(november, last, 9999), night(november, "2026-11-12T01:15:00Z", 4242)), []int64{9999, 4242}, "2026-11-01", "2026-11-12T01:15:00Z"},
		{"one has nothing", night(november, last, 9999), []int64{9999, 4242}, "2026-11-01", ""},
		{"one has its history missing", sum(night(november, last, 9999), night("2026-11-16T23:00:00Z", last, 4242)), []int64{9999, 4242}, "2026-11-01", ""},
		{"one that nobody asks for is behind", sum(night(november, last, 9999), night(november, "2026-11-12T01:15:00Z", 4242)), []int64{9999}, "2026-11-01", last},
		{"a list of all", night(november, last), []int64{9999}, "2026-11-01", last},
		{"all of a list", night(november, last, 9999), nil, "2026-11-01", ""},
		{"all", night(november, last), nil, "2026-11-01", last},
		{"a month that failed", sum(settled(september, "2026-09-30T22:00:00Z", 9999), night(november, last, 9999)), []int64{9999}, "2026-09-01", "2026-09-30T22:00:00Z"},
		{"an earlier start", night(november, last, 9999), []int64{9999}, "2026-09-01", ""},
		{"a later start", night(september, last, 9999), []int64{9999}, "2026-11-01", last},
		{"a refresh that failed", sum(night(november, "2026-11-18T01:15:00Z", 9999), told("2026-11-18T01:15:00Z", "2026-11-18T01:15:00Z", last, 9999)),
			[]int64{9999}, "2026-11-01", "2026-11-18T01:15:00Z"},
	} {
		var begin time.Time
		if c.start != "" {
			begin = day(c.start)
		}
		got := iadvize.AsOf(c.have, c.projects, begin)
		if text := got.Format(time.RFC3339); text != c.want && (c.want != "" || !got.IsZero()) {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// A backfill of old days covers nothing, and leaves a bookmark as it is.
func TestABackfillCoversNothing(t *testing.T) {
	windows, err := newVendor(t).stream().Plan(t.Context(), extract.Ask{Now: now, From: day("2026-09-01"), To: day("2026-11-01"), Bookmark: mark("2026-11-19T01:15:00Z")})
	if err != nil || len(windows) == 0 {
		t.Fatalf("%d windows: %v", len(windows), err)
	}
	for _, w := range windows {
		if w.Covers != nil {
			t.Errorf("%s covers %s", w.ID, w.Covers)
		}
	}
}

// What the scope of a planned window says is what the window asks for.
func TestProjectsOf(t *testing.T) {
	for _, projects := range [][]int64{{9999}, {4242, 9999}, nil} {
		windows, err := newVendor(t).stream(of(projects...)).Plan(t.Context(), extract.Ask{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := iadvize.ProjectsOf(windows[0].Scope); err != nil || !slices.Equal(got, projects) {
			t.Errorf("scope %q names %v, want %v: %v", windows[0].Scope, got, projects, err)
		}
	}
	for _, scope := range []string{"projects", "projects []", "projects [x]", "[1]", "projects [1"} {
		if got, err := iadvize.ProjectsOf(scope); err == nil {
			t.Errorf("scope %q names %v", scope, got)
		}
	}
}
