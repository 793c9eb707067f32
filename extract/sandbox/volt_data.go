package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// voltAccount is one sending account of the organisation.
type voltAccount struct {
	id, name, phone string
	number          int
}

// voltAccounts are the organisation's accounts. Pipelines read the inbox of the
// first one; waves are visible whatever their account.
func voltAccounts() []*voltAccount {
	return []*voltAccount{
		{id: "acc_1", name: "Nightjar Paris", phone: "+10003334444", number: 1},
		{id: "acc_2", name: "Nightjar London", phone: "+10005556666", number: 2},
	}
}

// voltContact is a person as one account knows them.
type voltContact struct {
	person
	id       string
	account  *voltAccount
	messages []*smsMessage // by time
}

// smsWave is the timeline of one wave.
type smsWave struct {
	id        int64
	account   *voltAccount
	kind      string
	name      string
	body      string
	sentBy    string
	media     []string
	lists     *[]string
	created   time.Time // when it became visible
	scheduled time.Time
	messages  []*smsMessage
	total     int // recipients
	dirty     bool
}

// smsMessage is the timeline of one message.
type smsMessage struct {
	id       int64
	legacy   string
	contact  *voltContact
	wave     *smsWave // nil where it belongs to none
	inbound  bool
	body     string
	sent     time.Time
	receipts []receipt // by time
	form     int       // how its times are written
	dirty    bool
}

// voltState is all that ever happens at Volt.
type voltState struct {
	contacts map[string]map[string]*voltContact // account phone, contact phone
	waves    []*smsWave                         // by id
	messages []*smsMessage                      // by id, which is by time
}

// voltState generates the waves, the messages and the replies.
func (w *world) voltState() *voltState {
	s := &voltState{contacts: map[string]map[string]*voltContact{}}
	accounts := voltAccounts()
	for _, a := range accounts {
		s.contacts[a.phone] = map[string]*voltContact{}
	}
	s.waves = w.waves(accounts)
	for _, wave := range s.waves {
		s.send(w, wave)
	}
	for day := range w.days() {
		for i := range w.volume(day, "single message", 6) {
			d := w.roll("single message", day.Format(time.DateOnly), i)
			among := w.people()
			if d.chance(0.5) {
				among = 3 // a few people write all the time
			}
			contact := s.contact(w, pick(d, accounts), d.IntN(among))
			s.add(w, d, &smsMessage{contact: contact, body: pick(d, waveBodies), sent: w.moment(d, day).Truncate(time.Second)})
		}
	}
	s.number()
	return s
}

// waves generates the waves without their messages: mostly on weekdays, ids
// ascending with gaps.
func (w *world) waves(accounts []*voltAccount) []*smsWave {
	var days []time.Time
	for day := range w.days() {
		if day.Weekday() != time.Sunday {
			days = append(days, day)
		}
	}
	all := make([]*smsWave, 0, w.opt.Waves)
	for i := range w.opt.Waves {
		day := days[i*len(days)/w.opt.Waves]
		d := w.roll("wave", i)
		all = append(all, w.wave(d, day, i, accounts))
	}
	if running := all[len(all)/2]; len(all) > 1 { // one wave is always under way at the end of the past
		running.kind, running.account, running.total = "account", accounts[0], min(w.people(), 2*w.opt.WaveSize)
		running.lists = nil
		running.scheduled = w.opt.End.UTC().Add(-5 * time.Minute).Truncate(time.Minute)
		running.created = running.scheduled.Add(-26 * time.Hour)
	}
	slices.SortStableFunc(all, func(a, b *smsWave) int { return a.scheduled.Compare(b.scheduled) })
	id := w.opt.FirstWave
	for i, wave := range all {
		if w.faults.has("far-waves") && i == len(all)/2 {
			id += 100_000
		}
		wave.id = id
		d := w.roll("wave gap", i)
		id += 1 + pickWeighted(d, []weighted[int64]{{0, 55}, {int64(d.between(1, 6)), 30}, {int64(d.between(10, 60)), 12}, {int64(d.between(100, 300)), 3}})
	}
	return all
}

