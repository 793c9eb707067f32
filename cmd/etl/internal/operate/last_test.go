package operate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

var (
	calls  = config.Pipeline{Name: "calls", Source: "aircall", Stream: "calls", Enabled: true}
	paris  = mustLoad("Europe/Paris")
	monday = time.Date(2026, 11, 16, 1, 30, 0, 0, time.UTC)
)

func mustLoad(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	return loc
}

// night is the instant of the nth night, from 0 on.
func night(n int) time.Time { return monday.AddDate(0, 0, n) }

func idOf(n int) ref.RunID { return ref.RunIDAt(night(n)) }

// ran is the record of a run of calls in the nth night that ended.
func ran(n int, mode string, status summary.Status, reason string) runlog.Record {
	published := status == summary.Complete
	r := runlog.Record{RunID: idOf(n), Mode: mode, PID: 1, Started: night(n), Finished: night(n).Add(time.Minute), Status: string(status)}
	if published {
		r.Generation = n + 1
	}
	return with(r, &summary.Leg{Pipeline: "calls", Source: "aircall", Stream: "calls", Status: status, Reason: reason, Published: published})
}

func with(r runlog.Record, legs ...*summary.Leg) runlog.Record {
	r.Summary = encoded(summary.Summary{RunID: r.RunID, Mode: r.Mode, Started: r.Started, Pipelines: legs})
	return r
}

// unended is the record of a run that has not said how it ended.
func unended(n int) runlog.Record {
	r := ran(n, ledger.Nightly, summary.Interrupted, "the program ended before the run did")
	r.Status, r.Finished = runlog.Running, time.Time{}
	return r
}

// said is the record of a word about what the run of another night has landed.
func said(n int, d ledger.Decision, generation, about int) runlog.Record {
	d.RunID = idOf(n)
	d.Streams = map[ref.Stream]ledger.Change{calls.Ref(): {Runs: []ledger.Counted{{ID: idOf(about)}}, Reason: "said so"}}
	return runlog.Record{
		RunID: idOf(n), Mode: string(d.Kind), Started: night(n), Finished: night(n), Status: "complete", Generation: generation,
		Decisions: encoded([]ledger.Decision{d}),
	}
}

func encoded(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// look reads records, oldest first as they are given, until nothing is left to be found,
// and returns how many that took.
func look(p config.Pipeline, underWay bool, records ...runlog.Record) (PipelineState, int) {
	known := []PipelineState{{Pipeline: p.Name, Enabled: p.Enabled}}
	b := lookBack{
		about: []config.Pipeline{p}, known: known, live: map[ref.Stream]ledger.Settled{calls.Ref(): {}}, word: map[ref.Stream][]ref.RunID{},
	}
	for i, r := range slices.Backward(records) {
		b.read(r, underWay && i == len(records)-1)
		if b.done() {
			return known[0], len(records) - i
		}
	}
	return known[0], len(records)
}

// What is shown is the last run, whatever became of it, with its reason.
func TestTheLastRunIsShown(t *testing.T) {
	whole := ran(0, ledger.Nightly, summary.Complete, "")
	reasonless := ran(1, ledger.Nightly, summary.Failed, "")
	reasonless.Reason = "the disk is full"
	for name, c := range map[string]struct {
		last           runlog.Record
		underWay       bool
		status, reason string
	}{
		"failed":            {ran(1, ledger.Nightly, summary.Failed, "refused"), false, "failed", "refused"},
		"failed as a whole": {reasonless, false, "failed", "the disk is full"},
		"held":              {ran(1, ledger.Nightly, summary.Held, "too many rejects"), false, "held", "too many rejects"},
		"interrupted":       {ran(1, ledger.Nightly, summary.Interrupted, "stopped by the operator"), false, "interrupted", "stopped by the operator"},
		"died":              {unended(1), false, "died", "the program ended before the run did"},
		"under way":         {unended(1), true, "running", ""},
		"a backfill":        {ran(1, ledger.Backfill, summary.Failed, "refused"), false, "failed", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := look(calls, c.underWay, whole, c.last)
			if p.Last == nil || p.Last.RunID != idOf(1) || !p.Last.Started.Equal(night(1)) || p.Last.Status != c.status || p.Last.Reason != c.reason {
				t.Errorf("the last run is %+v", p.Last)
			}
			if !p.Published.Equal(night(0)) || !p.Night.Equal(night(0)) {
				t.Errorf("published %s, night %s", p.Published, p.Night)
			}
		})
	}
}

