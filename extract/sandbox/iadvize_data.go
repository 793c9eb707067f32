package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// conversation is the timeline of one iAdvize conversation.
type conversation struct {
	id       string
	project  *iaProject
	channel  string
	language *string
	created  time.Time // UTC, seconds
	closed   time.Time // UTC, seconds
	duration *string
	tags     []iaTag
	users    *[]iaUser

	score, nps     int32
	scoreAt, npsAt time.Time // zero: never answered
	revised        int32     // the score after revisedAt
	revisedAt      time.Time // zero: never
	comment        string
	commentAt      time.Time
	transactions   []transaction // by the time received
	createdText    string        // what the vendor sends for created
}

// The projects of the account. Pipelines ask for the first one; the others must
// not come back to a query that filters.
func iadvizeProjects() []*iaProject {
	return []*iaProject{{ID: 9999, Name: "Boutique en ligne"}, {ID: 4242, Name: "Store \"UK\""}}
}

var channelShares = []weighted[string]{
	{"CHAT", 600}, {"WHATSAPP", 90}, {"FACEBOOK_BUSINESS_ON_MESSENGER", 80}, {"APPLE_BUSINESS_CHAT", 50},
	{"CALL", 50}, {"SMS", 40}, {"INSTAGRAM", 30}, {"VIDEO", 15}, {"MOBILE_APP", 20}, {"TWITTER", 10},
	{"GOOGLE_BUSINESS_MESSAGES", 8}, {"FACEBOOK", 5},
	{"RCS", 2}, // the set is open
}

// asksCSAT and asksNPS say on which channels the questions are asked.
func asksCSAT(channel string) bool {
	return slices.Contains([]string{"CHAT", "FACEBOOK_BUSINESS_ON_MESSENGER", "APPLE_BUSINESS_CHAT", "WHATSAPP"}, channel)
}

func asksNPS(channel string) bool { return channel == "CHAT" }

// conversations generates every conversation, in the order of their close.
func (w *world) conversations() []*conversation {
	var all []*conversation
	projects := iadvizeProjects()
	for day := range w.days() {
		for i := range w.volume(day, "conversation", 60) {
			all = append(all, w.conversation(day, i, projects))
		}
	}
	slices.SortFunc(all, func(a, b *conversation) int {
		return cmp.Or(a.closed.Compare(b.closed), cmp.Compare(a.id, b.id))
	})
	return all
}

func (w *world) conversation(day time.Time, i int, projects []*iaProject) *conversation {
	d := w.roll("conversation", day.Format(time.DateOnly), i)
	c := &conversation{id: d.uuid(), project: projects[0], channel: pickWeighted(d, channelShares)}
	if d.chance(0.15) {
		c.project = projects[1]
	}
	c.created = w.moment(d, day).Truncate(time.Second)
	length := d.within(20*time.Second, 40*time.Minute).Truncate(time.Second)
	if d.chance(0.03) { // asynchronous channels stay open for days
		length = d.within(time.Hour, 60*time.Hour).Truncate(time.Second)
	}
	c.closed = c.created.Add(length)
	c.createdText = c.created.Format(time.RFC3339)
	c.duration = durationText(d, length)
	if d.chance(0.97) {
		c.language = ptr(pickWeighted(d, []weighted[string]{{"fr", 70}, {"en", 22}, {"de", 5}, {"pt-BR", 3}}))
	}
	for _, n := range d.Perm(len(tagNames))[:pickWeighted(d, []weighted[int]{{0, 40}, {1, 35}, {2, 18}, {4, 7}})] {
		c.tags = append(c.tags, iaTag{ID: graphql.ID(strconv.Itoa(1000 + n)), Name: tagNames[n]})
	}
	if d.chance(0.9) {
		c.users = &[]iaUser{{ID: int32(d.between(1, 40))}}
	}
	w.survey(d, c)
	w.transactions(d, c)
	if w.faults.has("dirty") && d.chance(0.02) {
		c.soil(d)
	}
	return c
}

// durationText writes a duration in the forms that the vendor's documents allow.
func durationText(d dice, length time.Duration) *string {
	s := int(length.Seconds())
	switch d.IntN(20) {
	case 0:
		return nil
	case 1, 2:
		return ptr(strconv.Itoa(s))
	case 3, 4, 5:
		return ptr(fmt.Sprintf("PT%dM%d.25S", s/60, s%60))
	case 6, 7, 8, 9:
		if s >= 3600 {
			return ptr(fmt.Sprintf("PT%dH%dM%dS", s/3600, s/60%60, s%60))
		}
		return ptr(fmt.Sprintf("PT%dM%dS", s/60, s%60))
	}
	return ptr(fmt.Sprintf("PT%dS", s))
}

