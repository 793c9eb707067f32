package pipeline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
	"nightjar/load/ref"
)

// A night that breaks off in the history of a new project: the next one asks for
// what is left, though its plan is another.
func TestTheHistoryOfANewProjectBreaksOff(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	v.night(0)
	v.names(shop, store)
	v.pass(aDay)
	v.config.Sources.IAdvize.Concurrency = 1
	v.refuse(func(a asked) bool { return intervalOf(t, a).from.After(time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC)) })
	if l := legOf(t, v.attempt(conversationsOnly), "conversations"); l.Status != summary.Failed || l.Pages == 0 {
		t.Fatalf("the night is %s with %d pages: this proves nothing", l.Status, l.Pages)
	}
	v.refuse(nil)
	v.startsOn(1, 5)
	l := v.night(aDay)
	if l.Adopted != 1 || l.Skipped != 1 {
		t.Errorf("%d runs are taken over and %d windows left out, want 1 and 1", l.Adopted, l.Skipped)
	}
	v.expectHeld()
	expectWindows(t, v.night(aDay), "2026-03-30..2026-04-03")
	v.expectHeld()
}

// A first night whose older month fails when the newer one has ended: the next night
// asks for the month that failed, and nothing is missing; nor is it after a rebuild,
// which stands where the warehouse stood.
func TestAMonthThatFailsBeforeOneThatEnds(t *testing.T) {
	t.Parallel()
	v := open(t, time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC), sandbox.Options{Scale: 1})
	v.startsOn(2, 1)
	v.names(shop, store)
	v.config.Sources.IAdvize.Concurrency = 2
	ended := func() bool { return len(v.windowsLanded()) > 0 }
	v.refuse(func(a asked) bool { return intervalOf(t, a).from.Month() < 2 && a.vars["after"] != nil && ended() })
	if l := legOf(t, v.attempt(conversationsOnly), "conversations"); l.Status != summary.Failed || !ended() {
		t.Fatalf("the night is %s, and these windows have ended: %v", l.Status, v.windowsLanded())
	}
	v.refuse(nil)
	v.replayed()
	v.expectHeldAfter(aDay)
	lived, stood := v.config.Warehouse, v.bookmarks()["conversations"]
	for _, warehouse := range []string{v.withLanding(), lived} {
		v.config.Warehouse = warehouse
		if !v.replayed() || v.bookmarks()["conversations"] != stood {
			t.Errorf("the bookmark is %s and was %s", v.bookmarks()["conversations"], stood)
		}
		v.expectHeld()
	}
	expectWindows(t, v.night(aDay), "2026-03-04..2026-03-08")
	v.expectHeld()
}

// replayed makes the tables anew, and reports whether there was anything to make.
func (v *vendors) replayed() bool {
	v.t.Helper()
	r := v.runner(v.config)
	r.Base = noNetwork{v.t}
	_, err := r.Replay(v.t.Context(), pipeline.Rebuild{})
	var none *warehouse.UsageError
	if err != nil && !errors.As(err, &none) {
		v.t.Fatal(err)
	}
	return err == nil
}

// Whatever fails and whatever the configuration asks for, with rebuilds in between: the
// night that asks for everything has all of it.
func TestNothingIsLostWhateverFails(t *testing.T) {
	t.Parallel()
	histories := uint64(6)
	if testing.Short() {
		histories = 2
	}
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			v := covering(t, 2, 1, shop)
			v.config.Sources.IAdvize.Concurrency = 1 + random.IntN(3)
			for range 5 {
				v.names([][]int64{{shop}, {store}, {shop, store}, nil}[random.IntN(4)]...)
				v.startsOn(time.Month(1+random.IntN(3)), 5)
				month := time.Month(1 + random.IntN(6)) // of late June, none is asked for
				v.refuse(func(a asked) bool { return intervalOf(t, a).from.Add(lookback).Month() == month })
				v.attempt(conversationsOnly)
				v.refuse(nil)
				if random.IntN(3) == 0 {
					v.replayed()
				}
				v.pass(time.Duration(random.IntN(3)) * aDay)
			}
			v.names(shop, store)
			v.startsOn(1, 5)
			v.expectHeldAfter(aDay)
		})
	}
}

// windowsLanded are the windows of conversations that have landed whole.
func (v *vendors) windowsLanded() (ids []string) {
	v.t.Helper()
	runs, err := v.zone(v.config.Warehouse).Runs(ref.Stream{Source: "iadvize", Name: "closed_conversations"}, nil)
	if err != nil {
		v.t.Error(err)
	}
	for _, r := range runs {
		for _, w := range r.Windows {
			ids = append(ids, w.ID)
		}
	}
	return ids
}
