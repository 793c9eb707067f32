package extract_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/extract"
)

// slow yields pages "task.page", the earlier tasks the slower.
func slow(tasks, pages int, running, most *atomic.Int64) iter.Seq[extract.Task] {
	return func(yield func(extract.Task) bool) {
		for i := range tasks {
			if !yield(func(ctx context.Context) iter.Seq2[extract.Page, error] {
				return func(yield func(extract.Page, error) bool) {
					now := running.Add(1)
					defer running.Add(-1)
					if now > most.Load() {
						most.Store(now)
					}
					for p := range pages {
						select {
						case <-ctx.Done():
							yield(extract.Page{}, ctx.Err())
							return
						case <-time.After(time.Duration(tasks-i) * time.Second):
						}
						if !yield(extract.Page{Body: fmt.Appendf(nil, "%d.%d", i, p)}, nil) {
							return
						}
					}
				}
			}) {
				return
			}
		}
	}
}

func TestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		var got []string
		for page, err := range extract.InOrder(t.Context(), 3, slow(7, 4, &running, &most)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(page.Body))
		}
		if len(got) != 28 || !slices.IsSorted(got) || most.Load() != 3 || running.Load() != 0 {
			t.Errorf("%v, %d at once", got, most.Load())
		}
	})
}

func TestInOrderEndsEarly(t *testing.T) {
	boom := errors.New("boom")
	failing := func(ctx context.Context) iter.Seq2[extract.Page, error] {
		return func(yield func(extract.Page, error) bool) {
			if yield(extract.Page{Body: []byte("x")}, nil) {
				yield(extract.Page{}, boom)
			}
		}
	}
	synctest.Test(t, func(t *testing.T) { // the bubble fails the test if a goroutine stays
		var running, most atomic.Int64
		for range extract.InOrder(t.Context(), 3, slow(100, 100, &running, &most)) {
			break
		}
		if running.Load() != 0 {
			t.Error("a task outlives the loop")
		}

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range extract.InOrder(ctx, 3, slow(100, 100, &running, &most)) {
			cancel()
			last = err
		}
		if !errors.Is(last, context.Canceled) || running.Load() != 0 {
			t.Errorf("after a cancel: %v", last)
		}

		n := 0
		for _, err := range extract.InOrder(t.Context(), 2, slices.Values([]extract.Task{failing, failing})) {
			n++
			last = err
		}
		if n != 2 || last != boom {
			t.Errorf("after an error: %d pages, %v", n, last)
		}
	})
}

// walk is a task of so many pages, each after a pause, and then of an error, if any.
func walk(pages int, pause time.Duration, err error) extract.Task {
	return func(ctx context.Context) iter.Seq2[extract.Page, error] {
		return func(yield func(extract.Page, error) bool) {
			for i := range pages {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					yield(extract.Page{}, ctx.Err())
					return
				}
				if !yield(extract.Page{Rows: int64(i)}, nil) {
					return
				}
			}
			if err != nil {
				yield(extract.Page{}, err)
			}
		}
	}
}

// Pages come as they are there; those of a task keep their order, every task ends
// once, and no more than n run at a time.
func TestAsTheyCome(t *testing.T) {
	boom := errors.New("boom")
	tasks := []extract.Task{walk(3, time.Second, nil), walk(5, time.Minute, boom), walk(0, 0, nil), walk(4, time.Second, nil)}

	t.Run("to the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			pages, ends := map[int]int{}, map[int]error{}
			for got := range extract.AsTheyCome(t.Context(), 2, tasks) {
				if got.End {
					ends[got.Task] = got.Err
					continue
				}
				if got.Page.Rows != int64(pages[got.Task]) {
					t.Errorf("task %d: page %d after %d pages", got.Task, got.Page.Rows, pages[got.Task])
				}
				pages[got.Task]++
			}
			if !maps.Equal(pages, map[int]int{0: 3, 1: 5, 3: 4}) || !maps.Equal(ends, map[int]error{0: nil, 1: boom, 2: nil, 3: nil}) {
				t.Errorf("pages %v, ends %v", pages, ends)
			}
			if took := time.Since(began); took != 5*time.Minute {
				t.Errorf("took %v: the slow task held up the others, or they ran beside more than one", took)
			}
		})
	})
	t.Run("left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // the bubble fails the test if a goroutine stays
			for range extract.AsTheyCome(t.Context(), 3, tasks) {
				break
			}
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cancelled := 0
			for got := range extract.AsTheyCome(ctx, 2, tasks) {
				cancel()
				if errors.Is(got.Err, context.Canceled) {
					cancelled++
				}
			}
			if cancelled < 2 {
				t.Errorf("%d tasks said that they were cancelled", cancelled)
			}
		})
	})
}

// A task that panics ends like one that fails, on whatever goroutine it ran: with
// an error that holds the panic and where it was, and with no goroutine left.
func TestPanicsOfTasksAreErrors(t *testing.T) {
	panics := func(context.Context) iter.Seq2[extract.Page, error] {
		return func(yield func(extract.Page, error) bool) {
			if yield(extract.Page{Rows: 1}, nil) {
				panic("a fault of the walk")
			}
		}
	}
	expect := func(t *testing.T, err error) {
		t.Helper()
		var fault *extract.PanicError
		if !errors.As(err, &fault) || err.Error() != "a fault in the program: a fault of the walk" {
			t.Fatalf("got %v", err)
		}
		if !strings.Contains(string(fault.Stack()), "fanin_test.go") {
			t.Errorf("the stack does not lead to the panic:\n%s", fault.Stack())
		}
	}
	t.Run("in order", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int64
			tasks := slices.Collect(slow(3, 2, &running, &most))
			pages := 0
			var last error
			for _, err := range extract.InOrder(t.Context(), 2, slices.Values([]extract.Task{tasks[0], panics, tasks[2]})) {
				last = err
				pages++
			}
			expect(t, last)
			if pages != 2+1+1 || running.Load() != 0 {
				t.Errorf("%d pages and ends came, %d tasks run on", pages, running.Load())
			}
		})
	})
	t.Run("as they come", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int64
			tasks := append(slices.Collect(slow(3, 2, &running, &most)), panics)
			ends := map[int]error{}
			for taken := range extract.AsTheyCome(t.Context(), 2, tasks) {
				if taken.End {
					ends[taken.Task] = taken.Err
				}
			}
			expect(t, ends[3])
			if len(ends) != 4 || ends[0] != nil || ends[1] != nil || ends[2] != nil {
				t.Errorf("the tasks ended with %v", ends)
			}
		})
	})
}
