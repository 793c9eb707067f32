package volt_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"nightjar/extract"
)

var now = time.Date(2026, 11, 20, 1, 45, 0, 0, time.UTC)

// collect plans and walks every window to its end.
func collect(t *testing.T, s extract.Stream, ask extract.Ask) ([]extract.Page, error) {
	t.Helper()
	ask.Now = now
	windows, err := s.Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	var pages []extract.Page
	for _, w := range windows {
		for page, err := range s.Walk(t.Context(), w) {
			if err != nil {
				return pages, err
			}
			pages = append(pages, page)
		}
	}
	return pages, nil
}

// warehouse is what a test says is known.
type warehouse struct {
	held, named, unsettled []int64
	settled                func(id int64, before time.Time) bool
}

func (w warehouse) WaveIDs(_ context.Context, beyond int64) (held, named []int64, err error) {
	held = slices.DeleteFunc(slices.Clone(w.held), func(id int64) bool { return id <= beyond })
	return held, w.named, nil
}

func (w warehouse) UnsettledWaves(context.Context, time.Time) ([]int64, error) {
	return w.unsettled, nil
}

func (w warehouse) SettledMessages(_ context.Context, ids []int64, before time.Time) (map[int64]bool, error) {
	all := map[int64]bool{}
	for _, id := range ids {
		all[id] = w.settled(id, before)
	}
	return all, nil
}
