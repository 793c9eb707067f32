package landing_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"nightjar/load"
	"nightjar/load/landing"
)

// TestFullDisk lets the n-th change of the file system fail, for every n: one
// clear error, no half page counted, no page handed on that is not listed.
func TestFullDisk(t *testing.T) {
	for kind, least := range map[string]int{"write": 10, "sync": 5, "create": 2, "mkdir": 3, "syncdir": 4} {
		for n := 1; ; n++ {
			dir := t.TempDir()
			z := open(t, dir)
			var calls atomic.Int64
			landing.SetFault(z, func(op, path string) error {
				if op == kind && calls.Add(1) >= int64(n) { // and the disk stays full
					return &fs.PathError{Op: op, Path: path, Err: syscall.ENOSPC}
				}
				return nil
			})
			failed := landUntilFull(t, z, dir, fmt.Sprintf("%s %d", kind, n))
			if !failed {
				if n <= least {
					t.Fatalf("the fault in %s %d was not noticed", kind, n)
				}
				break
			}
		}
	}
}

// landUntilFull lands a small run and checks what is left of it. It reports
// whether anything failed.
func landUntilFull(t *testing.T, z *landing.Zone, dir, name string) (failed bool) {
	t.Helper()
	handed := 0
	run := func() error {
		w, err := z.Begin(header(runID), func(landing.Landed, []byte) error { handed++; return nil })
		if err != nil {
			return err
		}
		defer w.Close()
		for i := 1; i <= 6; i++ {
			if err := w.Append(page(i)); err != nil {
				return err
			}
		}
		if err := w.FinishWindow(landing.WindowEnd{ID: "w", Status: "complete"}); err != nil {
			return err
		}
		return w.End(end(landing.StatusLanded))
	}
	err := run()
	if err != nil && (!errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), "no space left") != 1) {
		t.Fatalf("%s: %v", name, err)
	}
	r, readErr := open(t, dir).Run(header(runID).Ref())
	switch {
	case errors.Is(readErr, fs.ErrNotExist) && handed == 0:
		return err != nil
	case readErr != nil:
		t.Fatalf("%s: %v", name, readErr)
	}
	all := pages(t, r)
	if len(all) < handed {
		t.Fatalf("%s: %d pages handed on, %d listed", name, handed, len(all))
	}
	if (r.End != nil) != (err == nil) {
		t.Fatalf("%s: error %v, end %+v", name, err, r.End)
	}
	checkBodies(t, z, all)
	return err != nil
}

// TestAFailedRunSaysSo: after a write that failed and was taken back, a failed
// end can still be recorded.
func TestAFailedRunSaysSo(t *testing.T) {
	z := open(t, t.TempDir())
	var full atomic.Bool
	landing.SetFault(z, func(op, path string) error {
		if full.Load() && op == "write" {
			return syscall.ENOSPC
		}
		return nil
	})
	w, err := z.Begin(header(runID), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Append(page(1)), w.Sync()); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	if err := errors.Join(w.FinishWindow(landing.WindowEnd{ID: "w"})); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("finish window on a full disk: %v", err)
	}
	full.Store(false)
	if err := w.End(end(landing.StatusFailed)); err != nil {
		t.Fatal(err)
	}
	r := readRun(t, z, runID)
	if r.End == nil || r.End.Status != landing.StatusFailed || len(pages(t, r)) != 1 || len(r.Windows) != 0 {
		t.Errorf("the run reads as %+v", r)
	}
}

// TestCrashAtAnyMoment copies the zone while a run is being written, as a crash
// would leave it, and reads the copies.
func TestCrashAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	var handed atomic.Int64
	w, err := z.Begin(header(runID), func(landing.Landed, []byte) error { handed.Add(1); return nil })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		for i := 1; i <= 400; i++ {
			if err := w.Append(page(i)); err != nil {
				done <- err
				return
			}
		}
		done <- w.End(end(landing.StatusLanded))
	}()
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		before := handed.Load()
		moment := t.TempDir()
		copyJournalFirst(t, runDir(dir, runID), runDir(moment, runID))
		crashed := open(t, moment)
		all := pages(t, readRun(t, crashed, runID))
		if int64(len(all)) < before {
			t.Fatalf("%d pages were handed on, the copy lists %d", before, len(all))
		}
		checkBodies(t, crashed, all)
		if n := len(all); n > 0 { // and where the machine lost what was not synced
			must(t, os.Truncate(packPath(moment, runID), all[n-1].Offset+all[n-1].Stored))
			checkBodies(t, crashed, all)
		}
	}
}