// A replay is not shown: it asks nobody.
func TestAReplayIsNoLastRun(t *testing.T) {
	p, _ := look(calls, false, ran(0, ledger.Nightly, summary.Complete, ""), ran(1, "replay", summary.Complete, ""))
	if p.Last.RunID != idOf(0) || !p.Published.Equal(night(0)) {
		t.Errorf("the last run is %+v", p.Last)
	}
}

// An age is that of the newest night whose rows are live.
func TestWhichNightIsLive(t *testing.T) {
	good := func(n int) runlog.Record { return ran(n, ledger.Nightly, summary.Complete, "") }
	held := func(n int) runlog.Record { return ran(n, ledger.Nightly, summary.Held, "too few") }
	rollback := func(n, to int) runlog.Record {
		return said(n, ledger.Decision{Kind: ledger.Rollback, Parent: idOf(to)}, to+1, to+1)
	}
	accept := func(n, about, generation int) runlog.Record {
		r := said(n, ledger.Decision{Kind: ledger.Accept}, generation, about)
		status := summary.Complete
		if generation == 0 {
			status = summary.Failed
		}
		return with(r, &summary.Leg{Pipeline: "calls", Source: "aircall", Stream: "calls", Status: status, Published: generation > 0})
	}
	other := calls
	other.Name = "telephone"
	for name, c := range map[string]struct {
		about   config.Pipeline
		records []runlog.Record
		night   time.Time
	}{
		"the newest":                {calls, []runlog.Record{good(0), good(1)}, night(1)},
		"one before a held one":     {calls, []runlog.Record{good(0), held(1)}, night(0)},
		"a full run":                {calls, []runlog.Record{good(0), ran(1, ledger.Full, summary.Complete, "")}, night(1)},
		"no backfill":               {calls, []runlog.Record{good(0), ran(1, ledger.Backfill, summary.Complete, "")}, night(0)},
		"the one accepted":          {calls, []runlog.Record{good(0), held(1), accept(2, 1, 3)}, night(1)},
		"accepted in vain":          {calls, []runlog.Record{good(0), held(1), accept(2, 1, 0)}, night(0)},
		"rolled back":               {calls, []runlog.Record{good(0), good(1), good(2), rollback(3, 0)}, night(0)},
		"a rollback taken back":     {calls, []runlog.Record{good(0), good(1), rollback(2, 0), good(3), rollback(4, 1)}, night(1)},
		"an accept taken back":      {calls, []runlog.Record{good(0), held(1), accept(2, 1, 3), rollback(3, 0)}, night(0)},
		"accepted when rolled back": {calls, []runlog.Record{good(0), good(1), rollback(2, 0), accept(3, 1, 3)}, night(1)},
		"after a rollback":          {calls, []runlog.Record{good(0), good(1), rollback(2, 0), good(3)}, night(3)},
		"under another name":        {other, []runlog.Record{good(0), good(1)}, night(1)},
		"none":                      {calls, []runlog.Record{held(0), held(1)}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if p, _ := look(c.about, false, c.records...); !p.Night.Equal(c.night) {
				t.Errorf("the night is %s, want %s", p.Night, c.night)
			}
		})
	}
}

