package extract

import (
	"context"
	"iter"
	"sync"
)

// Task yields a run of pages, as Stream.Walk does.
type Task func(ctx context.Context) iter.Seq2[Page, error]

// InOrder runs tasks, n at a time, and yields their pages in task order, as if
// the tasks ran one after the other. The look-ahead is bounded: the n tasks from
// the one that is being yielded hold at most two pages each, and wait. Tasks are
// pulled from the sequence as they are started, on the caller's goroutine.
//
// The first error ends the sequence. When it ends, for whatever reason, the
// context of the tasks under way is cancelled and all goroutines have returned.
func InOrder(ctx context.Context, n int, tasks iter.Seq[Task]) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		next, stop := iter.Pull(tasks)
		defer stop()

		var queue []chan result
		start := func() {
			if task, ok := next(); ok {
				results := make(chan result, 1)
				queue = append(queue, results)
				running.Go(func() { send(ctx, task, results) })
			}
		}
		for range max(n, 1) {
			start()
		}
		for ; len(queue) > 0; queue = queue[1:] {
			for r := range queue[0] {
				if !yield(r.page, r.err) || r.err != nil {
					return
				}
			}
			if ctx.Err() != nil {
				yield(Page{}, ctx.Err())
				return
			}
			start()
		}
	}
}

type result struct {
	page Page
	err  error
}

// send runs task to its end, or to the end of ctx, and closes results.
func send(ctx context.Context, task Task, results chan<- result) {
	defer close(results)
	for page, err := range task(ctx) {
		select {
		case results <- result{page, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
