package partition

import (
	"cmp"
	"strings"
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
