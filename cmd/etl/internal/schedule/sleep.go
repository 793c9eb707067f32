package schedule

import (
	"context"
	"time"
)

// SleepUntil returns when the wall clock has reached t, or ctx has ended. It looks at the
// clock once a minute at least, as Loop does.
func SleepUntil(ctx context.Context, t time.Time) {
	for left := t.Sub(now()); left > 0 && ctx.Err() == nil; left = t.Sub(now()) {
		timer := time.NewTimer(min(left, wait))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}
