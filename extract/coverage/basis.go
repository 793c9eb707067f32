package coverage

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"nightjar/extract"
)

// Basis is what the plan of an ask starts from.
type Basis[K cmp.Ordered] struct {
	Have Coverage[K] // what need not be asked for
	gain Coverage[K] // what every window of the ask says beside its own interval
}

// BasisOf reads the bookmark of an ask. One that is ahead of the clock is corrected,
// which all windows then say. A full run is asked for everything and needs no
// bookmark: one that cannot be read is none.
func BasisOf[K cmp.Ordered](ctx context.Context, ask extract.Ask, lookback time.Duration, exists func(part K) bool) (b Basis[K], err error) {
	b.Have, err = Read(ask.Bookmark, exists)
	switch {
	case err != nil && ask.Full:
		b.Have = Coverage[K]{}
	case err != nil:
		return b, fmt.Errorf("%w; a full run asks for everything and needs no bookmark", err)
	}
	b.gain = b.Have.settled(lookback)
	if b.Have.AsOf.After(ask.Now) {
		newest, err := ask.Since(ctx, b.Have.AsOf)
		if err != nil {
			return b, err
		}
		b.Have = b.Have.corrected(newest, lookback)
		b.gain = b.Have
	}
	if ask.Full {
		b.Have.Parts = nil
	}
	return b, nil
}

// Covers is what the bookmark gains with a window over the interval, asked for now.
func (b Basis[K]) Covers(i Interval, now time.Time, lookback time.Duration, parts ...K) extract.Bookmark {
	own := Of(i, now, lookback, parts...)
	own.Epoch = b.gain.Epoch
	return b.gain.join(own).Bookmark()
}
