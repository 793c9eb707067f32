package partition

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// benchRows makes rows with random keys.
type benchRows struct {
	rand  *rand.Rand
	batch int // rows of a record
}

// records makes rows whose business days lie in [from, to).
func (g benchRows) records(rows int, from, to int32, value string) []arrow.Record {
	var all []arrow.Record
	for done := 0; done < rows; done += g.batch {
		versions := make([]version, min(g.batch, rows-done))
		for i := range versions {
			versions[i] = version{
				key: fmt.Sprintf("%016x-%016x", g.rand.Uint64(), g.rand.Uint64()), page: done / 500, value: value,
				day: from + int32(int64(done+i)*int64(to-from)/int64(rows)), tags: []string{"livraison"},
			}
		}
		all = append(all, record(memory.DefaultAllocator, versions))
	}
	return all
}

// mergeAll stages and merges records, and returns the bytes written.
func (w warehouse) mergeAll(b *testing.B, pool *Pool, records []arrow.Record) (written int64, files int) {
	b.Helper()
	dir, err := os.MkdirTemp(b.TempDir(), "merge")
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewStage(testTable, Month, dir, pool, memory.DefaultAllocator)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, rec := range records {
		if err := s.Add(rec); err != nil {
			b.Fatal(err)
		}
	}
	moves, err := s.Moved(b.Context(), w)
	if err != nil {
		b.Fatal(err)
	}
	out, err := s.Merge(b.Context(), Plan{
		Old: w, Moved: moves, Delta: filepath.Join(dir, "delta.parquet"),
		Path: func(p Partition) string { return filepath.Join(dir, Month.Folder(p), "data.parquet") },
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range out.Partitions {
		if r.Path != "" {
			w[r.Partition] = r.Path
			written += r.Bytes
			files++
		}
	}
	return written, files
}

// BenchmarkMerge takes a million rows of a year, in the order of their days, from
// records to partition files; most of them go through scratch files.
func BenchmarkMerge(b *testing.B) {
	const rows = 1_000_000
	records := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}.records(rows, 20089, 20454, "a")
	var bytes int64
	for _, rec := range records {
		bytes += recordBytes(rec)
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		warehouse{}.mergeAll(b, NewPool(32<<20), records)
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkNight merges a night of a thousand rows, all of the last three days,
// with histories of different length and 10,000 rows a month. Time and bytes
// follow the night, but for the look at the keys of the history.
func BenchmarkNight(b *testing.B) {
	for _, months := range []int32{10, 100} {
		b.Run(fmt.Sprintf("history=%dk", months*10), func(b *testing.B) {
			const today = 20420
			g := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}
			live := warehouse{}
			live.mergeAll(b, NewPool(1<<30), g.records(int(months)*10_000, today-30*months, today, "a"))
			night := g.records(1000, today-3, today, "b")
			var written int64
			var files int
			for b.Loop() {
				written, files = maps.Clone(live).mergeAll(b, NewPool(1<<30), night)
			}
			b.ReportMetric(float64(written), "bytes-written")
			b.ReportMetric(float64(files), "files-written")
		})
	}
}
