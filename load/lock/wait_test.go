package lock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/load/lock"
)

// Who waits is told for whom, once, and has the lock as soon as it is free.
func TestWaitsForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		first, err := acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(20*time.Minute, func() { first() })
		var told []lock.Holder
		second, err := lock.Acquire(t.Context(), path, time.Hour, func(h lock.Holder) { told = append(told, h) })
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 20*time.Minute || took > 20*time.Minute+time.Second {
			t.Errorf("it had the lock after %s, which was free after 20m", took)
		}
		if len(told) != 1 || told[0].PID != os.Getpid() || !told[0].Started.Equal(began.UTC().Truncate(time.Second)) {
			t.Errorf("it was told %v, want this process since %s, once", told, began)
		}
		if h, held := lock.Look(path); !held || h.Started.Before(began.Add(20*time.Minute).Truncate(time.Second)) {
			t.Errorf("the lock says %v (%v), want who has it now", h, held)
		}
		if err := second(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWaitsNoLongerThanAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		release, err := acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		for _, wait := range []time.Duration{-time.Second, 0, time.Millisecond, 90 * time.Minute} {
			began, told := time.Now(), 0
			_, err := lock.Acquire(t.Context(), path, wait, func(lock.Holder) { told++ })
			var held *lock.HeldError
			if !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
				t.Errorf("after %s: got %v, want a HeldError with our pid", wait, err)
			}
			if took := time.Since(began); took != max(wait, 0) {
				t.Errorf("it waited %s, want %s", took, wait)
			}
			if want := min(1, max(0, int(wait))); told != want {
				t.Errorf("with a wait of %s it was told %d times, want %d", wait, told, want)
			}
		}
	})
}

// Who is stopped while it waits ends at once, and leaves the lock to its holder.
func TestStoppedWhileItWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		release, err := acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		began := time.Now()
		if _, err := lock.Acquire(ctx, path, time.Hour, func(lock.Holder) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was stopped", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it was stopped after %s, want a minute", took)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	})
}

// A holder in another process is waited for as well, also when it is killed.
func TestWaitsForAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	second := hold(t, path)
	told := 0
	release, err := lock.Acquire(t.Context(), path, time.Minute, func(h lock.Holder) {
		if told++; h.PID != second.Process.Pid {
			t.Errorf("it waits for %v, want pid %d", h, second.Process.Pid)
		}
		second.Process.Kill()
	})
	if err != nil || told != 1 {
		t.Fatalf("got %v, told %d times", err, told)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

// The system says who holds the lock, not the file: the words of a holder that was killed
// stay there, and its pid may be another's by now.
func TestLookTellsTheLivingFromTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if h, held := lock.Look(path); held {
		t.Errorf("a lock that is not there is held by %v", h)
	}
	second := hold(t, path)
	if h, held := lock.Look(path); !held || h.PID != second.Process.Pid || h.Host == "" {
		t.Errorf("got %v (%v), want pid %d", h, held, second.Process.Pid)
	}
	second.Process.Kill()
	second.Wait()
	if h, held := lock.Look(path); held {
		t.Errorf("the lock of a killed holder is held by %v", h)
	}
	release, err := acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if h, held := lock.Look(path); !held || h.PID != os.Getpid() {
		t.Errorf("got %v (%v), want this process", h, held)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if h, held := lock.Look(path); held {
		t.Errorf("after release it is held by %v", h)
	}
}

// Who only looks never turns away who takes the lock, however often it looks.
func TestLookStandsInNobodysWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	stop := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					lock.Look(path)
					time.Sleep(50 * time.Microsecond)
				}
			}
		})
	}
	for range 2000 {
		release, err := acquire(path)
		if err != nil {
			t.Errorf("turned away: %v", err)
			break
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	looking.Wait()
}
