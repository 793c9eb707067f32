package operate

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/runlog"
)

// A run is under way while the process that has recorded it holds the lock that it took
// for it. Every other record that has not ended is of a run that died.
func TestUnderWay(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	site := &warehouse.Site{Config: &config.Config{Warehouse: t.TempDir()}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	running := runlog.Record{RunID: "20261120T021500.000Z", Status: runlog.Running, PID: os.Getpid(), Host: host}
	expect := func(when string, want bool, alter func(*runlog.Record)) {
		t.Helper()
		record := running
		record.Started = time.Now().UTC()
		if alter != nil {
			alter(&record)
		}
		if _, got := underWay(site, record); got != want {
			t.Errorf("%s: under way %v, want %v", when, got, want)
		}
	}
	expect("nobody ever took the lock", false, nil)

	// What a killed run leaves in the lock names a pid that lives: this one.
	words := fmt.Sprintf(`{"pid":%d,"host":%q,"started":"2026-11-20T02:15:00Z"}`, os.Getpid(), host)
	if err := os.WriteFile(filepath.Join(site.Config.Warehouse, "lock"), []byte(words), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("the lock has the words of a dead run whose pid is another's now", false, nil)

	release, err := site.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect("the run holds the lock", true, nil)
	expect("a later run holds the lock, of another process", false, func(r *runlog.Record) { r.PID++ })
	expect("a run of another machine holds the lock", false, func(r *runlog.Record) { r.Host = "elsewhere" })
	expect("a later run holds the lock, of the same daemon", false, func(r *runlog.Record) { r.Started = r.Started.Add(-time.Hour) })
	expect("the run has ended, and the next holds the lock", false, func(r *runlog.Record) { r.Status = "complete" })
	if err := release(); err != nil {
		t.Fatal(err)
	}
	expect("the run has let go of the lock", false, nil)

	// The record said that the run is under way when it was read; since then it has ended.
	ended := running
	ended.Status = "complete"
	if err := site.Records().Write(ended); err != nil {
		t.Fatal(err)
	}
	if record, writing := underWay(site, running); writing || record.Status != "complete" {
		t.Errorf("a run that ended meanwhile is %s", record.Status)
	}
}
