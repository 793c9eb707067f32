package landing_test

import (
	"testing"
	"time"

	"nightjar/load/landing"
)

// BenchmarkLand lands pages, each durable before it is handed on: large ones of 170 kB,
// and small ones of 2 kB.
func BenchmarkLand(b *testing.B) {
	for name, size := range map[string]int{"large": 170_000, "small": 2_000} {
		b.Run(name, func(b *testing.B) {
			var bodies [16][]byte
			for i := range bodies {
				bodies[i] = body(uint64(i), size)
			}
			z := open(b, b.TempDir())
			w, err := z.Begin(header(runID), func(landing.Landed, []byte) error { return nil })
			must(b, err)
			b.SetBytes(int64(size))
			p := page(1)
			i := 0
			for b.Loop() {
				p.Body = bodies[i%len(bodies)]
				i++
				must(b, w.Append(p))
			}
			must(b, w.End(end(landing.StatusLanded)))
		})
	}
}

// BenchmarkReplay reads landed pages of 170 kB back, on one goroutine.
func BenchmarkReplay(b *testing.B) {
	z := open(b, b.TempDir())
	w, err := z.Begin(header(runID), nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 200 {
		p := page(i)
		p.Body, p.At = body(uint64(i), 170_000), time.Time{}
		if err := w.Append(p); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		b.Fatal(err)
	}
	r := readRun(b, z, runID)
	all := pages(b, r)
	b.SetBytes(170_000)
	var buf []byte
	i := 0
	for b.Loop() {
		if buf, err = z.Body(&all[i%len(all)], buf); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
