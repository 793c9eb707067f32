package operate

import (
	"cmp"
	"fmt"
	"time"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/schedule"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// Members are the enabled pipelines, as the scheduler knows them.
func Members(site *warehouse.Site) []schedule.Member {
	var all []schedule.Member
	enabled := site.Config.Enabled()
	for _, p := range enabled {
		m := schedule.Member{Name: p.Name, Schedule: p.Schedule}
		for _, other := range enabled {
			if streams.Before(other, p) {
				m.After = append(m.After, other.Name)
			}
		}
		all = append(all, m)
	}
	return all
}

// Policy is how long and how often the configuration has nights tried.
func Policy(site *warehouse.Site) schedule.Policy {
	c := site.Config
	return schedule.Policy{
		Delay: c.Rerun.Delay, For: c.Rerun.For, CatchUp: schedule.CatchUp(c.CatchUp), Window: c.Publish.Window, Zone: c.Timezone,
	}
}

// Tries are the recorded tries at the enabled pipelines, back to the last one of each that
// loaded. An error says that nobody can tell what has run.
func Tries(site *warehouse.Site) ([]schedule.Try, error) {
	left := map[string]bool{} // pipelines of which no try has loaded yet
	for _, p := range site.Config.Enabled() {
		left[p.Name] = true
	}
	records, err := site.Records().Newest()
	if err != nil {
		return nil, err
	}
	var all []schedule.Try
	accepted := map[ref.Run]bool{} // held runs that someone's word has published since
	for record := range records {
		if len(left) == 0 {
			break
		}
		record, writing := underWay(site, record)
		for _, d := range warehouse.DecisionsIn(record) {
			for s, c := range d.Streams {
				for _, run := range c.Runs {
					accepted[s.Run(run.ID)] = accepted[s.Run(run.ID)] || d.Kind == ledger.Accept
				}
			}
		}
		of := warehouse.SummaryOf(record)
		if of == nil || of.Mode != ledger.Nightly && of.Mode != ledger.Full {
			continue
		}
		for _, l := range of.Pipelines {
			if !left[l.Pipeline] {
				continue
			}
			try := tryOf(record, l, writing)
			if accepted[l.Ref().Run(record.RunID)] {
				try.Outcome = schedule.Loaded
			}
			if all = append(all, try); try.Outcome == schedule.Loaded {
				delete(left, l.Pipeline)
			}
		}
	}
	return all, nil
}

// tryOf is a leg as the scheduler sees it. One whose record has not ended is under way,
// or has died.
func tryOf(record runlog.Record, l *summary.Leg, writing bool) schedule.Try {
	try := schedule.Try{Member: l.Pipeline, Night: l.Due, Started: record.Started, Reason: cmp.Or(l.Reason, record.Reason)}
	switch {
	case writing:
		try.Outcome = schedule.Running
		return try
	case record.Status == runlog.Running:
		try.Outcome = schedule.Failed
		return try
	}
	try.Finished = record.Finished
	s, err := streams.Of(l.Ref())
	writes := err == nil && s.Writes // and is published whatever is missing
	switch {
	case l.Published && (l.Retry == "" || !writes): // or someone has accepted what is missing
		try.Outcome = schedule.Loaded
	case l.Retry == summary.RetryNever:
		try.Outcome = schedule.Hopeless
	case l.Status == summary.Interrupted:
		try.Outcome = schedule.Interrupted
	case l.Retry == summary.RetryOnce:
		try.Outcome = schedule.Missing
	default:
		try.Outcome = schedule.Failed
	}
	return try
}

// Owed is a night of a pipeline that has passed and is not loaded.
type Owed struct {
	Due    time.Time `json:"due"` // by the schedule
	Tries  int       `json:"tries"`
	Reason string    `json:"reason,omitempty"` // of the last of them
	Next   time.Time `json:"next,omitzero"`    // when the scheduler tries again; zero: given up
}

// In says it in words, in the time of a zone.
func (o Owed) In(zone *time.Location) string {
	text := "owes the night of " + o.Due.In(zone).Format("2006-01-02 15:04")
	if o.Tries > 0 {
		text += fmt.Sprintf(", tried %d times", o.Tries)
	}
	if o.Reason != "" {
		text += ": " + o.Reason
	}
	if o.Next.IsZero() {
		return text + "; it is not tried again"
	}
	return text + "; `etl schedule` tries again, from " + o.Next.In(zone).Format("2006-01-02 15:04") + " on"
}

// owed lists, by pipeline, the oldest night that has passed and is not loaded. One that is
// under way, or that may still be waiting for its turn, is not owed yet.
func owed(site *warehouse.Site) (map[string]*Owed, error) {
	tries, err := Tries(site)
	if err != nil {
		return nil, err
	}
	now := site.Now()
	up := now // when no daemon is, one that comes up
	if daemon, there := site.Daemon(); there && daemon.Started.Before(now) {
		up = daemon.Started
	}
	all := map[string]*Owed{}
	for _, d := range schedule.Owed(Members(site), tries, Policy(site), up, now) {
		young := d.Tries == 0 && now.Sub(d.Due) < site.Config.Publish.Window
		if d.Under || young || all[d.Member] != nil {
			continue
		}
		all[d.Member] = &Owed{Due: d.Due, Tries: d.Tries, Reason: d.Why, Next: d.Next}
	}
	return all, nil
}
