package partition

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/column"
	"nightjar/load/parquetfile"
)

// BenchmarkNight merges a night of a thousand rows, all of the last three days,
// with histories of different length and 10,000 rows a month. Time and bytes
// follow the night.
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

// BenchmarkMonth merges a night into a month of 800,000 rows: 30,000 that are new, with the
// three days before read again as they were; and those three days alone.
func BenchmarkMonth(b *testing.B) {
	const first, today = 20393, 20420
	g := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}
	live := warehouse{}
	live.mergeAll(b, NewPool(1<<30), g.records(800_000, first, today, "a"))
	again := g.again(b, live, func(row int64, day int32) bool { return day >= today-3 })
	for name, night := range map[string][]arrow.Record{
		"new": append(g.records(30_000, today-1, today+1, "b"), again...), "unchanged": again,
	} {
		b.Run(name, func(b *testing.B) { measureNights(b, live, night) })
	}
}

// BenchmarkSpread merges 10,000 changed rows, one in 300 of a history of three million.
func BenchmarkSpread(b *testing.B) {
	const today = 20420
	g := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}
	live := warehouse{}
	for year := range int32(3) {
		live.mergeAll(b, NewPool(1<<30), g.records(1_000_000, today-300*(year+1), today-300*year, "a"))
	}
	measureNights(b, live, g.changed(b, live, func(row int64, _ int32) bool { return row%300 == 0 }))
}

// measureNights merges a night over the same files again and again. The metric of user
// CPU holds on a machine that others use too.
func measureNights(b *testing.B, live warehouse, night []arrow.Record) {
	var written int64
	before := userTime()
	for b.Loop() {
		written, _ = maps.Clone(live).mergeAll(b, NewPool(1<<30), night)
	}
	b.ReportMetric((userTime()-before)*1000/float64(b.N), "user-ms/op")
	b.ReportMetric(float64(written), "bytes-written")
}

// userTime is the CPU in user space so far, in seconds.
func userTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Sec) + float64(usage.Utime.Usec)/1e6
}

// again is the rows of the files that are wanted, as they come again; changed is with
// another score.
func (g benchRows) again(b testing.TB, live warehouse, wanted func(row int64, day int32) bool) []arrow.Record {
	return readAgain(b, live, wanted, false)
}

func (g benchRows) changed(b testing.TB, live warehouse, wanted func(row int64, day int32) bool) []arrow.Record {
	return readAgain(b, live, wanted, true)
}

func readAgain(b testing.TB, live warehouse, wanted func(row int64, day int32) bool, changed bool) []arrow.Record {
	var all []arrow.Record
	row := int64(0)
	for _, p := range slices.Sorted(maps.Keys(live)) {
		r, err := parquetfile.Open(live[p], benchTable.Arrow.Fields(), 0)
		if err != nil {
			b.Fatal(err)
		}
		for {
			rec, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			var rows []column.Pick
			days := rec.Column(6).(*array.Date32)
			for i := range days.Len() {
				if wanted(row, int32(days.Value(i))) {
					rows = append(rows, column.Pick{Row: int32(i)})
				}
				row++
			}
			if len(rows) > 0 {
				all = append(all, comeAgain(rec, rows, changed))
			}
		}
		r.Close()
	}
	return all
}

// comeAgain is some rows of a record, of pages of a later run.
func comeAgain(rec arrow.Record, rows []column.Pick, changed bool) arrow.Record {
	mem := memory.DefaultAllocator
	fields := append(benchTable.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true})
	columns := make([]arrow.Array, len(fields))
	for c, f := range fields[:len(fields)-1] {
		columns[c] = column.Gather(mem, f.Type, []arrow.Array{rec.Column(c)}, rows)
	}
	columns[14] = columns[6]
	pages, scores := array.NewStringBuilder(mem), array.NewInt8Builder(mem)
	for i := range rows {
		pages.Append(fmt.Sprintf("iadvize/closed_conversations/20261122T022954.729Z/%06d", i/500+1))
		had := columns[9].(*array.Int8)
		if changed && had.IsValid(i) {
			scores.Append(had.Value(i)%5 + 1)
		} else if changed {
			scores.Append(1)
		}
	}
	columns[13] = pages.NewArray()
	if changed {
		columns[9] = scores.NewArray()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(len(rows)))
}
