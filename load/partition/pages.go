package partition

import (
	"cmp"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/array"
)

// comparePages orders landed pages: by their run, then by their number in it. The
// number is compared as one, so that page 1000000 comes after 999999.
func comparePages(a, b string) int {
	if a == b {
		return 0
	}
	runA, numberA := splitPage(a)
	runB, numberB := splitPage(b)
	if runA != runB {
		return strings.Compare(runA, runB)
	}
	return cmp.Or(cmp.Compare(len(numberA), len(numberB)), strings.Compare(numberA, numberB), strings.Compare(a, b))
}

// splitPage is the run of a page, and its number without leading zeros.
func splitPage(page string) (run, number string) {
	cut := strings.LastIndexByte(page, '/') + 1
	return page[:cut], strings.TrimLeft(page[cut:], "0")
}

// laterPage is the newer of two pages.
func laterPage(a, b string) string {
	if comparePages(a, b) < 0 {
		return b
	}
	return a
}

// pageNames numbers landed pages, so that a staged row holds four bytes in place
// of a name. It grows by an entry a page, not a row.
type pageNames struct {
	mu      sync.Mutex
	numbers map[string]int32
	names   []string
}

// number puts the number of each row's page into numbers, and returns the names by
// number.
func (p *pageNames) number(pages *array.String, numbers []int32) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, number := "", int32(-1)
	for i := range numbers {
		if page := pages.Value(i); number < 0 || page != last {
			last, number = page, p.of(page)
		}
		numbers[i] = number
	}
	return p.names
}

// one is the number of one page.
func (p *pageNames) one(page string) int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(page)
}

// all is the names so far, by number.
func (p *pageNames) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names
}

// of is the number of a page; p.mu is held.
func (p *pageNames) of(page string) int32 {
	if n, ok := p.numbers[page]; ok {
		return n
	}
	if p.numbers == nil {
		p.numbers = map[string]int32{}
	}
	page = strings.Clone(page)
	n := int32(len(p.names))
	p.numbers[page], p.names = n, append(p.names, page)
	return n
}
