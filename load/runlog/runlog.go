// Package runlog keeps the record of every run and of every decision about landed
// runs: one file each, runs/<run id>.json, that a person can read. A record is
// written when its run begins and again as it gets on, whatever becomes of it; with
// the landing zone it is all that a warehouse can be rebuilt from.
//
// A record is replaced by one rename of a file that is durable: a reader meets the
// old one or the new one, and a run that was killed has the record of its last word.
package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nightjar/load/durable"
	"nightjar/load/ref"
)

// format is the version of the records; a reader refuses newer ones.
const format = 1

const (
	suffix = ".json"
	aside  = ".new" // behind the name of a record that is not durable yet
)

// Running is the status of a record whose run has not said how it ended: it is under
// way, or was killed.
const Running = "running"

// Record is what is kept of one run, or of one decision that a person took.
type Record struct {
	Format     int       `json:"format"`
	RunID      ref.RunID `json:"run_id"`
	Mode       string    `json:"mode"`    // "nightly", "backfill", "full", "replay", "accept", "discard", "rollback"
	Version    string    `json:"version"` // of the program
	Host       string    `json:"host"`
	PID        int       `json:"pid"`
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished,omitzero"`    // zero while Status is Running
	Status     string    `json:"status"`               // Running, or how the run ended
	Reason     string    `json:"reason,omitempty"`     // of a run that failed as a whole
	Generation int       `json:"generation,omitempty"` // that it published; zero for none

	Decisions json.RawMessage `json:"decisions,omitempty"` // the ledger's, in order
	Summary   json.RawMessage `json:"summary,omitempty"`   // of the run, as --json prints it
}

// Log is the records of one warehouse. One process at a time may write.
type Log struct{ dir string }

// Open returns the log in dir, which is made with the first record.
func Open(dir string) *Log { return &Log{dir: dir} }

// Write makes a record durable, in place of an earlier one of the same run.
func (l *Log) Write(r Record) error {
	r.Format = format
	if err := l.write(r); err != nil {
		return fmt.Errorf("record run %s: %w", r.RunID, err)
	}
	return nil
}

func (l *Log) write(r Record) error {
	if err := r.RunID.Check(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.MakeDir(l.dir); err != nil {
		return err
	}
	path := l.path(r.RunID)
	if err := os.WriteFile(path+aside, append(data, '\n'), 0o600); err != nil {
		return err
	}
	if err := durable.Sync(path + aside); err != nil {
		return err
	}
	if err := os.Rename(path+aside, path); err != nil {
		return err
	}
	return durable.Sync(l.dir)
}

func (l *Log) path(id ref.RunID) string { return filepath.Join(l.dir, string(id)+suffix) }

// IDs lists the runs that have a record, oldest first.
func (l *Log) IDs() ([]ref.RunID, error) {
	entries, err := os.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the run records: %w", err)
	}
	var ids []ref.RunID
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && !e.IsDir() {
			ids = append(ids, ref.RunID(id))
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Read returns the record of one run. fs.ErrNotExist is in the error's chain where
// there is none.
func (l *Log) Read(runID ref.RunID) (Record, error) {
	data, err := os.ReadFile(l.path(runID))
	if err != nil {
		return Record{}, fmt.Errorf("read the record of run %s: %w", runID, err)
	}
	var r Record
	switch err := json.Unmarshal(data, &r); {
	case err != nil:
		return Record{}, fmt.Errorf("read the record of run %s: runs/%s%s is damaged: restore it from a backup", runID, runID, suffix)
	case r.Format > format:
		return Record{}, fmt.Errorf("read the record of run %s: it has format %d, this program reads up to %d", runID, r.Format, format)
	case r.RunID != runID:
		return Record{}, fmt.Errorf("read the record of run %s: runs/%s%s is the record of run %q", runID, runID, suffix, r.RunID)
	}
	return r, nil
}

// Newest yields the records, newest first. A record that cannot be read is left out; an
// error says that nobody can tell which there are.
func (l *Log) Newest() (iter.Seq[Record], error) {
	ids, err := l.IDs()
	if err != nil {
		return nil, err
	}
	return func(yield func(Record) bool) {
		for _, id := range slices.Backward(ids) {
			if r, err := l.Read(id); err == nil && !yield(r) {
				return
			}
		}
	}, nil
}

// After yields the records of the runs after one, oldest first, each with what keeps it
// from being read; of all, where run is empty.
func (l *Log) After(run ref.RunID) (iter.Seq2[Record, error], error) {
	ids, err := l.IDs()
	if err != nil {
		return nil, err
	}
	from, found := slices.BinarySearch(ids, run)
	if found {
		from++
	}
	return func(yield func(Record, error) bool) {
		for _, id := range ids[from:] {
			if !yield(l.Read(id)) {
				return
			}
		}
	}, nil
}
