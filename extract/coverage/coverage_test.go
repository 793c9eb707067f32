package coverage

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightjar/extract"
)

var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// at is so many hours after the epoch.
func at(hours int) time.Time { return epoch.Add(time.Duration(hours) * time.Hour) }

func exists(part int64) bool { return part >= 0 }

// instants are hours, few enough to meet often.
var instants = rapid.IntRange(0, 40)

// covers draws what a window may cover.
var covers = rapid.Custom(func(t *rapid.T) extract.Bookmark {
	from := instants.Draw(t, "from")
	to := rapid.IntRange(from+1, 41).Draw(t, "to")
	now := rapid.IntRange(to, 50).Draw(t, "now")
	lookback := time.Duration(rapid.IntRange(0, 20).Draw(t, "lookback")) * time.Hour
	c := Of(Interval{at(from), at(to)}, at(now), lookback, rapid.SliceOfNDistinct(rapid.Int64Range(0, 2), 1, 3, rapid.ID).Draw(t, "parts")...)
	c.Epoch = rapid.IntRange(0, 1).Draw(t, "epoch")
	return c.Bookmark()
})

func sum(all ...extract.Bookmark) (b extract.Bookmark) {
	for _, c := range all {
		b = Extend(b, c, exists)
	}
	return b
}

// A bookmark is the sum of what windows cover, in whatever order, however grouped and
// however often that is said.
func TestExtendKnowsNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(covers, 1, 8).Draw(t, "covers")
		want := string(sum(all...))
		if got := string(sum(rapid.Permutation(all).Draw(t, "order")...)); got != want {
			t.Fatalf("in another order\n%s\nis not\n%s", got, want)
		}
		n := rapid.IntRange(0, len(all)).Draw(t, "border")
		if got := string(Extend(sum(all[:n]...), sum(all[n:]...), exists)); got != want {
			t.Fatalf("grouped otherwise\n%s\nis not\n%s", got, want)
		}
		for _, again := range append(slices.Clone(all), extract.Bookmark(want), nil) {
			if got := string(Extend(extract.Bookmark(want), again, exists)); got != want {
				t.Fatalf("said again\n%s\nis not\n%s", got, want)
			}
		}
	})
}

// Of every instant the bookmark says what the window says that was asked last, and
// nothing of those that no window holds.
func TestTheLatestWordCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type window struct{ from, to, now int }
		const lookback = 10
		var windows []window
		var b extract.Bookmark
		for range rapid.IntRange(1, 6).Draw(t, "windows") {
			from := instants.Draw(t, "from")
			to := rapid.IntRange(from+1, 41).Draw(t, "to")
			w := window{from, to, rapid.IntRange(to, 60).Draw(t, "now")}
			windows = append(windows, w)
			b = Extend(b, Of(Interval{at(from), at(to)}, at(w.now), lookback*time.Hour, int64(1)).Bookmark(), exists)
		}
		have, err := Read(b, exists)
		if err != nil {
			t.Fatal(err)
		}
		for hour := range 41 {
			latest := -1
			for _, w := range windows {
				if w.from <= hour && hour < w.to {
					latest = max(latest, w.now)
				}
			}
			i := slices.IndexFunc(have.Parts[1], func(p Piece) bool { return !p.From.After(at(hour)) && p.To.After(at(hour)) })
			switch {
			case (i < 0) != (latest < 0):
				t.Fatalf("hour %d, last asked for at %d: %s", hour, latest, b)
			case i >= 0 && have.Parts[1][i].Asked.IsZero() != (hour < latest-lookback):
				t.Fatalf("hour %d, last asked for at %d, is settled or is not: %s", hour, latest, b)
			case i >= 0 && !have.Parts[1][i].Asked.IsZero() && !have.Parts[1][i].Asked.Equal(at(latest)):
				t.Fatalf("hour %d was last asked for at %d: %s", hour, latest, b)
			}
		}
	})
}

