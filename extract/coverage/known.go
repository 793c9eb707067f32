package coverage

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"nightjar/extract"
)

// Known is what is known before an ask is planned.
type Known[K cmp.Ordered] struct {
	Have Coverage[K] // what need not be asked for
	gain Coverage[K] // what every window of the ask says beside its own interval
}

// Knows reads the bookmark of an ask. One that is ahead of the clock is corrected,
// which all windows then say. A full run is asked for everything and needs no
// bookmark: one that cannot be read is none.
func Knows[K cmp.Ordered](ctx context.Context, ask extract.Ask, lookback time.Duration, exists func(part K) bool) (k Known[K], err error) {
	k.Have, err = Read(ask.Bookmark, exists)
	switch {
	case err != nil && ask.Full:
		k.Have = Coverage[K]{}
	case err != nil:
		return k, fmt.Errorf("%w; a full run asks for everything and needs no bookmark", err)
	}
	k.gain = k.Have.Settled(lookback)
	if k.Have.AsOf.After(ask.Now) {
		newest, err := ask.Since(ctx, k.Have.AsOf)
		if err != nil {
			return k, err
		}
		k.Have = k.Have.Corrected(newest, lookback)
		k.gain = k.Have
	}
	if ask.Full {
		k.Have.Parts = nil
	}
	return k, nil
}

// Covers is what the bookmark gains with a window over the interval, asked for now.
func (k Known[K]) Covers(i Interval, now time.Time, lookback time.Duration, parts ...K) extract.Bookmark {
	own := Of(i, now, lookback, parts...)
	own.Epoch = k.gain.Epoch
	return k.gain.Join(own).Bookmark()
}
