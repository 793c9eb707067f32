package sandbox

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// world is what the vendors have in common: the dates, the randomness, the
// people who write, call and are written to.
type world struct {
	opt    Options
	faults faultSet
	paris  *time.Location

	mu    sync.Mutex
	given []string // credentials that a vendor has issued so far
}

// give notes a credential that a vendor issues.
func (w *world) give(credential string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given = append(w.given, credential)
}

// now is the vendors' time, UTC.
func (w *world) now() time.Time { return w.opt.Clock().UTC() }

// days yields the midnights, in Paris, of every day that has data.
func (w *world) days() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		y, m, d := w.opt.Start.In(w.paris).Date()
		for {
			day := time.Date(y, m, d, 0, 0, 0, 0, w.paris)
			if day.After(w.opt.End.AddDate(0, 0, futureDays)) || !yield(day) {
				return
			}
			d++
		}
	}
}

// dice is the randomness of one record.
type dice struct{ *rand.Rand }

// roll returns the dice of the record that the parts name. A record's dice
// depend on no other record, so that a longer history leaves it as it was.
func (w *world) roll(parts ...any) dice {
	h := fnv.New64a()
	fmt.Fprintln(h, parts...)
	return dice{rand.New(rand.NewPCG(w.opt.Seed, h.Sum64()))}
}

// chance is true in a share p of cases.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between returns a whole number in [low, high].
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// within returns a duration in [low, high), short ones likelier than long ones.
func (d dice) within(low, high time.Duration) time.Duration {
	x := d.Float64()
	return low + time.Duration(x*x*float64(high-low))
}

// uuid returns a random UUID (version 4) in its text form.
func (d dice) uuid() string {
	a, b := d.Uint64(), d.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// pick returns one of the choices.
func pick[T any](d dice, choices []T) T { return choices[d.IntN(len(choices))] }

// weighted is a choice and how often it is taken, relative to the others.
type weighted[T any] struct {
	value  T
	weight int
}

func pickWeighted[T any](d dice, choices []weighted[T]) T {
	sum := 0
	for _, c := range choices {
		sum += c.weight
	}
	n := d.IntN(sum)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.value
		}
	}
	return choices[0].value
}

// volume returns how many records a day brings, given the mean of a weekday at
// scale 1: fewer on Saturdays, few on Sundays, never the same.
func (w *world) volume(day time.Time, kind string, weekday float64) int {
	share := map[time.Weekday]float64{
		time.Monday: 1.2, time.Tuesday: 1.05, time.Wednesday: 1, time.Thursday: 1.05, time.Friday: 0.95,
		time.Saturday: 0.55, time.Sunday: 0.2,
	}[day.Weekday()]
	d := w.roll(kind, "volume", day.Format(time.DateOnly))
	mean := weekday * w.opt.Scale * share * (0.85 + 0.3*d.Float64())
	return int(math.Floor(mean + d.Float64()))
}

// hours is how busy each hour of a business day is; nights have a few records,
// as the chat is open to anyone.
var hours = [24]int{1, 1, 1, 0, 0, 1, 2, 6, 24, 52, 70, 66, 40, 38, 60, 64, 62, 50, 30, 16, 8, 5, 3, 2}

// moment returns an instant of the day, in business hours mostly, UTC. The
// clock's change makes one day lack an hour and another have one twice; a
// moment in the missing hour becomes the one an hour later.
func (w *world) moment(d dice, day time.Time) time.Time {
	sum := 0
	for _, weight := range hours {
		sum += weight
	}
	n, hour := d.IntN(sum), 0
	for h, weight := range hours {
		if n -= weight; n < 0 {
			hour = h
			break
		}
	}
	y, m, dd := day.Date()
	return time.Date(y, m, dd, hour, d.IntN(60), d.IntN(60), d.IntN(1000)*int(time.Millisecond), w.paris).UTC()
}

// person is someone who may be known to several vendors by the same number.
type person struct {
	name  string
	phone string // E.164, unique
}

// person returns the i-th of them.
func (w *world) person(i int) person {
	d := w.roll("person", i)
	p := person{name: pick(d, firstNames) + " " + pick(d, lastNames)}
	digits := (uint64(i)*73856093 + w.opt.Seed%7919*12347) % 100_000_000
	switch {
	case i%10 < 7:
		p.phone = fmt.Sprintf("+336%08d", digits)
	case i%10 < 9:
		p.phone = fmt.Sprintf("+4477%08d", digits)
	default:
		p.phone = fmt.Sprintf("+14%08d0", digits)
	}
	return p
}

// people is how many persons there are.
func (w *world) people() int { return max(20, int(600*w.opt.Scale)) }

// reached returns whether the clock has reached the instant; a zero instant is
// never.
func reached(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }
