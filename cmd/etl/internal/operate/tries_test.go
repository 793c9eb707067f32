package operate

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/schedule"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/runlog"
)

// The scheduler sees of a leg whether it loaded and, where it did not, whether to ask again
// may help.
func TestTryOfALeg(t *testing.T) {
	ended := runlog.Record{Status: "failed", Started: night(1), Finished: night(1).Add(time.Hour)}
	for name, c := range map[string]struct {
		record  runlog.Record
		leg     summary.Leg
		writing bool
		want    schedule.Outcome
	}{
		"published":               {ended, summary.Leg{Status: summary.Complete, Published: true}, false, schedule.Loaded},
		"drifted":                 {ended, summary.Leg{Status: summary.Drifted, Published: true}, false, schedule.Loaded},
		"accepted, rows missing":  {ended, summary.Leg{Status: summary.Incomplete, Published: true, Retry: summary.RetryOnce}, false, schedule.Loaded},
		"accepted, a cap":         {ended, summary.Leg{Status: summary.Incomplete, Published: true, Retry: summary.RetryNever}, false, schedule.Loaded},
		"a write, rows missing":   {ended, summary.Leg{Source: "clientloop", Stream: "idv_sessions", Status: summary.Incomplete, Published: true, Retry: summary.RetryNever}, false, schedule.Hopeless},
		"held":                    {ended, summary.Leg{Status: summary.Held, Retry: summary.RetryOnce}, false, schedule.Missing},
		"a cap":                   {ended, summary.Leg{Status: summary.Incomplete, Retry: summary.RetryNever}, false, schedule.Hopeless},
		"failed":                  {ended, summary.Leg{Status: summary.Failed, Retry: summary.RetryLater}, false, schedule.Failed},
		"stopped":                 {ended, summary.Leg{Status: summary.Interrupted, Retry: summary.RetryLater}, false, schedule.Interrupted},
		"complete, not published": {ended, summary.Leg{Status: summary.Complete}, false, schedule.Failed},
		"under way":               {unended(1), summary.Leg{Status: summary.Interrupted}, true, schedule.Running},
		"died":                    {unended(1), summary.Leg{Status: summary.Interrupted}, false, schedule.Failed},
	} {
		if c.leg.Source == "" {
			c.leg.Source, c.leg.Stream = "aircall", "calls"
		}
		try := tryOf(c.record, &c.leg, c.writing)
		if try.Outcome != c.want || try.Finished.IsZero() != (c.record.Status == runlog.Running) {
			t.Errorf("%s: %+v, want %s", name, try, c.want)
		}
	}
}

// Tries are read back to the last one that loaded, and no further; replays and backfills
// are none, and what was held counts once it is accepted.
func TestTriesOfTheRecords(t *testing.T) {
	enabled := calls
	enabled.Enabled = true
	site := &warehouse.Site{Config: &config.Config{Warehouse: t.TempDir(), Pipelines: []config.Pipeline{enabled}}}
	leg := func(status summary.Status, published bool, retry summary.Retry) *summary.Leg {
		return &summary.Leg{Pipeline: calls.Name, Source: calls.Source, Stream: calls.Stream, Status: status, Published: published, Retry: retry}
	}
	whole := func() *summary.Leg { return leg(summary.Complete, true, "") }
	for _, r := range []runlog.Record{
		with(ran(0, ledger.Nightly, summary.Complete, ""), whole()),
		with(ran(1, ledger.Nightly, summary.Held, ""), leg(summary.Held, false, summary.RetryOnce)),
		said(2, ledger.Decision{Kind: ledger.Accept}, 2, 1),
		with(ran(3, ledger.Backfill, summary.Complete, ""), whole()),
		with(ran(4, "replay", summary.Complete, ""), whole()),
		with(ran(5, ledger.Nightly, summary.Failed, ""), leg(summary.Failed, false, summary.RetryLater)),
	} {
		if err := site.Records().Write(r); err != nil {
			t.Fatal(err)
		}
	}
	tries, err := Tries(site)
	if err != nil {
		t.Fatal(err)
	}
	var got []schedule.Outcome
	for _, try := range tries {
		got = append(got, try.Outcome)
	}
	if want := []schedule.Outcome{schedule.Failed, schedule.Loaded}; !slices.Equal(got, want) {
		t.Errorf("the tries are %v, want %v", got, want)
	}
}

// Where the records cannot be listed, nobody says that nothing has run.
func TestTriesThatCannotBeRead(t *testing.T) {
	site := &warehouse.Site{Config: &config.Config{Warehouse: t.TempDir()}}
	if err := os.WriteFile(filepath.Join(site.Config.Warehouse, "runs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if tries, err := Tries(site); err == nil {
		t.Errorf("%d tries and no error", len(tries))
	}
}
