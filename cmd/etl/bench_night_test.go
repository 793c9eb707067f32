package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// nightRows is what a night of BenchmarkHistory brings.
const nightRows = 30_000

// BenchmarkHistory is one night of 30,000 conversations, and the three days before it
// once more, on histories of 100,000 and of ETL_BENCH_ROWS conversations, ten million
// without it: as many days of 30,000 each. Then the same night again, in which nothing
// has changed, and a replay of all that has landed. It prints what each takes on the
// long history for one on the short.
//
// A night copies the database, which is as long as the history. What that takes is
// measured by itself, with cp, and left out of the ratios of time and of bytes.
func BenchmarkHistory(b *testing.B) {
	long := 10_000_000
	if text := os.Getenv(benchRowsVar); text != "" {
		var err error
		if long, err = strconv.Atoi(text); err != nil {
			b.Fatalf("%s: %v", benchRowsVar, err)
		}
	}
	for b.Loop() {
		short, long := historyOf(b, 100_000), historyOf(b, long)
		b.ReportMetric(0, "ns/op")
		for _, step := range []string{"first-load", "night", "quiet", "replay"} {
			s, l := short[step], long[step]
			b.Logf("%-10s short: %v", step, s)
			b.Logf("%-10s long:  %v", step, l)
			b.ReportMetric(l.user.Seconds()/s.user.Seconds(), step+"-user-cpu-ratio")
			b.ReportMetric(l.withoutCopy().Seconds()/s.withoutCopy().Seconds(), step+"-wall-ratio")
			b.ReportMetric(float64(l.written-l.database)/float64(s.written-s.database), step+"-written-ratio")
			b.ReportMetric(float64(l.peak)/float64(s.peak), step+"-peak-ratio")
		}
		rate := func(step string) float64 { return long[step].rows / long[step].took.Seconds() }
		b.ReportMetric(rate("replay")/rate("first-load"), "replay-times-first-load")
	}
}

// nightly is what one run of the program took.
type nightly struct {
	cost
	user     time.Duration
	rows     float64 // in the main table
	written  int64   // bytes, as the system counts them: files, and what was asked of the vendor
	database int64   // bytes of the database, where the night copies it
	copied   time.Duration
}

func (n nightly) withoutCopy() time.Duration { return max(n.took-n.copied, time.Millisecond) }

func (n nightly) String() string {
	return fmt.Sprintf("%.2f s, %.2f of it for cp's copy of the database; user %.2f s, all CPU %.2f s; written %.1f MB and %.1f of database; peak %.0f MB",
		n.took.Seconds(), n.copied.Seconds(), n.user.Seconds(), n.cpu.Seconds(), float64(n.written-n.database)/1e6, float64(n.database)/1e6, float64(n.peak)/1e6)
}

// historyOf loads so many conversations, runs the night twice, and replays.
func historyOf(b *testing.B, rows int) map[string]nightly {
	dir := b.TempDir()
	vendor := &nightlyVendor{dir: filepath.Join(dir, "pages"), rows: map[string]int{}}
	if err := os.MkdirAll(vendor.dir, 0o755); err != nil {
		b.Fatal(err)
	}
	night := time.Date(2025, 12, 16, 0, 0, 0, 0, time.UTC)
	first := night
	for left := rows; left > 0; left -= nightRows {
		first = first.AddDate(0, 0, -1)
		if err := vendor.add(first, min(left, nightRows)); err != nil {
			b.Fatal(err)
		}
	}
	server := httptest.NewServer(vendor)
	defer server.Close()
	if err := os.WriteFile(filepath.Join(dir, "pipelines.yaml"), []byte(benchConfig), 0o644); err != nil {
		b.Fatal(err)
	}
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	all := map[string]nightly{}
	step := func(name string, want int, args ...string) {
		all[name] = runNightly(b, dir, server.URL, name, args...)
		if got := benchCount(b, filepath.Join(dir, "warehouse", "analytics.duckdb"), "iadvize.conversations"); got != want {
			b.Fatalf("%s: %d conversations, want %d", name, got, want)
		}
	}
	step("first-load", rows, "run", "-q", "--from", day(first), "--to", day(night))
	if err := vendor.add(night, nightRows); err != nil {
		b.Fatal(err)
	}
	look := []string{"run", "-q", "--from", day(night.AddDate(0, 0, -3)), "--to", day(night.AddDate(0, 0, 1))}
	step("night", rows+nightRows, look...)
	step("quiet", rows+nightRows, look...)
	step("replay", rows+nightRows, "replay", "-q")
	for name, n := range all {
		n.rows = float64(rows)
		all[name] = n
	}
	return all
}

// runNightly runs the program once in dir, with a profile of its own for each step.
func runNightly(b *testing.B, dir, url, step string, args ...string) nightly {
	b.Helper()
	profile := os.Getenv(benchProfileVar)
	if profile != "" {
		profile += "-" + filepath.Base(filepath.Dir(dir)) + filepath.Base(dir) + "-" + step
	}
	counts := filepath.Join(dir, "counts")
	cmd := exec.Command("etl-profiled", args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + os.TempDir(), benchProfileVar + "=" + profile, benchMemoryVar + "=" + benchMemory(), benchWrittenVar + "=" + counts,
		"GOMAXPROCS=" + strconv.Itoa(runtime.GOMAXPROCS(0)), "IADVIZE_ENDPOINT=" + url + "/graphql", "IADVIZE_TOKEN_URL=" + url + "/oauth2/token", "IADVIZE_PASSWORD=benchmark"}
	n := nightly{cost: timed(b, cmd)}
	n.user, n.written = cmd.ProcessState.UserTime(), writtenBy(b, counts)
	if step == "night" || step == "quiet" {
		n.database, n.copied = copyByHand(b, filepath.Join(dir, "warehouse", "analytics.duckdb"))
	}
	return n
}

// writtenBy reads how many bytes a program handed to the system, of a copy of
// /proc/self/io.
func writtenBy(b *testing.B, path string) (bytes int64) {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, counted, found := strings.Cut(string(text), "wchar: "); found {
		if _, err := fmt.Sscan(counted, &bytes); err == nil {
			return bytes
		}
	}
	b.Fatalf("%s says nothing of what was written:\n%s", path, text)
	return 0
}

// copyByHand copies a file with cp and makes it durable, and tells its size and what
// that took.
func copyByHand(b *testing.B, path string) (int64, time.Duration) {
	b.Helper()
	to := filepath.Join(b.TempDir(), "copy")
	start := time.Now()
	if out, err := exec.Command("cp", path, to).CombinedOutput(); err != nil {
		b.Fatalf("cp: %v: %s", err, out)
	}
	f, err := os.Open(to)
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(to)
	defer f.Close()
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	took := time.Since(start)
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return info.Size(), took
}
