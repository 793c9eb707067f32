package volt

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A set of spans is the set of its ids, whatever the order of adding.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		build := func(label string) (spans, map[int64]bool) {
			var s spans
			ids := map[int64]bool{}
			for range rapid.IntRange(0, 8).Draw(t, label) {
				lo := rapid.Int64Range(1, 60).Draw(t, "lo")
				hi := lo + rapid.Int64Range(-1, 12).Draw(t, "width")
				s.add(lo, hi)
				for id := lo; id <= hi; id++ {
					ids[id] = true
				}
			}
			return s, ids
		}
		s, in := build("spans")
		other, out := build("others")
		var want []int64
		for id := int64(1); id < 100; id++ {
			if in[id] && !out[id] {
				want = append(want, id)
			}
		}
		if got := s.missing(other, 1000); !slices.Equal(got, want) {
			t.Fatalf("%v without %v = %v, want %v", s, other, got, want)
		}
		for n := 1; n < len(s); n++ {
			if s[n].lo <= s[n-1].hi+1 {
				t.Fatalf("spans %v touch", s)
			}
		}
	})
}

func TestInstant(t *testing.T) {
	want := time.Date(2026, 11, 20, 1, 45, 6, 0, time.UTC)
	tests := []struct {
		text  string
		want  time.Time
		later string // a second later, in the same form
	}{
		{"2026-11-20 01:45:06", want, "2026-11-20 01:45:07"},
		{"2026-11-20T01:45:06Z", want, "2026-11-20T01:45:07Z"},
		{"2026-11-20T02:45:06+01:00", want, "2026-11-20T02:45:07+01:00"},
		{"2026-11-20T01:45:06.250Z", want.Add(250 * time.Millisecond), "2026-11-20T01:45:07.25Z"},
		{"2026-11-20T01:45:06", want, "2026-11-20T01:45:07"},
		{"1795139106", want, "1795139107"},
		{"1795139106000", want, "1795139107000"},

		{"", time.Time{}, ""},
		{"yesterday", time.Time{}, ""},
		{"0", time.Time{}, ""},
		{"0001-01-01T00:00:00Z", time.Time{}, ""},
	}
	for _, test := range tests {
		at, write := form(test.text)
		if !at.Equal(test.want) {
			t.Errorf("%q = %s, want %s", test.text, at, test.want)
		}
		if !at.IsZero() {
			if got := write(at.Add(time.Second)); got != test.later {
				t.Errorf("%q a second later = %q, want %q", test.text, got, test.later)
			}
		}
	}
}

// A bounded recall forgets, but never grows.
func TestRecall(t *testing.T) {
	r := recall{bound: 10}
	for key := range uint64(1000) {
		if !r.add(key) || r.add(key) {
			t.Fatalf("key %d is not new once", key)
		}
		if len(r.recent)+len(r.past) > 20 {
			t.Fatalf("%d keys are held", len(r.recent)+len(r.past))
		}
	}
	if r.add(995) {
		t.Error("a recent key is forgotten")
	}
}