func (w *world) wave(d dice, day time.Time, i int, accounts []*voltAccount) *smsWave {
	v := &smsWave{
		account: accounts[0],
		kind:    pickWeighted(d, []weighted[string]{{"group", 60}, {"account", 30}, {"contact", 10}}),
		name:    fmt.Sprintf("%s #%d", pick(d, waveNames), i+1),
		body:    pick(d, waveBodies),
		sentBy:  pick(d, firstNames) + " " + pick(d, lastNames),
		media:   []string{},
	}
	if d.chance(0.15) {
		v.account = accounts[1]
	}
	if d.chance(0.2) {
		v.media = append(v.media, fmt.Sprintf("https://media.example.com/%d/promo image.png", i), "https://media.example.com/logo.png")
	}
	if v.kind == "group" {
		n := d.between(1, 3)
		lists := make([]string, n)
		for j, k := range d.Perm(len(listNames))[:n] {
			lists[j] = listNames[k]
		}
		v.lists = &lists
	}
	v.scheduled = w.moment(d, day).Truncate(time.Minute)
	v.created = v.scheduled.Add(-d.within(time.Hour, 72*time.Hour))
	v.total = min(w.people(), max(1, int(float64(w.opt.WaveSize)*(0.4+1.2*d.Float64()))))
	switch {
	case v.kind == "contact":
		v.total = 1
	case d.chance(0.03): // sent to a list that is empty
		v.total = 0
	}
	v.dirty = w.faults.has("dirty") && d.chance(0.05)
	return v
}

// send generates the messages of a wave: one every few seconds.
func (s *voltState) send(w *world, wave *smsWave) {
	d := w.roll("wave messages", wave.id)
	at := wave.scheduled
	for _, n := range sample(d, w.people(), wave.total) {
		at = at.Add(time.Duration(d.between(1, 12)) * time.Second)
		s.add(w, d, &smsMessage{contact: s.contact(w, wave.account, n), wave: wave, body: wave.body, sent: at})
	}
}

// sample returns k different numbers below n, in random order.
func sample(d dice, n, k int) []int {
	if k*4 > n {
		return d.Perm(n)[:k]
	}
	seen, out := map[int]bool{}, make([]int, 0, k)
	for len(out) < k {
		if x := d.IntN(n); !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}

// contact returns the n-th person as the account knows them.
func (s *voltState) contact(w *world, a *voltAccount, n int) *voltContact {
	p := w.person(n)
	c := s.contacts[a.phone][p.phone]
	if c == nil {
		c = &voltContact{person: p, account: a, id: strconv.Itoa(a.number*10_000_000 + n)}
		s.contacts[a.phone][p.phone] = c
	}
	return c
}

// add lets the message meet its fate, and its reader reply now and then.
func (s *voltState) add(w *world, d dice, m *smsMessage) {
	m.legacy = d.uuid()
	m.form = d.IntN(6)
	m.dirty = w.faults.has("dirty") && d.chance(0.01)
	m.receipts = fate(d, m.sent)
	s.file(m)
	if m.receipts[len(m.receipts)-1].status != "delivered" || !d.chance(0.06) {
		return
	}
	at := m.sent.Add(d.within(2*time.Minute, 9*time.Hour)).Truncate(time.Second)
	s.file(&smsMessage{
		legacy: d.uuid(), contact: m.contact, inbound: true, body: pick(d, replyBodies), sent: at, form: m.form,
		receipts: []receipt{{at: at, status: "delivered", description: "Received"}},
	})
}

func (s *voltState) file(m *smsMessage) {
	s.messages = append(s.messages, m)
	m.contact.messages = append(m.contact.messages, m)
	if m.wave != nil {
		m.wave.messages = append(m.wave.messages, m)
	}
}

// number gives every message its id, in the order of time, and puts what holds
// messages into that order.
func (s *voltState) number() {
	byTime := func(a, b *smsMessage) int { return cmp.Or(a.sent.Compare(b.sent), cmp.Compare(a.legacy, b.legacy)) }
	slices.SortFunc(s.messages, byTime)
	for i, m := range s.messages {
		m.id = 500_000 + 3*int64(i)
	}
	for _, contacts := range s.contacts {
		for _, c := range contacts {
			slices.SortFunc(c.messages, func(a, b *smsMessage) int { return cmp.Compare(a.id, b.id) })
		}
	}
}

// count returns how many of the wave's messages have the status at now.
func (v *smsWave) count(status string, now time.Time) int32 {
	n := 0
	for _, m := range v.messages {
		if reached(m.sent, now) && m.current(now).status == status {
			n++
		}
	}
	return int32(min(n, math.MaxInt32))
}
