package config

import (
	"errors"
	"fmt"
	"time"

	"nightjar/cmd/etl/internal/budget"
	"nightjar/cmd/etl/internal/schedule"
)

// topKeys are the keys of the file, in the order in which they are read: the
// zone before the days that begin in it, the pipelines before the sources that
// they need.
func topKeys() []key[Config] {
	return []key[Config]{
		{name: "version", example: "1", about: "The version of this format.",
			slot: slot[Config]{read: func(f field, _ *Config) { read(f, new(int), versionForm()) }, schema: versionForm().schema}},
		{name: "timezone", example: "Europe/Paris", about: "The IANA time zone whose midnights bound the business days.",
			slot: slot[Config]{read: readZone, schema: func() object { return append(textForm("").definition(), member{"not", is("Local")}) }}},
		{name: "warehouse", preset: "./warehouse",
			about: "The directory of the Parquet files, the DuckDB database and the landing zone; relative to the working directory.",
			slot:  one(func(c *Config) *string { return &c.Warehouse }, textForm("a directory such as ./warehouse"))},
		{name: "memory", preset: fmt.Sprintf("%dMB", budget.Default/1e6),
			about: "What the process may take of the machine's memory; a container's limit is respected too. What does not fit goes to scratch files.",
			slot:  one(func(c *Config) *int64 { return &c.Memory }, within(sizeForm(), fmt.Sprintf("%dMB", budget.Floor/1e6), "1000GB"))},
		{name: "pipelines", example: "a list", about: "What is exported, one stream an entry.",
			slot: slot[Config]{read: readPipelines, section: true, schema: func() object { return listOf(refer("pipeline")) }}},
		{name: "sources", example: "a mapping", about: "The vendors: where they are and how to sign in.",
			slot: slot[Config]{read: readSources, section: true, schema: func() object { return mapping(sourceKeys(), false) }}},
		{name: "publish", about: "When a run may replace what readers see.",
			slot: below(func(c *Config) *Publish { return &c.Publish }, publishKeys())},
		{name: "rerun", about: "When the scheduler runs a pipeline again that failed or was interrupted.",
			slot: below(func(c *Config) *Rerun { return &c.Rerun }, rerunKeys())},
		{name: "catch_up", preset: "latest",
			about: "What the scheduler makes of nights in which it did not run: latest, one run over the gap; each, a run for each of them; none, the next night asks for what they lack.",
			slot:  one(func(c *Config) *CatchUp { return &c.CatchUp }, choiceForm(CatchUpLatest, CatchUpEach, CatchUpNone))},
		{name: "readers", about: "Who may read what is published, beside the user who runs the program. The landing zone stays that user's alone.",
			slot: below(func(c *Config) *Readers { return &c.Readers }, readersKeys())},
		{name: "marts", about: "What the definitions of the marts leave open.",
			slot: below(func(c *Config) *Marts { return &c.Marts }, martsKeys())},
	}
}

func versionForm() form[int] {
	return form[int]{want: "1", tags: []string{"!!int"}, literals: []object{is(1)}, parse: func(text string) (int, error) {
		if text != "1" {
			return 0, errors.New("not a version that this program reads; want 1")
		}
		return 1, nil
	}}
}

func readZone(f field, c *Config) {
	name, ok := f.scalar("an IANA time zone such as Europe/Paris", []string{"!!str"})
	if !ok {
		return
	}
	loc, err := schedule.Zone(name)
	if err != nil {
		f.problem("%s", verbatim(err.Error()))
		return
	}
	c.Timezone = loc
}

func publishKeys() []key[Publish] {
	return []key[Publish]{
		{name: "keep", preset: "3", about: "Generations kept.",
			slot: one(func(p *Publish) *int { return &p.Keep }, within(integerForm[int](1), "1", "3660"))},
		{name: "max_drop", preset: "50%",
			about: "The share of a table's rows that may be missing where there were some before, and of a column's values that may have turned null in records that came again, where there were a hundred; a run that loses more is held.",
			slot:  one(func(p *Publish) *float64 { return &p.MaxDrop }, shareForm())},
		{name: "max_rejects", preset: "0.1%",
			about: "The share of the records fetched that may be rejected, a rejected page with all its records; a run with more is held.",
			slot:  one(func(p *Publish) *float64 { return &p.MaxRejects }, shareForm())},
		{name: "window", preset: "1h",
			about: "How long after its first pipeline is due a night takes others in, so that they are published together. Each is asked for at its own time.",
			slot:  one(func(p *Publish) *time.Duration { return &p.Window }, within(durationForm(), "1s", "24h"))},
	}
}

func rerunKeys() []key[Rerun] {
	return []key[Rerun]{
		{name: "delay", preset: "10m", about: "How long before a pipeline that failed is run again; twice as long before each further time, an hour at the most.",
			slot: one(func(r *Rerun) *time.Duration { return &r.Delay }, within(durationForm(), "1s", "24h"))},
		{name: "for", preset: "6h", about: "How long after its time a pipeline is run again for that night.",
			slot: one(func(r *Rerun) *time.Duration { return &r.For }, within(durationForm(), "1s", "7d"))},
	}
}

func readersKeys() []key[Readers] {
	return []key[Readers]{
		{name: "group", example: "bi", about: "A group of this machine, by name or number.",
			slot: one(func(r *Readers) *string { return &r.Group }, textForm("the name of a group of this machine, such as bi"))},
	}
}

func martsKeys() []key[Marts] {
	channel := patternForm("a channel such as CHAT", `^[A-Z0-9_]+$`, "not a channel; want the vendor's own word for it, such as CHAT or WHATSAPP")
	return []key[Marts]{
		{name: "csat_channels", preset: "[CHAT, FACEBOOK_BUSINESS_ON_MESSENGER, APPLE_BUSINESS_CHAT, WHATSAPP]", about: "Channels on which satisfaction is asked.",
			slot: many(func(m *Marts) *[]string { return &m.CSATChannels }, channel)},
		{name: "nps_channels", preset: "[CHAT]", about: "Channels on which NPS is asked.",
			slot: many(func(m *Marts) *[]string { return &m.NPSChannels }, channel)},
	}
}
