package runlog_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/load/ref"
	"nightjar/load/runlog"
)

func record(id ref.RunID) runlog.Record {
	return runlog.Record{
		RunID: id, Mode: "nightly", Version: "test", Status: runlog.Running,
		Started: time.Date(2026, 11, 20, 2, 15, 0, 0, time.UTC), Decisions: json.RawMessage(`[{"kind":"publish"}]`),
	}
}

func write(t *testing.T, l *runlog.Log, r runlog.Record) {
	t.Helper()
	if err := l.Write(r); err != nil {
		t.Fatal(err)
	}
}

// after are the records after a run, up to the first that cannot be read.
func after(l *runlog.Log, run ref.RunID) (all []runlog.Record, err error) {
	records, err := l.After(run)
	if err != nil {
		return nil, err
	}
	for record, err := range records {
		if err != nil {
			return all, err
		}
		all = append(all, record)
	}
	return all, nil
}

func TestRecordsAreReplacedAndReadInOrder(t *testing.T) {
	l := runlog.Open(filepath.Join(t.TempDir(), "runs"))
	if ids, err := l.IDs(); err != nil || len(ids) > 0 {
		t.Errorf("a log that is not there has %v (%v)", ids, err)
	}
	for _, id := range []ref.RunID{"20261121T021500.000Z", "20261120T021500.000Z", "20261122T021500.000Z"} {
		write(t, l, record(id))
	}
	ended := record("20261121T021500.000Z")
	ended.Status, ended.Generation = "complete", 7
	write(t, l, ended)

	all, err := after(l, "20261120T021500.000Z")
	if err != nil || len(all) != 2 || all[0].Status != "complete" || all[0].Generation != 7 || all[1].Status != runlog.Running {
		t.Errorf("got %+v (%v)", all, err)
	}
	ids, err := l.IDs()
	if want := []ref.RunID{"20261120T021500.000Z", "20261121T021500.000Z", "20261122T021500.000Z"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("got %v (%v), want %v", ids, err, want)
	}
	if _, err := l.Read("20261119T021500.000Z"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run without a record: %v", err)
	}
}

// A run that was killed while it wrote leaves the record as it was.
func TestHalfARecordIsNone(t *testing.T) {
	dir := t.TempDir()
	l := runlog.Open(dir)
	write(t, l, record("20261120T021500.000Z"))
	half := filepath.Join(dir, "20261120T021500.000Z.json.new")
	if err := os.WriteFile(half, []byte(`{"for`), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := after(l, ""); err != nil || len(all) != 1 {
		t.Errorf("got %+v (%v), want the record as it was", all, err)
	}
	write(t, l, record("20261120T021500.000Z"))
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half stays: %v", err)
	}
}

func TestBadRecordsAreNamed(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":           {"", "runs/1.json is damaged"},
		"of another run":  {`{"format":1,"run_id":"2"}`, `is the record of run "2"`},
		"of a later form": {`{"format":99,"run_id":"1"}`, "format 99"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "1.json"), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := after(runlog.Open(dir), ""); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	l := runlog.Open(t.TempDir())
	for _, id := range []ref.RunID{"", "../1", ".1", "a/b"} {
		if err := l.Write(runlog.Record{RunID: id}); err == nil {
			t.Errorf("a record of run %q is written", id)
		}
	}
}
