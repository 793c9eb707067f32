package coverage

import (
	"cmp"
	"maps"
	"time"
)

// Coverage is what a stream has been asked for, by the part of the source: a project,
// a list.
type Coverage[K cmp.Ordered] struct {
	// Epoch counts how often a clock that was ahead has been set right. What an
	// earlier epoch says is void.
	Epoch int
	AsOf  time.Time // the latest reading of the clock by which something was asked for
	Parts map[K][]Piece
}

// Of is what a window covers: that the interval of some parts has been asked for now.
func Of[K cmp.Ordered](i Interval, now time.Time, lookback time.Duration, parts ...K) Coverage[K] {
	c := Coverage[K]{AsOf: now, Parts: map[K][]Piece{}}
	for _, part := range parts {
		c.Parts[part] = asked(i, now, lookback)
	}
	return c
}

// join is what two coverages say together. It is commutative, associative and
// idempotent.
func (c Coverage[K]) join(o Coverage[K]) Coverage[K] {
	switch {
	case c.Epoch > o.Epoch:
		return c
	case c.Epoch < o.Epoch:
		return o
	}
	sum := Coverage[K]{Epoch: c.Epoch, AsOf: Latest(c.AsOf, o.AsOf), Parts: map[K][]Piece{}}
	maps.Copy(sum.Parts, c.Parts)
	for part, pieces := range o.Parts {
		sum.Parts[part] = Over(sum.Parts[part], pieces)
	}
	return sum
}

// settled is what the coverage says under the lookback of today: where a piece was
// asked for so long after its time, nothing in it changes any more. It says so of
// such pieces alone, and holds no other.
func (c Coverage[K]) settled(lookback time.Duration) Coverage[K] {
	s := Coverage[K]{Epoch: c.Epoch, AsOf: c.AsOf, Parts: map[K][]Piece{}}
	for part, pieces := range c.Parts {
		for _, p := range pieces {
			to := Earliest(p.Asked.Add(-lookback), p.To)
			if !p.Asked.IsZero() && p.From.Before(to) {
				s.Parts[part] = append(s.Parts[part], Piece{Interval: Interval{p.From, to}})
			}
		}
	}
	return s
}

// corrected is what is left of a coverage by a clock that was ahead, in an epoch of
// its own: that everything in it was asked for when the newest record had come to be,
// and no later.
func (c Coverage[K]) corrected(newest time.Time, lookback time.Duration) Coverage[K] {
	left := Coverage[K]{Epoch: c.Epoch + 1, AsOf: newest, Parts: map[K][]Piece{}}
	for part, pieces := range c.Parts {
		for _, p := range pieces {
			p.To = Earliest(p.To, newest)
			if !p.From.Before(p.To) {
				continue
			}
			again := []Piece{p}
			if p.Asked.IsZero() {
				again = asked(p.Interval, newest, lookback)
			} else {
				again[0].Asked = Earliest(p.Asked, newest)
			}
			left.Parts[part] = Over(left.Parts[part], again)
		}
	}
	return left
}
