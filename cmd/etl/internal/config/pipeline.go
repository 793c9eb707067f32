package config

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"nightjar/cmd/etl/internal/schedule"
)

// streamsOf names the streams of a source; nil where there is no such source.
func streamsOf(source string) []string {
	for _, v := range vendors() {
		if v.name == source {
			return v.streams
		}
	}
	return nil
}

// sourceNames lists the sources in the order of vendors, streamNames their streams.
func sourceNames() []string { return names(sourceKeys()) }

func streamNames() []string {
	var all []string
	for _, v := range vendors() {
		all = append(all, v.streams...)
	}
	return all
}

// entry is a pipeline and where the file gives each of its keys.
type entry struct {
	field
	Pipeline
	given map[string]field
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

// readPipeline reads one entry over its defaults. Its stream is looked up first,
// because that decides what they are, and whether it is enabled, because that
// decides whether its variables have to be set.
func readPipeline(f field) *entry {
	f.idle = f.peek("enabled") == "false"
	f.needed = []string{f.peek("name")}
	e := &entry{field: f, Pipeline: Pipeline{Line: f.line}}
	fill(&e.Pipeline, usedBy(f.peek("stream")))
	e.given = readMapping(f, &e.Pipeline, pipelineKeys())
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
		if e.knownStream() {
			e.checkSettings()
		}
		for _, other := range l.pipelines[:i] {
			e.checkBeside(other)
		}
		e.checkOrder(l.pipelines)
		l.config.Pipelines = append(l.config.Pipelines, e.Pipeline)
	}
}

// checkOrder reports pipelines that the entry depends on and that are not there, or that
// depend on it.
func (e *entry) checkOrder(all []*entry) {
	named := func(name string) *entry {
		if i := slices.IndexFunc(all, func(o *entry) bool { return o.Name == name }); i >= 0 {
			return all[i]
		}
		return nil
	}
	var leads func(from *entry, seen []string) bool
	leads = func(from *entry, seen []string) bool {
		return slices.ContainsFunc(from.DependsOn, func(name string) bool {
			next := named(name)
			return name == e.Name || next != nil && !slices.Contains(seen, name) && leads(next, append(seen, name))
		})
	}
	for _, name := range e.DependsOn {
		switch next := named(name); {
		case next == nil:
			e.given["depends_on"].problem("%s: there is no such pipeline; %s", quoted(name), wantOneOf(namesOf(all)))
		case next == e:
			e.given["depends_on"].problem("%s cannot depend on itself", quoted(name))
		case leads(next, []string{name}):
			e.given["depends_on"].problem("%s depends on %s in turn; want an order", quoted(name), quoted(e.Name))
		}
	}
}

func namesOf(all []*entry) []string {
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	return names
}

// knownStream reports whether the entry's stream is one, and says so where it is
// not.
func (e *entry) knownStream() bool {
	if e.Source == "" || e.Stream == "" {
		return false
	}
	known := streamsOf(e.Source)
	if known == nil {
		e.given["source"].problem("%s: unknown source; %s", quoted(e.Source), wantOneOf(sourceNames()))
		return false
	}
	if e.Enabled && !slices.Contains(e.described, e.Source) {
		e.given["source"].problem("%s: sources does not describe it; want sources.%s with its endpoint and credentials", quoted(e.Source), e.Source)
	}
	if !slices.Contains(known, e.Stream) {
		e.given["stream"].problem("%s: unknown stream of %s; %s", quoted(e.Stream), e.Source, wantOneOf(known))
		return false
	}
	return true
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
