package landing_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightjar/load"
	"nightjar/load/landing"
)

// TestHandedOnMeansDurable reads each page from the disk at the moment it is
// handed on.
func TestHandedOnMeansDurable(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	handed := 0
	w, err := z.Begin(header(runID), func(l landing.Landed, body []byte) error {
		handed++
		if l.Seq != handed {
			return fmt.Errorf("page %d handed on as number %d", l.Seq, handed)
		}
		stored, err := z.Body(&l, nil)
		if err != nil {
			return err
		}
		if !bytes.Equal(stored, body) || !bytes.Equal(body, page(l.Seq).Body) {
			return fmt.Errorf("page %d is not what was appended", l.Seq)
		}
		if listed := pages(t, readRun(t, z, runID)); len(listed) < handed {
			return fmt.Errorf("page %d handed on before its journal line", l.Seq)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 60; i++ {
		if err := w.Append(page(i)); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			if err := w.Sync(); err != nil || handed != i {
				t.Fatalf("after sync %d pages were handed on, want %d (%v)", handed, i, err)
			}
		}
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		t.Fatal(err)
	}
}

func TestWindowsThatLandAtTheSameTime(t *testing.T) {
	z := open(t, t.TempDir())
	var order []int
	w, err := z.Begin(header(runID), func(l landing.Landed, _ []byte) error { order = append(order, l.Seq); return nil })
	if err != nil {
		t.Fatal(err)
	}
	var walks sync.WaitGroup
	for window := range 8 {
		walks.Go(func() {
			id := fmt.Sprint("w", window)
			for i := range 25 {
				p := page(i)
				p.Window = id
				if err := w.Append(p); err != nil {
					t.Error(err)
				}
			}
			if err := w.FinishWindow(landing.WindowEnd{ID: id, Status: "complete", Pages: 25}); err != nil {
				t.Error(err)
			}
		})
	}
	walks.Wait()
	if err := w.End(end(landing.StatusLanded)); err != nil {
		t.Fatal(err)
	}
	r := readRun(t, z, runID)
	count := map[string]int{}
	for i, l := range pages(t, r) {
		if l.Seq != i+1 || order[i] != i+1 {
			t.Fatalf("page %d is listed as %d and was handed on as %d", i+1, l.Seq, order[i])
		}
		count[l.Window]++
	}
	if len(r.Windows) != 8 || len(count) != 8 || count["w3"] != 25 {
		t.Errorf("%d windows ended, pages %v", len(r.Windows), count)
	}
}

func TestBackPressure(t *testing.T) {
	z := open(t, t.TempDir())
	gate := make(chan struct{})
	w, err := z.Begin(header(runID), func(landing.Landed, []byte) error { <-gate; return nil })
	if err != nil {
		t.Fatal(err)
	}
	big := body(1, 1<<20)
	most := int64(landing.MaxHeld / len(big))
	var taken atomic.Int64
	done := make(chan error)
	go func() {
		for range 3 * most {
			if err := w.Append(landing.Page{Body: big}); err != nil {
				done <- err
				return
			}
			taken.Add(1)
		}
		done <- w.Append(landing.Page{Body: bytes.Repeat([]byte("x"), 2*landing.MaxHeld)}) // larger than all room
	}()
	for i := range 3 * most { // each page handed on makes room for one more
		gate <- struct{}{}
		if n := taken.Load(); n > i+1+most {
			t.Fatalf("%d pages taken with %d handed on", n, i)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	close(gate)
	if err := w.End(end(landing.StatusLanded)); err != nil {
		t.Fatal(err)
	}
	if n := len(pages(t, readRun(t, z, runID))); n != int(3*most)+1 {
		t.Errorf("%d pages landed, want %d", n, 3*most+1)
	}
}

func TestTheReaderOfPagesMayFail(t *testing.T) {
	z := open(t, t.TempDir())
	sick := errors.New("the reader is sick")
	handed := 0
	w, err := z.Begin(header(runID), func(l landing.Landed, _ []byte) error {
		handed++
		if l.Seq == 5 {
			return sick
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; err == nil && i <= 1000; i++ {
		err = w.Append(page(i))
	}
	if !errors.Is(err, sick) || handed != 5 {
		t.Fatalf("append: %v after %d pages handed on, want the reader's error after 5", err, handed)
	}
	if err := w.FinishWindow(landing.WindowEnd{ID: "x"}); !errors.Is(err, sick) {
		t.Errorf("finish window: %v", err)
	}
	if err := w.End(end(landing.StatusLanded)); !errors.Is(err, sick) {
		t.Errorf("end: %v", err)
	}
	r := readRun(t, z, runID)
	if r.End != nil || len(pages(t, r)) < 5 {
		t.Error("the run reads as ended, or lost what had landed")
	}
	checkBodies(t, z, pages(t, r))
}

// TestFullDisk lets the n-th change of the file system fail, for every n: one
// clear error, no half page counted, no page handed on that is not listed.
func TestFullDisk(t *testing.T) {
	for _, kind := range []string{"write", "sync", "create", "syncdir"} {
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
				if n < 5 {
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
	}
}

// copyJournalFirst copies a run so that the copy of the journal is the older part:
// pages are whole before their lines, so whatever it lists must be there.
func copyJournalFirst(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	entries := []string{"journal.jsonl"}
	journal, err := os.ReadFile(filepath.Join(from, entries[0]))
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(from, "*.zst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(to, entries[0]), journal, 0o644); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkLand lands pages of 170 kB, each durable before it is handed on. On
// ext4 it is honest only in a folder (TMPDIR) where nothing has been deleted for
// some minutes: the file system keeps fresh inodes back, and creating a file then
// takes 0.8 ms of processor time instead of 0.02.
func BenchmarkLand(b *testing.B) {
	var bodies [16][]byte
	for i := range bodies {
		bodies[i] = body(uint64(i), 170_000)
	}
	z := open(b, b.TempDir())
	w, err := z.Begin(header(runID), func(landing.Landed, []byte) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(170_000)
	p := page(1)
	i := 0
	for b.Loop() {
		p.Body = bodies[i%len(bodies)]
		i++
		if err := w.Append(p); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReplay reads landed pages of 170 kB back, on one goroutine.
func BenchmarkReplay(b *testing.B) {
	z := open(b, b.TempDir())
	w, err := z.Begin(header(runID), nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 200 {
		p := page(i)
		p.Body, p.At = body(uint64(i), 170_000), time.Time{}
		if err := w.Append(p); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		b.Fatal(err)
	}
	r := readRun(b, z, runID)
	all := pages(b, r)
	b.SetBytes(170_000)
	var buf []byte
	i := 0
	for b.Loop() {
		if buf, err = z.Body(&all[i%len(all)], buf); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// TestPanicsAreErrors lets the workers, the syncs, the journal and the reader of
// pages panic in turn: the writer ends with an error that says where, nobody waits
// for ever, and what had landed reads as before.
func TestPanicsAreErrors(t *testing.T) {
	for _, c := range []struct{ op, file, want string }{
		{"create", "000005.json.zst", "landing page iadvize/closed_conversations/" + runID + "/000005: a fault in the program: "},
		{"write", "000005.json.zst", "landing page iadvize/closed_conversations/" + runID + "/000005: a fault in the program: "},
		{"sync", "000005.json.zst", "landing page iadvize/closed_conversations/" + runID + "/000005: a fault in the program: "},
		{"syncdir", "", "landing the pages of run " + runID + ": a fault in the program: "},
		{"write", "journal.jsonl", "landing the pages of run " + runID + ": a fault in the program: "},
		{"sync", "journal.jsonl", "landing the pages of run " + runID + ": a fault in the program: "},
		{"durable", "", "handing on page iadvize/closed_conversations/" + runID + "/000005: a fault in the program: "},
	} {
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