func TestProven(t *testing.T) {
	piece := func(from, to, asked int) Piece {
		p := Piece{Interval: Interval{at(from), at(to)}}
		if asked > 0 {
			p.Asked = at(asked)
		}
		return p
	}
	for _, c := range []struct {
		name  string
		have  []Piece
		start int // below zero: none
		want  int // below zero: nothing
	}{
		{"nothing", nil, 0, -1},
		{"nothing, from the beginning", nil, -1, -1},
		{"a night", []Piece{piece(0, 20, 0), piece(20, 30, 30)}, 0, 30},
		{"from the first piece", []Piece{piece(5, 20, 0), piece(20, 30, 30)}, -1, 30},
		{"a refresh that failed", []Piece{piece(0, 20, 0), piece(20, 30, 30), piece(30, 40, 45)}, 0, 30},
		{"a gap", []Piece{piece(0, 10, 0), piece(20, 30, 30)}, 0, 10},
		{"a gap at the start", []Piece{piece(10, 30, 30)}, 0, -1},
		{"a gap before the start", []Piece{piece(0, 10, 0), piece(20, 30, 30)}, 20, 30},
		{"a start within", []Piece{piece(0, 10, 11), piece(10, 30, 30)}, 15, 30},
		{"a start beyond", []Piece{piece(0, 30, 30)}, 35, -1},
		{"settled alone", []Piece{piece(0, 10, 0)}, 0, 10},
		{"old days that were asked for late", []Piece{piece(0, 10, 50), piece(10, 30, 30)}, 0, 30},
	} {
		start, want := time.Time{}, time.Time{}
		if c.start >= 0 {
			start = at(c.start)
		}
		if c.want >= 0 {
			want = at(c.want)
		}
		if got := Proven(c.have, start); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
	}
}

// A clock that was ahead has shown nothing after the newest record, and what it says
// of later does not come back, in whatever order that is said.
func TestAClockThatWasAhead(t *testing.T) {
	const lookback = 10 * time.Hour
	ahead := Of(Interval{at(0), at(1000)}, at(1000), lookback, int64(1)).Bookmark()
	for name, c := range map[string]struct {
		newest time.Time
		want   []Interval
	}{
		"records are held": {at(30), []Interval{{at(20), at(50)}}},
		"none is":          {time.Time{}, []Interval{{at(0), at(50)}}},
	} {
		ask := extract.Ask{Now: at(50), Bookmark: ahead, Newest: func(context.Context) (time.Time, error) { return c.newest, nil }}
		basis, err := BasisOf(t.Context(), ask, lookback, exists)
		if err != nil {
			t.Fatal(err)
		}
		missing := Missing(basis.Have.Parts[1], at(0), ask.Now, lookback)
		if !slices.Equal(missing, c.want) {
			t.Errorf("%s: %v is missing, want %v", name, missing, c.want)
		}
		gain := basis.Covers(missing[0], ask.Now, lookback, 1)
		right := string(Extend(ahead, gain, exists))
		if want := `{"epoch":1,"as_of":"2026-11-03T02:00:00Z","covered":[{"of":[1],"from":"2026-11-01T00:00:00Z","settled_before":"2026-11-02T16:00:00Z","before":"2026-11-03T02:00:00Z"}]}`; right != want {
			t.Errorf("%s: %s, want %s", name, right, want)
		}
		if got := string(sum(gain, ahead, gain)); got != right {
			t.Errorf("%s: in another order %s, want %s", name, got, right)
		}
		ask = extract.Ask{Now: at(60), Bookmark: extract.Bookmark(right)}
		if basis, err = BasisOf(t.Context(), ask, lookback, exists); err != nil {
			t.Fatal(err)
		}
		night := Extend(ask.Bookmark, basis.Covers(Interval{at(40), at(60)}, ask.Now, lookback, 1), exists)
		if have, err := Read(night, exists); err != nil || !Proven(have.Parts[1], at(0)).Equal(at(60)) {
			t.Errorf("%s: the night after stands at %s: %v", name, night, err)
		}
	}
}

// Where the lookback has become shorter, what nobody asks for again is settled.
func TestAShorterLookback(t *testing.T) {
	ask := extract.Ask{Now: at(60), Bookmark: Of(Interval{at(0), at(50)}, at(50), 20*time.Hour, int64(1)).Bookmark()}
	basis, err := BasisOf(t.Context(), ask, 5*time.Hour, exists)
	if err != nil {
		t.Fatal(err)
	}
	missing := Missing(basis.Have.Parts[1], at(0), ask.Now, 5*time.Hour)
	if want := []Interval{{at(45), at(60)}}; !slices.Equal(missing, want) {
		t.Fatalf("%v is missing, want %v", missing, want)
	}
	have, err := Read(Extend(ask.Bookmark, basis.Covers(missing[0], ask.Now, 5*time.Hour, 1), exists), exists)
	if err != nil || !Proven(have.Parts[1], at(0)).Equal(at(60)) {
		t.Errorf("%v: %v", have, err)
	}
}
