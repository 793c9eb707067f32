package sandbox

import "time"

// receipt is what the carrier says of a message from a moment on.
type receipt struct {
	at          time.Time
	status      string
	description string
	code        *string // failures only
}

var carrierErrors = []weighted[receipt]{
	{receipt{description: "Unreachable destination handset", code: ptr("30003")}, 45},
	{receipt{description: "Carrier violation: message filtered", code: ptr("30007")}, 25},
	{receipt{description: "Unknown destination handset", code: ptr("30005")}, 15},
	{receipt{description: "Landline or unreachable carrier", code: ptr("30006")}, 10},
	{receipt{description: "Attempt to send to unsubscribed recipient", code: ptr("21610")}, 5},
}

// fate is sending, sent, and then delivered or failed, or neither for ever; now
// and then a carrier takes its word back.
func fate(d dice, sent time.Time) []receipt {
	story := []receipt{
		{at: sent, status: "sending", description: "Sending"},
		{at: sent.Add(time.Duration(d.between(1, 4)) * time.Second), status: "sent", description: "Sent to carrier"},
	}
	if d.chance(0.03) {
		return story
	}
	wait := d.within(3*time.Second, 90*time.Second)
	if d.chance(0.05) {
		wait = d.within(10*time.Minute, 20*time.Hour)
	}
	at := story[1].at.Add(wait).Truncate(time.Second)
	failed := pickWeighted(d, carrierErrors)
	failed.status = "failed"
	if d.chance(0.065) {
		failed.at = at
		return append(story, failed)
	}
	story = append(story, receipt{at: at, status: "delivered", description: "Delivered"})
	if d.chance(0.008) {
		failed.at = at.Add(d.within(time.Hour, 40*time.Hour)).Truncate(time.Second)
		story = append(story, failed)
	}
	return story
}

// current returns the receipt that holds at now. The message has been sent.
func (m *smsMessage) current(now time.Time) receipt {
	r := m.receipts[0]
	for _, next := range m.receipts[1:] {
		if reached(next.at, now) {
			r = next
		}
	}
	return r
}

// confirmed returns when the status was last confirmed by the carrier, zero if
// never.
func (m *smsMessage) confirmed(now time.Time) time.Time {
	if r := m.current(now); r.status == "delivered" || r.status == "failed" {
		return r.at
	}
	return time.Time{}
}
