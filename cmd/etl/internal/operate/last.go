package operate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/generation"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// lookBack reads from the records, newest first, how each pipeline ran last, and which of
// its nights is live.
type lookBack struct {
	about []config.Pipeline
	known []PipelineState               // of the same pipelines, in that order
	live  map[ref.Stream]ledger.Settled // of what was published ever and is live
	upTo  ref.RunID                     // what was published after this run, a rollback took back; empty: nothing
	word  map[ref.Stream][]ref.RunID    // runs that were accepted after they were held
}

// lastRuns reads back only as far as it takes to know of every enabled pipeline.
func lastRuns(site *warehouse.Site, live *generation.Generation, pipelines []PipelineState) error {
	back := lookBack{about: site.Config.Pipelines, known: pipelines, word: map[ref.Stream][]ref.RunID{}}
	if live != nil {
		var err error
		if back.live, err = warehouse.SettledOf(live.Manifest); err != nil {
			return err
		}
	}
	records, err := site.Records().Newest()
	if err != nil {
		return err
	}
	for record := range records {
		back.read(underWay(site, record))
		if back.done() {
			break
		}
	}
	return nil
}

// done reports whether nothing is left to be found. Of a stream of which nothing is live,
// no night is looked for.
func (b *lookBack) done() bool {
	for i, p := range b.known {
		_, published := b.live[b.about[i].Ref()]
		if p.Enabled && (p.Last == nil || published && p.Night.IsZero()) {
			return false
		}
	}
	return true
}

func (b *lookBack) read(record runlog.Record, underWay bool) {
	for _, d := range warehouse.DecisionsIn(record) {
		b.decided(d, record.Generation)
	}
	of := warehouse.SummaryOf(record)
	if of == nil || of.Mode == "replay" {
		return
	}
	for i := range b.known {
		p := &b.known[i]
		l := legOf(of, b.about[i])
		if l == nil {
			continue
		}
		if p.Last == nil {
			p.Last = lastRun(record, l, underWay)
		}
		if l.Published && p.Published.IsZero() {
			p.Published = of.Started
		}
		if p.Night.IsZero() && b.isNight(of, l) {
			p.Night = of.Started
		}
	}
}

// decided takes note of the words that changed what is live of earlier runs. One that no
// generation came of changed nothing.
func (b *lookBack) decided(d ledger.Decision, generation int) {
	switch {
	case generation == 0, b.upTo != "" && d.RunID > b.upTo: // nothing came of it, or it was taken back
	case d.Kind == ledger.Rollback:
		b.upTo = d.Parent
	case d.Kind == ledger.Accept:
		for s, c := range d.Streams {
			for _, counted := range c.Runs {
				b.word[s] = append(b.word[s], counted.ID)
			}
		}
	}
}

// isNight reports whether the rows of a leg are live and its run asked for all that was
// new: a backfill and an accept leave a stream as old as it was.
func (b *lookBack) isNight(of *summary.Summary, l *summary.Leg) bool {
	if of.Mode != ledger.Nightly && of.Mode != ledger.Full {
		return false
	}
	return l.Published && (b.upTo == "" || of.RunID <= b.upTo) || slices.Contains(b.word[l.Ref()], of.RunID)
}

// legOf is the part of a pipeline in a run: by its name, and by its stream where it had
// another one, or where no other pipeline loads that.
func legOf(of *summary.Summary, p config.Pipeline) *summary.Leg {
	var same *summary.Leg
	for _, l := range of.Pipelines {
		if l.Pipeline == p.Name {
			return l
		}
		if p.Enabled && l.Ref() == p.Ref() {
			same = l
		}
	}
	return same
}

// lastRun is a leg in short.
func lastRun(record runlog.Record, l *summary.Leg, underWay bool) *LastRun {
	last := &LastRun{
		RunID: record.RunID, Started: record.Started, Status: string(l.Status), Published: l.Published, Reason: l.Reason,
		Fetched: l.Fetched, New: l.New, Changed: l.Changed,
	}
	switch {
	case underWay:
		last.Status, last.Reason = runlog.Running, ""
	case record.Status == runlog.Running:
		last.Status = string(ledger.Died)
	case last.Reason == "" && l.Status != summary.Complete:
		last.Reason = record.Reason
	}
	return last
}

// Stale says of every enabled pipeline whose data is older than maxAge at an instant by
// how much, a sentence each: the age is that of the newest run that asked for all that was
// new and whose rows are live. Times are in the zone of now. None is stale: nil.
func (s *State) Stale(maxAge time.Duration, now time.Time) []string {
	var all []string
	for _, p := range s.Pipelines {
		if age := now.Sub(p.Night); p.Enabled && (p.Night.IsZero() || age.Abs() > maxAge) {
			all = append(all, p.Pipeline+" "+p.aged(age, now.Location())+p.since())
		}
	}
	return all
}

// aged says how old the data of a stale pipeline is.
func (p *PipelineState) aged(age time.Duration, zone *time.Location) string {
	at := p.Night.In(zone).Format("2006-01-02 15:04")
	switch {
	case p.Night.IsZero():
		return "has no published night"
	case age < 0:
		return fmt.Sprintf("has its newest published night at %s, ahead of the clock", at)
	}
	return fmt.Sprintf("is %s old: its newest published night began %s", short(age), at)
}

// since says what became of the last run of a stale pipeline, where that says more.
func (p *PipelineState) since() string {
	switch {
	case p.Last == nil:
		return ", and it never ran"
	case p.Last.Status == runlog.Running:
		return ", and a run is under way"
	case p.Last.Status != string(summary.Complete):
		return ", and its last run is " + p.Last.Status
	}
	return ""
}

// short is a length of time to the minute: "31h12m".
func short(d time.Duration) string {
	if d < time.Minute {
		return d.Truncate(time.Second).String()
	}
	return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
}
