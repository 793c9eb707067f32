package sandbox

import (
	"fmt"
	"slices"
	"time"
)

type transaction struct {
	iaTransaction
	received        time.Time
	cancelled, back time.Time // zero: never
	corrected       time.Time // zero: never
	correction      float64   // the amount from then on
}

var currencies = []weighted[string]{{"EUR", 80}, {"GBP", 12}, {"USD", 5}, {"JPY", 2}, {"KWD", 1}}

// transactions are attributed up to 48 hours after the close.
func (w *world) transactions(d dice, c *conversation) {
	if !d.chance(0.11) {
		return
	}
	for n := range pickWeighted(d, []weighted[int]{{1, 85}, {2, 12}, {3, 3}}) {
		low := time.Duration(0)
		if w.faults.has("late") {
			low = 30 * time.Hour
		}
		at := c.closed.Add(low + d.within(0, 48*time.Hour-low)).Truncate(time.Second)
		currency := pickWeighted(d, currencies)
		text := at.Format(time.RFC3339)
		c.transactions = append(c.transactions, transaction{received: at, iaTransaction: iaTransaction{
			ID:                   uuidText(d.uuid()),
			ExternalConversionID: fmt.Sprintf("CMD-%s-%d", c.id[:8], n+1),
			Amount:               amount(d, currency),
			Currency:             currency,
			ReceivedAt:           dateTime(text),
			VisitorDate:          dateTime(at.Add(-time.Second).Format(time.RFC3339)),
			CreatedAt:            dateTime(text),
			UpdatedAt:            dateTime(text),
		}})
	}
	if w.faults.has("taken-back") {
		c.takeBack(d)
	}
	slices.SortFunc(c.transactions, func(a, b transaction) int { return a.received.Compare(b.received) })
}

// takeBack cancels some purchases, of which some come back, and corrects others. All is
// said 70 hours after the close.
func (c *conversation) takeBack(d dice) {
	for i := range c.transactions {
		t := &c.transactions[i]
		later := func(than time.Time) time.Time {
			return than.Add(d.within(time.Minute, c.closed.Add(70*time.Hour).Sub(than)))
		}
		switch {
		case d.chance(0.5):
			t.cancelled = later(t.received)
			if d.chance(0.7) {
				t.back = later(t.cancelled)
			}
		case d.chance(0.5):
			t.corrected, t.correction = later(t.received), amount(d, t.Currency)
		}
	}
}

// shown is what the vendor shows of the transaction at now; false for nothing.
func (t transaction) shown(now time.Time) (iaTransaction, bool) {
	shown := t.iaTransaction
	if reached(t.corrected, now) {
		shown.Amount, shown.UpdatedAt = t.correction, dateTime(t.corrected.Format(time.RFC3339))
	}
	return shown, reached(t.received, now) && (!reached(t.cancelled, now) || reached(t.back, now))
}

// amount has as many decimals as the currency.
func amount(d dice, currency string) float64 {
	cents := 500 + d.IntN(40_000)
	switch currency {
	case "JPY":
		return float64(cents)
	case "KWD":
		return float64(cents) / 1000
	}
	return float64(cents) / 100
}
