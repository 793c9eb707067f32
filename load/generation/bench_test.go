package generation_test

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"nightjar/load/durable"
	"nightjar/load/generation"
)

// BenchmarkCopyDatabase compares the copy of a database of 512 MB, made durable, with
// cp and sync of the same file. It prints the ratio, and the seconds that a gigabyte
// takes on this disk.
func BenchmarkCopyDatabase(b *testing.B) {
	const size = 512 << 20
	s := generation.Open(b.TempDir())
	first, err := s.Begin(nil)
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(first.Database())
	if err == nil {
		_, err = io.CopyN(file, rand.Reader, size)
	}
	if err := errors.Join(err, file.Close(), first.Commit(&generation.Manifest{RunID: "first"})); err != nil {
		b.Fatal(err)
	}
	live, err := s.Current()
	if err != nil {
		b.Fatal(err)
	}
	build, err := s.Begin(live)
	if err != nil {
		b.Fatal(err)
	}
	other := filepath.Join(build.Scratch(), "cp")
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		untouched, err := build.CopyDatabase()
		if err := errors.Join(err, durable.Sync(build.Database())); err != nil || !untouched {
			b.Fatal(untouched, err)
		}
		ours += time.Since(start)
		if err := build.DropDatabase(); err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		if out, err := exec.Command("sh", "-c", `cp "$0" "$1" && sync "$1"`, live.Database(), other).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		theirs += time.Since(start)
		if err := os.Remove(other); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "of-cp-and-sync")
	b.ReportMetric(ours.Seconds()/float64(b.N)/size*1e9, "s/GB")
}
