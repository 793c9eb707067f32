package extract

import (
	"errors"
	"iter"
)

// errLeft says that the loop over a walk was left.
var errLeft = errors.New("the loop over the walk was left")

// Sequence is a walk that gives its pages one by one as a sequence. An error of give
// says that the loop was left: the walk ends, and returns it. Any other error that it
// returns ends the sequence.
func Sequence[T any](walk func(give func(T) error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := walk(func(page T) error {
			if !yield(page, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			var none T
			yield(none, err)
		}
	}
}

// OneBehind is the Sequence of a walk whose last page, where the walk comes to its end
// without an error, carries the bookmark after it. It holds each page until the next.
func OneBehind(walk func(give func(Page) error) error, after func() Bookmark) iter.Seq2[Page, error] {
	return Sequence(func(give func(Page) error) error {
		var held *Page
		err := walk(func(page Page) error {
			last := held
			held = &page
			if last == nil {
				return nil
			}
			return give(*last)
		})
		if held == nil || errors.Is(err, errLeft) {
			return err
		}
		if err == nil {
			held.After = after()
		}
		if left := give(*held); left != nil {
			return left
		}
		return err
	})
}
