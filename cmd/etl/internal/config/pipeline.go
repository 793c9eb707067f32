package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"nightjar/cmd/etl/internal/schedule"
)

// stream is what a source can be asked for.
type stream struct {
	source, name string
	uses         []string // the keys of a pipeline that mean something to it, beside those that all have
}

// streams lists every stream of every source.
func streams() []stream {
	return []stream{
		{"iadvize", "closed_conversations", []string{"lookback", "start", "window"}},
		{"aircall", "calls", []string{"settle", "full_every"}},
		{"volt", "waves", []string{"settle", "gap", "first_id", "budget"}},
		{"volt", "messages", []string{"settle"}},
		{"desk", "conversations", []string{"lookback", "start"}},
		{"clientloop", "idv_sessions", []string{"contacts", "contacts_query", "retry_unknown"}},
	}
}

// streamsOf names the streams of a source; nil where there is no such source.
func streamsOf(source string) []string {
	var all []string
	for _, s := range streams() {
		if s.source == source {
			all = append(all, s.name)
		}
	}
	return all
}

// sourceNames lists the sources in the order of streams.
func sourceNames() []string {
	var all []string
	for _, s := range streams() {
		all = append(all, s.source)
	}
	return slices.Compact(all)
}

// entry is a pipeline and where the file gives each of its keys.
type entry struct {
	field
	Pipeline
	given map[string]field
}

// pipelineKeys are the keys of a pipeline, in the order in which they are read.
func (l *loader) pipelineKeys() []key[Pipeline] {
	return []key[Pipeline]{
		scalarKey("name", "conversations", func(p *Pipeline) *string { return &p.Name }, checkedText("a name such as conversations", parseName)),
		scalarKey("source", "iadvize", func(p *Pipeline) *string { return &p.Source }, textForm("a source such as iadvize")),
		scalarKey("stream", "closed_conversations", func(p *Pipeline) *string { return &p.Stream }, textForm("a stream such as closed_conversations")),
		{name: "schedule", example: `"15 2 * * *"`, read: readSchedule},
		scalarKey("enabled", "", func(p *Pipeline) *bool { return &p.Enabled }, boolForm()),
		scalarKey("lookback", "", func(p *Pipeline) *time.Duration { return &p.Lookback }, within(durationForm(), "1m", "3650d")),
		scalarKey("settle", "", func(p *Pipeline) *time.Duration { return &p.Settle }, within(durationForm(), "1m", "3650d")),
		scalarKey("start", "", func(p *Pipeline) *time.Time { return &p.Start }, dayForm(l.config.Timezone)),
		scalarKey("window", "", func(p *Pipeline) *time.Duration { return &p.Window }, within(durationForm(), "1h", "3650d")),
		scalarKey("gap", "", func(p *Pipeline) *int { return &p.Gap }, within(integerForm[int](1), "1", "1000000")),
		scalarKey("first_id", "", func(p *Pipeline) *int64 { return &p.FirstID }, within(integerForm[int64](1), "1", "1000000000000000")),
		scalarKey("budget", "", func(p *Pipeline) *int { return &p.Budget }, integerForm[int](0)),
		scalarKey("full_every", "", func(p *Pipeline) *int { return &p.FullEvery }, within(integerForm[int](0), "0", "366")),
		listKey("contacts", "", func(p *Pipeline) *[]string { return &p.Contacts }, textForm("the id of a contact")),
		scalarKey("contacts_query", "", func(p *Pipeline) *string { return &p.ContactsQuery }, textForm("a SELECT that returns contact ids")),
		scalarKey("retry_unknown", "", func(p *Pipeline) *time.Duration { return &p.RetryUnknown }, durationForm()),
		scalarKey("partition", "", func(p *Pipeline) *Partition { return &p.Partition }, choiceForm(ByMonth, ByDay)),
		scalarKey("schema", "", func(p *Pipeline) *Drift { return &p.Schema }, choiceForm(Evolve, Freeze)),
	}
}

func readSchedule(f field, p *Pipeline) {
	spec, ok := f.scalar(`five fields such as "15 2 * * *"`, []string{"!!str"})
	if !ok {
		return
	}
	parsed, err := schedule.Parse(spec, f.config.Timezone)
	if err != nil {
		f.problem("%s", verbatim(err.Error()))
		return
	}
	p.Spec, p.Schedule = spec, parsed
}

// readPipelines reads every entry and notes which sources the enabled ones use.
func readPipelines(f field, c *Config) {
	if f.node.Kind != yaml.SequenceNode || len(f.node.Content) == 0 {
		f.problem("lists no pipeline; want at least one, with its name, source, stream and schedule")
		return
	}
	for i, node := range f.node.Content {
		e := readPipeline(f.child(node, node.Line, fmt.Sprintf("pipelines[%d]", i)))
		if e.Enabled && e.Source != "" && !f.local {
			f.users[e.Source] = append(f.users[e.Source], e.Name)
		}
		f.pipelines = append(f.pipelines, e)
	}
}

