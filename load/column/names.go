package column

import (
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/array"
)

// Names numbers texts of which few differ, so that a row holds four bytes in place of
// one. It grows by an entry a text, not a row, and may be used by several goroutines.
type Names struct {
	mu      sync.Mutex
	numbers map[string]int32
	names   []string
}

// NumberEach puts the number of each text into numbers, and returns the texts by
// number.
func (n *Names) NumberEach(texts *array.String, numbers []int32) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	last, number := "", int32(-1)
	for i := range numbers {
		if text := texts.Value(i); number < 0 || text != last {
			last, number = text, n.of(text)
		}
		numbers[i] = number
	}
	return n.names
}

// Number is the number of one text.
func (n *Names) Number(text string) int32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of(text)
}

// All is the texts so far, by number.
func (n *Names) All() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names
}

// of is the number of a text; n.mu is held.
func (n *Names) of(text string) int32 {
	if number, ok := n.numbers[text]; ok {
		return number
	}
	if n.numbers == nil {
		n.numbers = map[string]int32{}
	}
	text = strings.Clone(text)
	number := int32(len(n.names))
	n.numbers[text], n.names = number, append(n.names, text)
	return number
}