// copyJournalFirst copies a run so that the copy of the journal is the older part:
// pages are whole before their lines, so whatever it lists must be there.
func copyJournalFirst(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	journal := readFile(t, filepath.Join(from, "journal.jsonl"))
	must(t, os.WriteFile(filepath.Join(to, "pages.tar"), readFile(t, filepath.Join(from, "pages.tar")), 0o644))
	must(t, os.WriteFile(filepath.Join(to, "journal.jsonl"), journal, 0o644))
}

// panics are where a program may panic while it lands, and what the writer's error then says.
var panics = []struct{ op, file, want string }{
	{"pack", "", "landing page iadvize/closed_conversations/" + runID + "/000005: a fault in the program: "},
	{"write", "pages.tar", "landing the pages of run " + runID + ": a fault in the program: "},
	{"sync", "pages.tar", "landing the pages of run " + runID + ": a fault in the program: "},
	{"write", "journal.jsonl", "landing the pages of run " + runID + ": a fault in the program: "},
	{"sync", "journal.jsonl", "landing the pages of run " + runID + ": a fault in the program: "},
	{"durable", "", "handing on page iadvize/closed_conversations/" + runID + "/000005: a fault in the program: "},
}

// TestPanicsAreErrors lets the workers, the syncs, the journal and the reader of
// pages panic in turn: the writer ends with an error that says where, nobody waits
// for ever, and what had landed reads as before.
func TestPanicsAreErrors(t *testing.T) {
	for _, c := range panics {
		t.Run(c.op+" "+c.file, func(t *testing.T) {
			dir := t.TempDir()
			z := open(t, dir)
			var armed atomic.Bool
			landing.SetFault(z, func(op, path string) error {
				if armed.Load() && op == c.op && (c.file == "" || filepath.Base(path) == c.file) {
					panic("of " + op)
				}
				return nil
			})
			landing.SetBeforePack(z, func() {
				if armed.Load() && c.op == "pack" {
					panic("of a worker")
				}
			})
			handed := 0
			w, err := z.Begin(header(runID), func(l landing.Landed, _ []byte) error {
				handed++
				if c.op == "durable" && l.Seq == 5 {
					panic("of the reader")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := 1; i <= 4; i++ {
				err = errors.Join(err, w.Append(page(i)))
			}
			if err := errors.Join(err, w.Sync()); err != nil || handed != 4 {
				t.Fatalf("%d pages handed on: %v", handed, err)
			}
			armed.Store(true)
			for i := 5; err == nil && i <= 1000; i++ {
				err = w.Append(page(i))
			}
			var fault *load.PanicError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) || len(fault.Stack()) == 0 {
				t.Fatalf("append: %v, want %s", err, c.want)
			}
			armed.Store(false)
			if err := w.FinishWindow(landing.WindowEnd{ID: "x"}); !errors.As(err, &fault) {
				t.Errorf("finish window: %v", err)
			}
			if err := w.End(end(landing.StatusLanded)); !errors.As(err, &fault) {
				t.Errorf("end: %v", err)
			}
			r := readRun(t, open(t, dir), runID)
			all := pages(t, r)
			if r.End != nil || len(all) < 4 || len(all) < handed && c.op != "durable" {
				t.Errorf("%d pages are listed, %d were handed on, and the run ended with %v", len(all), handed, r.End)
			}
			checkBodies(t, z, all)
		})
	}
}

// A run whose files cannot be made says why, once.
func TestAFileInTheWay(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landing.SetFault(z, func(op, path string) error {
		if op == "create" { // another process, at the same instant
			return os.WriteFile(path, nil, 0o600)
		}
		return nil
	})
	_, err := z.Begin(header(runID), nil)
	if !errors.Is(err, fs.ErrExist) || strings.Contains(err.Error(), "\n") {
		t.Errorf("a file in the way: %v", err)
	}
}
