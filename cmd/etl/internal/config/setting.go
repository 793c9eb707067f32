package config

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// pipelineKeys are the keys of a pipeline, in the order in which they are read.
func pipelineKeys() []key[Pipeline] {
	first := []key[Pipeline]{
		{name: "name", example: "conversations", about: "What commands and reports call it; unique in the file.",
			slot: one(func(p *Pipeline) *string { return &p.Name },
				patternForm("a name such as conversations", `^[a-z0-9][a-z0-9_-]*$`, "not a name; want lower-case letters, digits, _ and -, such as conversations"))},
		{name: "source", example: "iadvize", about: "One of the sources above.",
			slot: one(func(p *Pipeline) *string { return &p.Source }, nameForm("a source such as iadvize", sourceNames()))},
		{name: "stream", example: "closed_conversations", about: "What to ask the source for. One enabled pipeline for a stream.",
			slot: one(func(p *Pipeline) *string { return &p.Stream }, nameForm("a stream such as closed_conversations", streamNames()))},
		{name: "schedule", example: `"15 2 * * *"`,
			about: "A cron line of five fields (minute, hour, day of month, month, day of week) in the time zone of the file or after CRON_TZ=<zone>, or @daily, @hourly, @every 6h.",
			slot:  slot[Pipeline]{read: readSchedule, schema: textForm("").schema}},
		{name: "enabled", preset: "true", about: "Whether it runs. What only disabled pipelines need may be unset.",
			slot: one(func(p *Pipeline) *bool { return &p.Enabled }, boolForm())},
	}
	last := []key[Pipeline]{
		{name: "depends_on", about: "Pipelines of this file that are walked before it, where they are due in the same night.",
			slot: many(func(p *Pipeline) *[]string { return &p.DependsOn }, textForm("the name of a pipeline of this file"))},
		{name: "partition", preset: "month", about: "The width of a Parquet partition.",
			slot: one(func(p *Pipeline) *Partition { return &p.Partition }, choiceForm(ByMonth, ByDay))},
		{name: "schema", preset: "evolve",
			about: "What a run does when the vendor's schema no longer fits the queries: evolve reports it and goes on, and the columns of a field that is gone keep what they last held; freeze fails the run before it asks.",
			slot:  one(func(p *Pipeline) *Drift { return &p.Schema }, choiceForm(Evolve, Freeze))},
	}
	return slices.Concat(first, settings(), last)
}

// settings are the keys that only some streams use.
func settings() []key[Pipeline] {
	return append(intervals(), []key[Pipeline]{
		{name: "gap", streams: []string{"waves"}, preset: "500",
			about: "Absent wave ids in a row that end the walk.",
			slot:  one(func(p *Pipeline) *int { return &p.Gap }, within(integerForm[int](1), "1", "1000000"))},
		{name: "first_id", streams: []string{"waves"}, preset: "1",
			about: "The wave id at which the walk begins.",
			slot:  one(func(p *Pipeline) *int64 { return &p.FirstID }, within(integerForm[int64](1), "1", "1000000000000000"))},
		{name: "budget", streams: []string{"waves"}, preset: "0",
			about: "The most requests of one walk over wave ids; 0 is no limit.",
			slot:  one(func(p *Pipeline) *int { return &p.Budget }, integerForm[int](0))},
		{name: "full_every", streams: []string{"calls"}, preset: "1",
			about: "Nights between two full sweeps where the vendor's order is proven newest first; 0 or 1: every night is full.",
			slot:  one(func(p *Pipeline) *int { return &p.FullEvery }, within(integerForm[int](0), "0", "366"))},
		{name: "contacts", streams: []string{"idv_sessions"},
			about:  "The contacts to have a session each. Or use contacts_query.",
			slot:   many(func(p *Pipeline) *[]string { return &p.Contacts }, textForm("the id of a contact")),
			needed: need{"idv_sessions", `contacts: ["abc123"], or contacts_query: a SELECT that returns contact ids`}},
		{name: "contacts_query", streams: []string{"idv_sessions"},
			about:   "A SELECT over the warehouse that returns the ids of the contacts to have a session each.",
			slot:    one(func(p *Pipeline) *string { return &p.ContactsQuery }, textForm("a SELECT that returns contact ids")),
			instead: "contacts"},
		{name: "retry_unknown", streams: []string{"idv_sessions"},
			about: "After how long a request for a session may be repeated of which nobody knows whether it made one. Absent: never.",
			slot:  one(func(p *Pipeline) *time.Duration { return &p.RetryUnknown }, durationForm())},
	}...)
}

