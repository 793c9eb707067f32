package partition

import (
	"slices"
	"testing"
)

func TestPagesInOrder(t *testing.T) {
	want := []string{
		"",
		"volt/messages/20261120T021500.000Z/000001",
		"volt/messages/20261120T021500.000Z/000010",
		"volt/messages/20261120T021500.000Z/999999",
		"volt/messages/20261120T021500.000Z/1000000",
		"volt/messages/20261120T021500.000Z/1000001",
		"volt/messages/20261120T021500.000Z/9999999",
		"volt/messages/20261120T021500.000Z/10000000",
		"volt/messages/20261121T021500.000Z/000001",
	}
	for i, a := range want {
		for j, b := range want {
			if got, should := comparePages(a, b), sign(i-j); sign(got) != should {
				t.Errorf("%q and %q compare as %d, want %d", a, b, got, should)
			}
		}
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, comparePages)
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %q", got)
	}
}

func sign(n int) int { return max(-1, min(1, n)) }
