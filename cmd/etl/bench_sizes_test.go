package main

import (
	"cmp"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"nightjar/cmd/etl/internal/config"
)

// BenchmarkSizes is the program's part of BenchmarkExport at sizes that lie close to
// each other: what a database can do without the disk ends at a size, and just
// before and behind it is where memory is short. It fails where the program takes
// more than it was given.
func BenchmarkSizes(b *testing.B) {
	for _, rows := range []int{1e6, 1.5e6, 2e6, 3e6, 4e6, 5e6, 6e6, 8e6, 10e6} {
		b.Run(fmt.Sprintf("%gM", float64(rows)/1e6), func(b *testing.B) { benchSize(b, rows) })
	}
}

func benchSize(b *testing.B, rows int) {
	dir := b.TempDir()
	if _, err := writeBenchPages(dir, rows); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(benchVendor(dir))
	defer server.Close()
	var all cost
	for b.Loop() {
		all.add(exportOurs(b, server.URL, rows))
	}
	n := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(all.took.Seconds()/n, "s")
	b.ReportMetric(float64(rows)*n/all.took.Seconds(), "rows/s")
	b.ReportMetric(all.cpu.Seconds()/n, "cpu-s")
	b.ReportMetric(float64(all.peak)/1e6, "peak-MB")
	if all.peak > benchMemoryBytes(b) {
		b.Errorf("%d bytes at the peak, and memory is %s", all.peak, benchMemory())
	}
}

// benchMemory is the setting of the program that is measured.
func benchMemory() string { return cmp.Or(os.Getenv(benchMemoryVar), "512MB") }

func benchMemoryBytes(b *testing.B) int64 {
	b.Helper()
	path := b.TempDir() + "/pipelines.yaml"
	if err := os.WriteFile(path, []byte(benchConfig), 0o644); err != nil {
		b.Fatal(err)
	}
	c, err := config.LoadLocal(path, func(name string) (string, bool) {
		return benchMemory(), name == benchMemoryVar
	})
	if err != nil {
		b.Fatal(err)
	}
	return c.Memory
}