// intervals are the settings of what is asked for by time.
func intervals() []key[Pipeline] {
	return []key[Pipeline]{
		{name: "lookback", streams: []string{"closed_conversations", "conversations"}, preset: "72h",
			about: "How long after its close a record may still change: each run asks for that long again.",
			slot:  one(func(p *Pipeline) *time.Duration { return &p.Lookback }, within(durationForm(), "1m", "3650d"))},
		{name: "settle", streams: []string{"calls", "waves", "messages"}, preset: "7d",
			about:   "How long after its time a call, a wave or a message may still change.",
			slot:    one(func(p *Pipeline) *time.Duration { return &p.Settle }, within(durationForm(), "1m", "3650d")),
			presets: map[string]string{"calls": "3d"}},
		{name: "start", streams: []string{"closed_conversations", "conversations"},
			about: "The first business day asked for. An earlier one fetches what lies before; a later one leaves in the tables what is there.",
			slot: slot[Pipeline]{schema: dayForm(nil).schema,
				read: func(f field, p *Pipeline) { read(f, &p.Start, dayForm(f.config.Timezone)) }},
			needed: need{"closed_conversations", "the first day to ask for, such as start: 2025-01-01"}},
		{name: "window", streams: []string{"closed_conversations"}, preset: "24h",
			about: "The width of one window of the walk. 24h, the default, leaves the cut to the program: one window a night, months where a stretch is long. Other whole days are business days.",
			slot:  one(func(p *Pipeline) *time.Duration { return &p.Window }, within(durationForm(), "1h", "3650d"))},
	}
}

// usedBy returns the keys of a pipeline that mean something to a stream, with its
// own presets.
func usedBy(stream string) []key[Pipeline] {
	var used []key[Pipeline]
	for _, k := range pipelineKeys() {
		if k.streams == nil || slices.Contains(k.streams, stream) {
			k.preset = cmp.Or(k.presets[stream], k.preset)
			used = append(used, k)
		}
	}
	return used
}

// checkSettings reports settings that the stream does not use, and those that it
// cannot do without.
func (e *entry) checkSettings() {
	all := settings()
	slices.SortFunc(all, func(a, b key[Pipeline]) int { return cmp.Compare(a.name, b.name) })
	for _, k := range all {
		if value, ok := e.given[k.name]; ok && !slices.Contains(k.streams, e.Stream) {
			value.problem("means nothing to stream %s; remove it (%s)", e.Stream, onlyUsedBy(k.streams))
		}
	}
	has := func(name string) bool { _, ok := e.given[name]; return ok }
	for _, k := range all {
		stands := func(other key[Pipeline]) bool { return other.instead == k.name && has(other.name) }
		switch {
		case has(k.name) && has(k.instead):
			e.given[k.name].problem("stands beside %s; want one of the two", k.instead)
		case e.Enabled && k.needed.stream == e.Stream && !has(k.name) && !slices.ContainsFunc(all, stands):
			e.problem("%s is missing; want %s", k.name, k.needed.want)
		}
	}
}

// onlyUsedBy is "only closed_conversations and conversations use it".
func onlyUsedBy(streams []string) string {
	last := len(streams) - 1
	if last == 0 {
		return "only " + streams[0] + " uses it"
	}
	return "only " + strings.Join(streams[:last], ", ") + " and " + streams[last] + " use it"
}