// survey answers piecemeal: the score within minutes, the NPS within hours of it,
// the comment within hours of that. All is said 70 hours after the close.
func (w *world) survey(d dice, c *conversation) {
	if !asksCSAT(c.channel) || !d.chance(0.34) {
		return
	}
	delay := func(high time.Duration) time.Duration {
		if w.faults.has("late") && d.chance(0.5) {
			return d.within(20*time.Hour, 47*time.Hour)
		}
		return d.within(5*time.Second, high)
	}
	c.score = pickWeighted(d, []weighted[int32]{{5, 50}, {4, 24}, {3, 10}, {2, 6}, {1, 10}})
	c.scoreAt = c.closed.Add(delay(40 * time.Minute))
	if d.chance(0.02) {
		c.revised, c.revisedAt = 1+int32(d.IntN(5)), c.scoreAt.Add(d.within(time.Minute, 20*time.Hour))
	}
	if !asksNPS(c.channel) || !d.chance(0.8) {
		return
	}
	c.nps = min(10, max(0, c.score*2+int32(d.between(-2, 2))))
	c.npsAt = c.scoreAt.Add(afterthought(d, 8*time.Hour))
	if d.chance(0.4) {
		c.comment = pick(d, commentsFor(c.score))
		c.commentAt = c.npsAt.Add(afterthought(d, 14*time.Hour))
	}
}

// afterthought is a minute mostly, and hours one time in three.
func afterthought(d dice, longest time.Duration) time.Duration {
	if d.chance(0.35) {
		return time.Minute + time.Duration(d.Float64()*float64(longest-time.Minute))
	}
	return d.within(2*time.Second, time.Minute)
}

func commentsFor(score int32) []string {
	switch {
	case score >= 4:
		return happyComments
	case score <= 2:
		return sadComments
	}
	return plainComments
}

// soil gives the conversation one value that is none.
func (c *conversation) soil(d dice) {
	switch d.IntN(4) {
	case 0:
		c.score, c.scoreAt, c.revisedAt = 7, c.closed, time.Time{}
	case 1:
		c.score, c.scoreAt, c.revisedAt = 3, c.closed, time.Time{}
		c.nps, c.npsAt = -1, c.closed
	case 2:
		c.createdText = c.created.Format("2006") + "-13-45T25:61:00Z"
	case 3:
		c.duration = ptr("a while")
	}
}

// at returns what the vendor shows of the conversation at now, to a query whose
// interval ends at horizon: later transactions are hidden.
func (c *conversation) at(now, horizon time.Time) *iaConversation {
	v := &iaConversation{
		ID:        uuidText(c.id),
		CreatedAt: dateTime(c.createdText),
		Channel:   c.channel,
		Duration:  c.duration,
		Tags:      c.tags,
		Project:   c.project,
		Language:  c.language,
		Users:     c.users,
	}
	if v.Tags == nil {
		v.Tags = []iaTag{}
	}
	if reached(c.closed, now) {
		v.ClosedAt = ptr(dateTime(c.closed.Format(time.RFC3339)))
	}
	v.SatisfactionSurvey = c.surveyAt(now)
	v.Conversions = c.conversionsAt(now, horizon)
	return v
}

func (c *conversation) surveyAt(now time.Time) *iaSurvey {
	if !reached(c.scoreAt, now) {
		return nil
	}
	s := &iaSurvey{CustomerSatisfaction: ptr(c.score)}
	if reached(c.revisedAt, now) {
		s.CustomerSatisfaction = ptr(c.revised)
	}
	if reached(c.npsAt, now) {
		s.NetPromoterScore = ptr(c.nps)
	}
	if reached(c.commentAt, now) {
		s.Comment = ptr(c.comment)
	}
	return s
}

func (c *conversation) conversionsAt(now, horizon time.Time) *iaConversions {
	var shown []iaTransaction
	for _, t := range c.transactions {
		if s, ok := t.shown(now); ok && !t.received.After(horizon) {
			shown = append(shown, s)
		}
	}
	if shown == nil {
		return nil
	}
	return &iaConversions{Transactions: &shown}
}

func ptr[T any](v T) *T { return &v }
