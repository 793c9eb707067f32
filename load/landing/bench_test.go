package landing_test

import (
	"testing"
	"time"

	"nightjar/load/landing"
)

// BenchmarkLand lands pages of 170 kB, each durable before it is handed on. On
// ext4 it is honest only in a folder (TMPDIR) where nothing has been deleted for
// some minutes: the file system keeps fresh inodes back, and creating a file then
// takes 0.8 ms of processor time instead of 0.02.
func BenchmarkLand(b *testing.B) {
	var bodies [16][]byte
	for i := range bodies {
		bodies[i] = body(uint64(i), 170_000)
	}
	z := open(b, b.TempDir())
	w, err := z.Begin(header(runID), func(landing.Landed, []byte) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(170_000)
	p := page(1)
	i := 0
	for b.Loop() {
		p.Body = bodies[i%len(bodies)]
		i++
		if err := w.Append(p); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		b.Fatal(err)
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
