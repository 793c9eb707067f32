package landing_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

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
