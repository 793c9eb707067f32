// Package config turns pipelines.yaml into plain values. It is strict: unknown
// keys, wrong types, unset variables of an enabled pipeline, bad cron lines, bad
// zones and duplicate names are all reported in one go, each with its line and
// with what would be right.
package config

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"nightjar/load/ref"
)

// Config is a checked pipelines.yaml. Every default is filled in.
type Config struct {
	Path      string         // the file it was read from
	Timezone  *time.Location // business days
	Warehouse string         // directory, relative to the working directory or absolute
	Memory    int64          // bytes that the process may take, at least budget.Floor
	Sources   Sources
	Pipelines []Pipeline // in the order of the file, disabled ones included
	Publish   Publish
	Rerun     Rerun
	CatchUp   CatchUp // what the scheduler makes of the nights in which it did not run
	Readers   Readers
	Marts     Marts
	Warnings  []Problem // what is not wrong and had better be otherwise, by line
}

// Warned lists the warnings as a ValidationError lists what is wrong.
func (c *Config) Warned() []string {
	return lines(c.Path, c.Warnings)
}

// Pipeline is one entry of pipelines. A key that its stream does not use is an
// error of the file, so that what is set here is meant.
type Pipeline struct {
	Name     string
	Source   string        // "iadvize"
	Stream   string        // "closed_conversations"
	Spec     string        // the cron line as written
	Schedule cron.Schedule // Spec in the business time zone, or in the zone of its own CRON_TZ=
	Enabled  bool
	Line     int // of the entry in the file

	Lookback      time.Duration // how long after its close a record may still change (closed_conversations, conversations)
	Settle        time.Duration // how long after its time a call, a wave or a message may still change
	Start         time.Time     // first business day ever asked for: midnight in Timezone; zero where the stream has no interval
	Window        time.Duration // width of a window; 24h means a business day
	Gap           int           // waves: absent ids in a row that end the walk
	FirstID       int64         // waves: where the walk begins
	Budget        int           // waves: most requests of one walk; zero is no limit
	FullEvery     int           // calls: nights between full sweeps where newest-first is proven; zero or one: every night is full
	Contacts      []string      // idv_sessions
	ContactsQuery string        // idv_sessions: SQL over the warehouse that returns contact ids
	RetryUnknown  time.Duration // idv_sessions: after how long a request whose outcome is unknown may be repeated; zero is never
	DependsOn     []string      // pipelines that walk before it, where they are due in the same night
	Partition     Partition
	Schema        Drift
}

// Partition is the width of a Parquet partition.
type Partition string

const (
	ByMonth Partition = "month"
	ByDay   Partition = "day"
)

// Drift is what a run does when the vendor's schema no longer fits the queries.
type Drift string

const (
	Evolve Drift = "evolve" // report, go on where nothing is lost
	Freeze Drift = "freeze" // any difference fails the run before it asks
)

// Publish is when a run may replace the live generation.
type Publish struct {
	Keep       int           // generations kept, at least 1
	MaxDrop    float64       // share, 0 to 1: rows that may be missing where rows were before
	MaxRejects float64       // share, 0 to 1: rejects among the rows fetched
	Window     time.Duration // how long after its first pipeline is due a night takes others in, to publish once
}

// Rerun says when the scheduler runs a pipeline again that failed.
type Rerun struct {
	Delay time.Duration // before the first rerun; each further one waits twice as long
	For   time.Duration // after its time, no pipeline is run again for that night
}

// CatchUp says what the scheduler makes of nights in which it did not run.
type CatchUp string

const (
	CatchUpLatest CatchUp = "latest" // one run over the gap
	CatchUpEach   CatchUp = "each"   // a run for each
	CatchUpNone   CatchUp = "none"   // nothing: the next night asks for what they lack
)

// Readers says who may read what is published, beside the user who runs the program.
type Readers struct {
	Group string // name or number of a group of this machine; empty: nobody
}

// Marts is what the definitions of the marts leave open.
type Marts struct {
	CSATChannels []string // channels on which satisfaction is asked
	NPSChannels  []string // channels on which NPS is asked
}

// Enabled returns the enabled pipelines in the order of the file.
func (c *Config) Enabled() []Pipeline {
	return slices.DeleteFunc(slices.Clone(c.Pipelines), func(p Pipeline) bool { return !p.Enabled })
}

// Ref names the stream that the pipeline reads.
func (p Pipeline) Ref() ref.Stream { return ref.Stream{Source: p.Source, Name: p.Stream} }

// Loader returns the pipeline that loads a stream: of several entries the enabled
// one, wherever it stands, and where none is, the first. False says that there is
// no entry.
func (c *Config) Loader(s ref.Stream) (Pipeline, bool) {
	i := slices.IndexFunc(c.Pipelines, func(p Pipeline) bool { return p.Ref() == s && p.Enabled })
	if i < 0 {
		i = slices.IndexFunc(c.Pipelines, func(p Pipeline) bool { return p.Ref() == s })
	}
	if i < 0 {
		return Pipeline{}, false
	}
	return c.Pipelines[i], true
}