// A long history is read back as far as needed.
func TestOnlyAsFarBackAsNeeded(t *testing.T) {
	var all []runlog.Record
	for n := range 1000 {
		all = append(all, ran(n, ledger.Nightly, summary.Complete, ""))
	}
	all = append(all, ran(1000, ledger.Nightly, summary.Failed, "refused"))
	if _, read := look(calls, false, all...); read != 2 {
		t.Errorf("%d records are read", read)
	}
	waves := config.Pipeline{Name: "waves", Source: "volt", Stream: "waves", Enabled: true} // failed ever since
	for i := range all {
		all[i] = with(all[i], &summary.Leg{Pipeline: "waves", Source: "volt", Stream: "waves", Status: summary.Failed})
	}
	if p, read := look(waves, false, all...); read != 1 || p.Last == nil {
		t.Errorf("%d records are read of a stream of which nothing is live", read)
	}
}

// A process id comes again: in a container it is always the same. A record that has not
// ended is of a run that goes on where it began since the lock was taken.
func TestARunThatDiedIsNotTheOneUnderWay(t *testing.T) {
	cfg, err := config.LoadLocal("../../../../pipelines.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	cfg.Warehouse = t.TempDir()
	site := &warehouse.Site{Config: cfg}
	release, err := site.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for n, record := range []runlog.Record{unended(0), unended(1)} {
		record.PID, record.Host = os.Getpid(), host
		if n == 1 {
			record.Started = time.Now().UTC()
			record = with(record, &summary.Leg{Pipeline: "waves", Source: "volt", Stream: "waves", Status: summary.Interrupted})
		}
		if err := runlog.Open(filepath.Join(cfg.Warehouse, "runs")).Write(record); err != nil {
			t.Fatal(err)
		}
	}
	var states []PipelineState
	for _, p := range cfg.Pipelines {
		states = append(states, PipelineState{Pipeline: p.Name, Enabled: p.Enabled})
	}
	if err := lastRuns(site, nil, states); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"calls": "died", "waves": "running"}
	for _, p := range states {
		if p.Last != nil && p.Last.Status != want[p.Pipeline] || p.Last == nil && want[p.Pipeline] != "" {
			t.Errorf("%s is %+v, want %s", p.Pipeline, p.Last, want[p.Pipeline])
		}
	}
}

func TestStale(t *testing.T) {
	const most = 26 * time.Hour
	at := night(2).Add(30 * time.Minute).In(paris)
	last := func(status string) *LastRun { return &LastRun{Status: status} }
	for name, c := range map[string]struct {
		state PipelineState
		want  string
	}{
		"fresh":            {PipelineState{Enabled: true, Night: night(1), Last: last("complete")}, ""},
		"just so":          {PipelineState{Enabled: true, Night: at.Add(-most), Last: last("failed")}, ""},
		"failed":           {PipelineState{Enabled: true, Night: night(0), Last: last("failed")}, "calls is 48h30m old: its newest published night began 2026-11-16 02:30, and its last run is failed"},
		"nothing ran":      {PipelineState{Enabled: true, Night: night(0), Last: last("complete")}, "calls is 48h30m old: its newest published night began 2026-11-16 02:30"},
		"under way":        {PipelineState{Enabled: true, Night: night(0), Last: last("running")}, "calls is 48h30m old: its newest published night began 2026-11-16 02:30, and a run is under way"},
		"never published":  {PipelineState{Enabled: true, Last: last("held")}, "calls has no published night, and its last run is held"},
		"never ran":        {PipelineState{Enabled: true}, "calls has no published night, and it never ran"},
		"of another clock": {PipelineState{Enabled: true, Night: night(300), Last: last("complete")}, "calls has its newest published night at 2027-09-12 03:30, ahead of the clock"},
		"switched off":     {PipelineState{Night: night(0)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.state.Pipeline = "calls"
			state := &State{Pipelines: []PipelineState{c.state}}
			if got := strings.Join(state.Stale(most, at), "\n"); got != c.want {
				t.Errorf("says %q, want %q", got, c.want)
			}
		})
	}
}
