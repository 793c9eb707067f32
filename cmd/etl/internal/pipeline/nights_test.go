package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/schedule"
	"nightjar/extract/sandbox"
)

// Thirty nights as the daemon has them, over the change of the clocks: what is owed is
// read from the records each time, and the clock is set to when it is due. On some of them
// a vendor is away at first, the program dies, or nothing runs at all.
func TestThirtyNights(t *testing.T) {
	if testing.Short() {
		t.Skip("thirty nights are run")
	}
	t.Parallel()
	v := open(t, time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC), sandbox.Options{Scale: 0.05})
	v.config.Publish.Keep = 100
	v.run(pipeline.Request{})
	up := v.clock()
	generations := map[int]int{} // by night
	for night := 1; night <= 30; night++ {
		switch night % 10 {
		case 3:
			v.rewrite(away)
		case 5: // nothing runs for two nights
			v.pass(2 * aDay)
			up = v.clock()
		}
		before := v.live().Manifest.Generation
		for try := 1; ; try++ {
			if try > 9 {
				t.Fatalf("night %d: %+v", night, v.owes(up))
			}
			if !v.walk(up, night%10 == 7 && try == 1) {
				up = v.clock() // it comes up again
			}
			v.rewrite(nil)
			if len(v.owes(up)) == 0 {
				break
			}
		}
		generations[night] = v.live().Manifest.Generation - before
	}
	for night, n := range generations {
		want := 1
		if night%10 == 3 {
			want = 2 // the others, and the one that was away
		}
		if n != want {
			t.Errorf("night %d published %d generations, want %d", night, n, want)
		}
	}
	v.expectTruth()
	v.verify()
}

// walk moves the clock to the next night and runs it, or dies in it. It reports whether it
// lived.
func (v *vendors) walk(up time.Time, dies bool) bool {
	v.t.Helper()
	site := v.runner(v.config).Site
	tries, err := operate.Tries(site)
	if err != nil {
		v.t.Fatal(err)
	}
	night := schedule.Next(operate.Members(site), tries, operate.Policy(site), up, v.clock())
	if wait := night.At.Sub(v.clock()); wait > 0 {
		v.pass(wait)
	}
	r := v.runner(v.config)
	r.WaitUntil = func(_ context.Context, at time.Time) { v.pass(at.Sub(v.clock())) }
	var request pipeline.Request
	for _, m := range night.Members {
		request.Turns = append(request.Turns, pipeline.Turn{Pipeline: m.Name, Due: m.Due, At: m.At})
	}
	ctx, cancel := context.WithCancel(v.t.Context())
	defer cancel()
	if dies {
		v.refuse(func(asked) bool { cancel(); return false })
		defer v.refuse(nil)
	}
	if _, err := r.Run(ctx, request); err != nil && !errors.Is(err, context.Canceled) {
		v.t.Fatal(err)
	}
	v.pass(time.Minute)
	return !dies
}

// owes are the nights that have passed and are not loaded.
func (v *vendors) owes(up time.Time) []schedule.Debt {
	v.t.Helper()
	site := v.runner(v.config).Site
	tries, err := operate.Tries(site)
	if err != nil {
		v.t.Fatal(err)
	}
	return schedule.Owed(operate.Members(site), tries, operate.Policy(site), up, v.clock())
}
