// Package coverage tells what a stream has been asked for, where it is read by
// stretches of time that stand for themselves. A bookmark is then a sum of what
// windows cover: neither the order in which they end nor how often that is said
// makes a difference, and a window that failed is missing and nothing around it is.
package coverage

import (
	"slices"
	"time"
)

// Interval is [From, To).
type Interval struct{ From, To time.Time }

// Piece is a stretch of time that has been asked for. Those of a list ascend and do
// not overlap.
type Piece struct {
	Interval
	Asked time.Time // when it was last asked for; zero where nothing in it changes any more
}

// says reports whether p says more of its instants than q does.
func (p Piece) says(q Piece) bool {
	return !q.Asked.IsZero() && (p.Asked.IsZero() || p.Asked.After(q.Asked))
}

// Over lays two lists over one another. Of every instant the latest word counts.
func Over(a, b []Piece) []Piece {
	var cuts []time.Time
	for _, p := range slices.Concat(a, b) {
		cuts = append(cuts, p.From, p.To)
	}
	cuts = Instants(cuts)
	var sum []Piece
	for i := 1; i < len(cuts); i++ {
		at := Interval{cuts[i-1], cuts[i]}
		p, ok := at.of(&a)
		if q, also := at.of(&b); also && (!ok || q.says(p)) {
			p, ok = q, true
		}
		switch n := len(sum); {
		case !ok:
		case n > 0 && sum[n-1].To.Equal(at.From) && sum[n-1].Asked.Equal(p.Asked):
			sum[n-1].To = at.To
		default:
			sum = append(sum, Piece{at, p.Asked})
		}
	}
	return sum
}

// of is the piece that holds the interval. Those that end before it are dropped from
// the list.
func (at Interval) of(list *[]Piece) (p Piece, ok bool) {
	for len(*list) > 0 && !(*list)[0].To.After(at.From) {
		*list = (*list)[1:]
	}
	if len(*list) == 0 || (*list)[0].From.After(at.From) {
		return p, false
	}
	return (*list)[0], true
}

// Instants sorts, and drops what comes again.
func Instants(all []time.Time) []time.Time {
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// Earliest is the first of some instants.
func Earliest(all ...time.Time) time.Time { return slices.MinFunc(all, time.Time.Compare) }

// Latest is the last of some instants.
func Latest(all ...time.Time) time.Time { return slices.MaxFunc(all, time.Time.Compare) }

// asked is an interval that was asked for at an instant, where a record may change
// for the lookback.
func asked(i Interval, at time.Time, lookback time.Duration) []Piece {
	settled := Earliest(Latest(at.Add(-lookback), i.From), i.To)
	var all []Piece
	for _, p := range []Piece{{Interval: Interval{i.From, settled}}, {Interval{settled, i.To}, at}} {
		if p.From.Before(p.To) {
			all = append(all, p)
		}
	}
	return all
}

// Missing is what is to be asked for between start and now: all that never was, and
// what was so shortly after its time that it may have changed since, in ascending
// order.
func Missing(have []Piece, start, now time.Time, lookback time.Duration) []Interval {
	var all []Interval
	add := func(from, to time.Time) {
		if from, to = Latest(from, start), Earliest(to, now); from.Before(to) {
			all = append(all, Interval{from, to})
		}
	}
	at := start
	for _, p := range have {
		add(at, p.From)
		if !p.Asked.IsZero() {
			add(p.Asked.Add(-lookback), p.To)
		}
		at = Latest(at, p.To)
	}
	add(at, now)
	return joined(all)
}

// joined makes one interval of those that touch or overlap.
func joined(all []Interval) []Interval {
	slices.SortFunc(all, func(a, b Interval) int { return a.From.Compare(b.From) })
	var whole []Interval
	for _, i := range all {
		n := len(whole)
		switch {
		case n == 0 || i.From.After(whole[n-1].To):
			whole = append(whole, i)
		case i.To.After(whole[n-1].To):
			whole[n-1].To = i.To
		}
	}
	return whole
}

// Proven is the instant up to which all from start on has been asked for: not beyond
// the first gap, nor beyond the oldest asking of what may still change. A zero start
// is the first piece's. Zero where nothing at the start has been asked for.
func Proven(have []Piece, start time.Time) time.Time {
	if start.IsZero() && len(have) > 0 {
		start = have[0].From
	}
	end, oldest := start, time.Time{}
	for _, p := range have {
		if !p.To.After(start) {
			continue
		}
		if p.From.After(end) {
			break
		}
		end = p.To
		if !p.Asked.IsZero() && (oldest.IsZero() || p.Asked.Before(oldest)) {
			oldest = p.Asked
		}
	}
	switch {
	case end.Equal(start):
		return time.Time{}
	case !oldest.IsZero() && oldest.Before(end):
		return oldest
	}
	return end
}
