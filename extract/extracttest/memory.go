package extracttest

import (
	"runtime"
	"testing"

	"nightjar/extract"
)

// memory walks a vendor and one that holds ten times as much. What the second walk
// holds beyond the first may be what tells its records from one another, and is
// far less than their pages.
func (src Source) memory(t *testing.T) {
	if testing.Short() || src.Writes {
		t.Skip("walks a lot; of one that writes, the caller decides how much")
	}
	small := src.weigh(t, serve(t, src.Vendor, src.Small))
	large := src.weigh(t, serve(t, src.Vendor, src.Large))
	t.Logf("%d rows of %d KiB hold %d KiB; %d rows of %d KiB hold %d KiB",
		small.rows, small.bytes>>10, small.held>>10, large.rows, large.bytes>>10, large.held>>10)
	if large.rows < 8*small.rows {
		t.Fatalf("%d rows are not ten times %d", large.rows, small.rows)
	}
	if large.held > small.held+noise+(large.bytes-small.bytes)/4 {
		t.Error("what a walk holds grows with the data")
	}
}

// noise is what connections and buffers may take, now more, now less.
const noise = 1 << 20

// weight is what a walk has brought and held.
type weight struct {
	rows, bytes int64 // of all pages
	held        int64 // at most, beyond what was held before, in bytes
}

func (src Source) weigh(t *testing.T, v *Vendor) weight {
	v.wire.forget = true
	s := src.Open(t, v)
	before := live()
	var sum weight
	pages, next := 0, 1
	for _, w := range windows(t, s, extract.Ask{Now: v.Now}) {
		for page, err := range s.Walk(t.Context(), w) {
			if err != nil {
				t.Fatal(err)
			}
			page.Confirm()
			sum.rows += page.Rows
			sum.bytes += int64(len(page.Body))
			if pages++; pages == next {
				next += max(1, next/2) // a look is a collection of garbage
				sum.held = max(sum.held, live()-before)
			}
		}
	}
	sum.held = max(sum.held, live()-before)
	runtime.KeepAlive(s)
	return sum
}

// live is the heap that is in use. What a pool holds goes with the second
// collection.
func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
