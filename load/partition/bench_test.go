package partition

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/column"
)

// benchTable is shaped as iadvize.conversations.
var benchTable = load.Table{
	Schema: "bench", Name: "conversations", Key: []string{"conversation_id"}, Day: "closed_date",
	Arrow: arrow.NewSchema([]arrow.Field{
		{Name: "conversation_id", Type: arrow.BinaryTypes.String},
		{Name: "project_id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "channel", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "language", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "created_at", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "closed_at", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "closed_date", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "duration_seconds", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "csat_score", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		{Name: "nps_score", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		{Name: "survey_comment", Type: arrow.BinaryTypes.String, Nullable: true, Metadata: arrow.MetadataFrom(map[string]string{"class": "free text"})},
		{Name: load.ExtractedAt, Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: load.Page, Type: arrow.BinaryTypes.String},
	}, nil),
}

// benchRows makes rows with random keys, 500 a page, three in ten with a survey.
type benchRows struct {
	rand  *rand.Rand
	batch int // rows of a record
}

// records makes rows whose business days lie in [from, to), in their order.
func (g benchRows) records(rows int, from, to int32, comment string) []arrow.Record {
	schema := arrow.NewSchema(append(benchTable.Arrow.Fields(), arrow.Field{Name: load.BusinessDate, Type: arrow.FixedWidthTypes.Date32, Nullable: true}), nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	var all []arrow.Record
	for done := range rows {
		day := from + int32(int64(done)*int64(to-from)/int64(rows))
		g.row(b, day, done/500, comment)
		if (done+1)%g.batch == 0 || done+1 == rows {
			all = append(all, b.NewRecord())
		}
	}
	return all
}

func (g benchRows) row(b *array.RecordBuilder, day int32, page int, comment string) {
	channels := [...]string{"CHAT", "CHAT", "CHAT", "WHATSAPP", "CALL", "FACEBOOK_BUSINESS_ON_MESSENGER"}
	languages := [...]string{"fr", "fr", "fr", "en", "de"}
	tags := [...]string{"livraison", "retour", "facture", "devis", "stock"}
	text := func(c int, v string) { b.Field(c).(*array.StringBuilder).Append(v) }
	instant := func(c int, second int64) { b.Field(c).(*array.TimestampBuilder).Append(arrow.Timestamp(second * 1e6)) }
	lasted, closed := 30+g.rand.Int64N(900), int64(day)*86400+g.rand.Int64N(86400)
	text(0, fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", g.rand.Uint32(), g.rand.IntN(1<<16), g.rand.IntN(1<<12), g.rand.IntN(1<<12), g.rand.Uint64()>>16))
	b.Field(1).(*array.Int64Builder).Append(9999)
	text(2, channels[g.rand.IntN(len(channels))])
	text(3, languages[g.rand.IntN(len(languages))])
	instant(4, closed-lasted)
	instant(5, closed)
	b.Field(6).(*array.Date32Builder).Append(arrow.Date32(day))
	b.Field(7).(*array.Float64Builder).Append(float64(lasted))
	list := b.Field(8).(*array.ListBuilder)
	list.Append(true)
	if t := g.rand.IntN(2 * len(tags)); t < len(tags) {
		list.ValueBuilder().(*array.StringBuilder).Append(tags[t])
	}
	if g.rand.IntN(10) < 3 {
		b.Field(9).(*array.Int8Builder).Append(int8(1 + g.rand.IntN(5)))
		b.Field(10).(*array.Int8Builder).Append(int8(g.rand.IntN(11)))
		text(11, fmt.Sprintf("%s %d", comment, g.rand.IntN(1e6)))
	} else {
		b.Field(9).AppendNull()
		b.Field(10).AppendNull()
		b.Field(11).AppendNull()
	}
	instant(12, 1_795_000_000+int64(page))
	text(13, fmt.Sprintf("iadvize/closed_conversations/20261121T022954.729Z/%06d", page+1))
	b.Field(14).(*array.Date32Builder).Append(arrow.Date32(day))
}

// mergeAll stages and merges records, and returns the bytes written. Where there
// are old files it writes a delta.
func (w warehouse) mergeAll(b testing.TB, pool *Pool, records []arrow.Record) (written int64, files int) {
	b.Helper()
	dir, err := os.MkdirTemp(b.TempDir(), "merge")
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewStage(benchTable, Month, dir, pool, memory.DefaultAllocator)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, rec := range records {
		if err := s.Add(rec); err != nil {
			b.Fatal(err)
		}
	}
	moves, err := s.Moved(b.Context(), w.old())
	if err != nil {
		b.Fatal(err)
	}
	plan := Plan{
		Old: w.old(), Moved: moves,
		New: filesIn(dir, Month),
	}
	if len(w) > 0 {
		plan.Delta = filepath.Join(dir, "delta.parquet")
	}
	out, err := s.Merge(b.Context(), plan)
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
// records to partition files: all by way of memory, or all by way of the disk.
func BenchmarkMerge(b *testing.B) {
	const rows = 1_000_000
	records := benchRows{rand.New(rand.NewPCG(1, 1)), 50_000}.records(rows, 20089, 20454, "Très bien, merci 😀\nà bientôt")
	var bytes int64
	for _, rec := range records {
		bytes += column.Bytes(rec.Columns()...)
	}
	for name, pool := range map[string]int64{"held": 1 << 30, "spilled": 0} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(bytes)
			b.ReportAllocs()
			var written int64
			for b.Loop() {
				written, _ = warehouse{}.mergeAll(b, NewPool(pool), records)
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(written), "bytes-written")
		})
	}
}

// BenchmarkLooks finds what is gone after a first load: a million looks, a hundred a
// page, at parents of which one in ten has a child, and nothing is gone. Against it,
// the same children without a look.
func BenchmarkLooks(b *testing.B) {
	const parents, pages = 1_000_000, 10_000
	g := rand.New(rand.NewPCG(1, 1))
	names := make([][]byte, parents)
	for i := range names {
		names[i] = fmt.Appendf(nil, "%08x-%04x-4%03x-a%03x-%012x", g.Uint32(), g.IntN(1<<16), g.IntN(1<<12), g.IntN(1<<12), g.Uint64()>>16)
	}
	var all []showing
	for i := 0; i < parents; i += 10 {
		all = append(all, showing{page: i / (parents / pages), parent: string(names[i]), day: 20089 + int32(i/2800), children: map[string]string{"1": "x"}})
	}
	rec := childRecord(memory.DefaultAllocator, childTable, all)
	defer rec.Release()
	for name, looks := range map[string]bool{"with": true, "without": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := NewStage(childTable, Month, b.TempDir(), NewPool(1<<30), memory.DefaultAllocator)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Add(rec); err != nil {
					b.Fatal(err)
				}
				for page := range pages {
					if looks {
						if err := s.Look(pageName(page), slices.Values(names[page*(parents/pages):(page+1)*(parents/pages)])); err != nil {
							b.Fatal(err)
						}
					}
				}
				if moves, err := s.Moved(b.Context(), nil); err != nil || len(moves) > 0 {
					b.Fatalf("%d keys moved: %v", len(moves), err)
				}
				s.Close()
			}
		})
	}
}
