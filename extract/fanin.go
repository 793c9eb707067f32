package extract

import (
	"context"
	"iter"
	"sync"
)

// Task yields a run of pages, as Stream.Walk does.
type Task = TaskOf[Page]

// TaskOf yields a run of pages with what its walk has read of each.
type TaskOf[T any] = func(ctx context.Context) iter.Seq2[T, error]

// InOrder runs tasks, n at a time, and yields their pages in task order, as if
// the tasks ran one after the other. The look-ahead is bounded: the n tasks from
// the one that is being yielded hold at most two pages each, and wait. Tasks are
// pulled from the sequence as they are started, on the caller's goroutine.
//
// The first error ends the sequence, and so does a task that panics, with a
// *PanicError. When it ends, for whatever reason, the
// context of the tasks under way is cancelled and all goroutines have returned.
func InOrder[T any](ctx context.Context, n int, tasks iter.Seq[TaskOf[T]]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		next, stop := iter.Pull(tasks)
		defer stop()

		var queue []chan result[T]
		start := func() {
			if task, ok := next(); ok {
				results := make(chan result[T], 1)
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
				var none T
				yield(none, ctx.Err())
				return
			}
			start()
		}
	}
}

type result[T any] struct {
	page T
	err  error
}

// send runs task to its end, or to the end of ctx, and closes results.
func send[T any](ctx context.Context, task TaskOf[T], results chan<- result[T]) {
	defer close(results)
	put := func(r result[T]) bool {
		select {
		case results <- r:
			return true
		case <-ctx.Done():
			return false
		}
	}
	if err := each(ctx, task, func(page T) bool { return put(result[T]{page: page}) }); err != nil {
		put(result[T]{err: err})
	}
}

// each runs task to its end, or until take has enough of its pages. What the task
// panics with is its error.
func each[T any](ctx context.Context, task TaskOf[T], take func(T) bool) (err error) {
	defer Catch(&err)
	for page, err := range task(ctx) {
		if err != nil {
			return err
		}
		if !take(page) {
			return nil
		}
	}
	return nil
}

// Taken is what AsTheyCome takes from a task: a page, or its end.
type Taken struct {
	Task int   // counts from 0 in the order of the tasks
	Page Page  // zero at the end
	End  bool  // the task has ended, whole where Err is nil
	Err  error // what ended the task
}

// AsTheyCome runs tasks, n at a time, and yields their pages as they come: those
// of one task in its order, those of several mixed, so that none waits for
// another. Each task yields one end, that of one that panics with a *PanicError. Tasks are started in order; each holds at
// most one page that has not been taken.
//
// When the sequence ends, for whatever reason, the context of the tasks under way
// is cancelled and all goroutines have returned. Tasks that are cancelled because
// the loop was left yield no end.
func AsTheyCome(ctx context.Context, n int, tasks []Task) iter.Seq[Taken] {
	return func(yield func(Taken) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		taken := make(chan Taken)
		defer func() {
			cancel()
			go func() { running.Wait(); close(taken) }()
			for range taken { // the ends that nobody waits for
			}
		}()
		started, ended := 0, 0
		start := func() {
			if i := started; i < len(tasks) {
				started++
				running.Go(func() { report(ctx, i, tasks[i], taken) })
			}
		}
		for range max(n, 1) {
			start()
		}
		for ended < len(tasks) {
			t := <-taken
			if t.End {
				ended++
				start()
			}
			if !yield(t) {
				return
			}
		}
	}
}

// report runs task i and sends what it yields, and in any case its end.
func report(ctx context.Context, i int, task Task, taken chan<- Taken) {
	end := Taken{Task: i, End: true}
	var cut error
	end.Err = each(ctx, task, func(page Page) bool {
		select {
		case taken <- Taken{Task: i, Page: page}:
		case <-ctx.Done():
			cut = ctx.Err()
		}
		return cut == nil
	})
	if end.Err == nil {
		end.Err = cut
	}
	taken <- end
}
