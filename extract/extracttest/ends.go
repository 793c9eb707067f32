package extracttest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
)

func (src Source) leftLoop(t *testing.T) {
	v := src.serve(t)
	s := src.Open(t, v)
	for _, w := range windows(t, s, extract.Ask{Now: v.Now}) {
		for _, err := range s.Walk(t.Context(), w) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if n := v.pending(); n > 0 {
			t.Errorf("window %s: %d requests go on after the loop", w.ID, n)
		}
	}
	noneLeft(t)
}

func (src Source) cancelled(t *testing.T) {
	v := src.serve(t)
	s := src.Open(t, v)
	all := windows(t, s, extract.Ask{Now: v.Now})
	most := 0
	for _, w := range all {
		ctx, cancel := context.WithCancel(t.Context())
		var errs []error
		pages := 0
		for page, err := range s.Walk(ctx, w) {
			if err != nil {
				errs = append(errs, err)
				if page.Body != nil {
					t.Errorf("window %s: a page comes with the error", w.ID)
				}
				continue
			}
			pages++
			cancel()
			page.Confirm()
		}
		cancel()
		most = max(most, pages)
		// A window of a page or two may have come to its end before.
		if len(errs) > 1 || len(errs) == 1 && !errors.Is(errs[0], context.Canceled) || len(errs) == 0 && len(all) == 1 {
			t.Errorf("window %s: %v after %d pages", w.ID, errs, pages)
		}
		if n := v.pending(); n > 0 {
			t.Errorf("window %s: %d requests go on", w.ID, n)
		}
	}
	if most == 0 {
		t.Error("no page came")
	}
	noneLeft(t)
}

func (src Source) cancelledBefore(t *testing.T) {
	v := src.serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := src.collect(ctx, t, src.Open(t, v), extract.Ask{Now: v.Now})
	if !errors.Is(w.err, context.Canceled) || len(w.pages) > 0 || len(v.requests()) > 0 {
		t.Errorf("%d pages after %d requests: %v", len(w.pages), len(v.requests()), w.err)
	}
	noneLeft(t)
}

func (src Source) errorOnce(t *testing.T) {
	for _, after := range []int{0, 1, 2} {
		v := src.serve(t)
		s := src.Open(t, v)
		failed := false
		pages := 0
		if pages == after {
			v.deny()
		}
		for _, w := range windows(t, s, extract.Ask{Now: v.Now}) {
			errs := 0
			for page, err := range s.Walk(t.Context(), w) {
				if err == nil {
					if pages++; pages == after {
						v.deny()
					}
					page.Confirm()
					continue
				}
				errs++
				if page.Body != nil || page.Rows != 0 {
					t.Errorf("window %s: a page comes with the error", w.ID)
				}
				if extract.KindOf(err) != extract.Denied || !src.isPlaced(err, w.ID) {
					t.Errorf("window %s: the error is %v", w.ID, err)
				}
				for _, secret := range v.sandbox.Secrets() {
					if strings.Contains(err.Error(), secret) {
						t.Error("the error shows a credential")
					}
				}
			}
			if errs > 1 {
				t.Errorf("window %s: %d errors", w.ID, errs)
			}
			failed = failed || errs > 0
		}
		if !failed {
			t.Errorf("denied after %d pages, no walk has failed", after)
		}
		noneLeft(t)
	}
}

// noneLeft fails where a goroutine of a walk lives on.
func noneLeft(t *testing.T) {
	t.Helper()
	stacks := ""
	for range 200 {
		if stacks = walking(); stacks == "" {
			return
		}
		time.Sleep(10 * time.Millisecond) // one that has said that it is done may not have gone yet
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

// walking returns the stacks of the goroutines that a walk has started.
func walking() string {
	buf := make([]byte, 1<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "created by nightjar/extract") && !strings.Contains(stack, "created by nightjar/extract/sandbox") || strings.Contains(stack, "nightjar/extract.send[") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