// readPipeline reads one entry over the defaults. Whether it is enabled is looked
// up first, because that decides whether its variables have to be set.
func readPipeline(f field) *entry {
	f.idle = f.peek("enabled") == "false"
	f.needed = []string{f.peek("name")}
	e := &entry{field: f, Pipeline: defaults().pipeline}
	e.Line = f.line
	e.given = readMapping(f, &e.Pipeline, f.pipelineKeys())
	return e
}

// peek returns the text of the key name of f, without judging it.
func (f field) peek(name string) string {
	if f.node.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		if f.node.Content[i].Value == name {
			e, _ := expand(f.child(f.node.Content[i+1], 0, "").node.Value, f.env)
			return e.text
		}
	}
	return ""
}

// check judges the pipelines against their streams, the sources and each other.
func (l *loader) check() {
	for i, e := range l.pipelines {
		if s := e.knownStream(); s != nil {
			e.checkSettings(*s)
			e.Settle = cmp.Or(e.Settle, defaults().settle[s.name])
			e.Pipeline = only(e.Pipeline, s.uses)
		}
		for _, other := range l.pipelines[:i] {
			e.checkBeside(other)
		}
		l.config.Pipelines = append(l.config.Pipelines, e.Pipeline)
	}
}

// knownStream finds the entry's stream, or reports why there is none.
func (e *entry) knownStream() *stream {
	if e.Source == "" || e.Stream == "" {
		return nil
	}
	known := streamsOf(e.Source)
	if known == nil {
		e.given["source"].problem("%s: unknown source; %s", quoted(e.Source), wantOneOf(sourceNames()))
		return nil
	}
	if e.Enabled && !slices.Contains(e.described, e.Source) {
		e.given["source"].problem("%s: sources does not describe it; want sources.%s with its endpoint and credentials", quoted(e.Source), e.Source)
	}
	for _, s := range streams() {
		if s.source == e.Source && s.name == e.Stream {
			return &s
		}
	}
	e.given["stream"].problem("%s: unknown stream of %s; %s", quoted(e.Stream), e.Source, wantOneOf(known))
	return nil
}

// checkSettings reports settings that the stream does not use, and those that it
// cannot do without.
func (e *entry) checkSettings(s stream) {
	for _, name := range settings() {
		if value, ok := e.given[name]; ok && !slices.Contains(s.uses, name) {
			value.problem("means nothing to stream %s; remove it (%s)", s.name, whoUses(name))
		}
	}
	has := func(name string) bool { _, ok := e.given[name]; return ok }
	switch {
	case has("contacts") && has("contacts_query"):
		e.given["contacts_query"].problem("stands beside contacts; want one of the two")
	case !e.Enabled:
	case s.name == "closed_conversations" && !has("start"):
		e.problem("start is missing; want the first day to ask for, such as start: 2025-01-01")
	case s.name == "idv_sessions" && !has("contacts") && !has("contacts_query"):
		e.problem("contacts is missing; want contacts: [\"abc123\"], or contacts_query: a SELECT that returns contact ids")
	}
}

// checkBeside reports what cannot stand beside an earlier entry.
func (e *entry) checkBeside(other *entry) {
	if e.Name != "" && e.Name == other.Name {
		e.given["name"].problem("%s: the pipeline on line %d has this name; want another", quoted(e.Name), other.Line)
	}
	same := e.Source == other.Source && e.Stream == other.Stream && e.Stream != ""
	if same && e.Enabled && other.Enabled {
		e.given["stream"].problem("%s of %s: the pipeline on line %d loads it; want one enabled pipeline for a stream",
			quoted(e.Stream), quoted(e.Source), other.Line)
	}
}

// settings names the keys that only some streams use.
func settings() []string {
	var all []string
	for _, s := range streams() {
		all = append(all, s.uses...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// whoUses is "closed_conversations and conversations use it".
func whoUses(setting string) string {
	var users []string
	for _, s := range streams() {
		if slices.Contains(s.uses, setting) {
			users = append(users, s.name)
		}
	}
	last := len(users) - 1
	if last == 0 {
		return "only " + users[0] + " uses it"
	}
	return "only " + strings.Join(users[:last], ", ") + " and " + users[last] + " use it"
}

// only returns p without the settings that its stream does not use: they are
// defaults that would mislead.
func only(p Pipeline, uses []string) Pipeline {
	kept := p
	kept.Lookback, kept.Settle, kept.Start, kept.Window = 0, 0, time.Time{}, 0
	kept.Gap, kept.FirstID, kept.Budget, kept.FullEvery = 0, 0, 0, 0
	for _, name := range uses {
		switch name {
		case "lookback":
			kept.Lookback = p.Lookback
		case "settle":
			kept.Settle = p.Settle
		case "start":
			kept.Start = p.Start
		case "window":
			kept.Window = p.Window
		case "gap":
			kept.Gap = p.Gap
		case "first_id":
			kept.FirstID = p.FirstID
		case "budget":
			kept.Budget = p.Budget
		case "full_every":
			kept.FullEvery = p.FullEvery
		}
	}
	return kept
}
