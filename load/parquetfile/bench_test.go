package parquetfile

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"nightjar/load"
	"nightjar/load/column"
)

// benchTable has the columns of a conversation.
var benchTable = load.Table{Schema: "bench", Name: "conversations", Key: []string{"conversation_id"}, Arrow: arrow.NewSchema([]arrow.Field{
	{Name: "conversation_id", Type: arrow.BinaryTypes.String},
	{Name: "project_id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "channel", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "closed_at", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
	{Name: "closed_date", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "duration_seconds", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	{Name: "csat_score", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
	{Name: load.Page, Type: arrow.BinaryTypes.String},
}, nil)}

// benchRows are rows of records, one after another of each: as a merge of as many
// runs lists them, and with the numbers of the pages in place of the pages.
type benchRows struct {
	records []arrow.Record
	rows    []column.Pick
	names   column.Names
}

func newBenchRows(records, rows int) *benchRows {
	g := rand.New(rand.NewPCG(1, 1))
	all := &benchRows{}
	for slot := range records {
		b := array.NewRecordBuilder(memory.DefaultAllocator, benchTable.Arrow)
		for row := range rows {
			benchRow(b, g, 1_790_000_000+int64(row)*60, slot*rows/500+row/500)
		}
		rec := b.NewRecord()
		numbers, values := column.NewNumbers[int32](memory.DefaultAllocator, rows)
		last := len(rec.Columns()) - 1
		all.names.NumberEach(rec.Column(last).(*array.String), values)
		fields := benchTable.Arrow.Fields()
		fields[last].Type = arrow.PrimitiveTypes.Int32
		all.records = append(all.records, array.NewRecord(arrow.NewSchema(fields, nil), append(rec.Columns()[:last:last], numbers), int64(rows)))
	}
	for row := range rows {
		for slot := range records {
			all.rows = append(all.rows, column.Pick{Slot: int32(slot), Row: int32(row)})
		}
	}
	return all
}

func benchRow(b *array.RecordBuilder, g *rand.Rand, second int64, page int) {
	channels, tags := [...]string{"CHAT", "CHAT", "CHAT", "WHATSAPP", "CALL"}, [...]string{"livraison", "retour", "facture", "devis"}
	b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%016x-%016x", g.Uint64(), g.Uint64()))
	b.Field(1).(*array.Int64Builder).Append(9999)
	b.Field(2).(*array.StringBuilder).Append(channels[g.IntN(len(channels))])
	b.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(second * 1e6))
	b.Field(4).(*array.Date32Builder).Append(arrow.Date32(second / 86400))
	b.Field(5).(*array.Float64Builder).Append(float64(30 + g.IntN(900)))
	list := b.Field(6).(*array.ListBuilder)
	list.Append(true)
	if t := g.IntN(2 * len(tags)); t < len(tags) {
		list.ValueBuilder().(*array.StringBuilder).Append(tags[t])
	}
	if g.IntN(10) < 3 {
		b.Field(7).(*array.Int8Builder).Append(int8(1 + g.IntN(5)))
	} else {
		b.Field(7).AppendNull()
	}
	b.Field(8).(*array.StringBuilder).Append(fmt.Sprintf("iadvize/closed_conversations/20261121T022954.729Z/%06d", page+1))
}

// benchPart is some of the rows.
type benchPart struct {
	*benchRows
	from, to int
}

func (p benchPart) Len() int { return p.to - p.from }

func (p benchPart) Column(c int) Column {
	col := Column{Rows: p.rows[p.from:p.to]}
	for _, rec := range p.records {
		col.From = append(col.From, rec.Column(c))
		if c == len(rec.Columns())-1 {
			col.Names = append(col.Names, &p.names)
		}
	}
	return col
}

// record copies the rows, the names of the pages included.
func (p benchPart) record() arrow.Record {
	columns := make([]arrow.Array, benchTable.Arrow.NumFields())
	for c, f := range benchTable.Arrow.Fields() {
		col := p.Column(c)
		if col.Names == nil {
			columns[c] = column.Gather(memory.DefaultAllocator, f.Type, col.From, col.Rows)
			continue
		}
		names := array.NewStringBuilder(memory.DefaultAllocator)
		for _, text := range named(nil, col) {
			names.Append(string(text))
		}
		columns[c] = names.NewArray()
	}
	return array.NewRecord(benchTable.Arrow, columns, int64(p.Len()))
}

// BenchmarkEncode writes half a million rows of eight runs, and has arrow's writer
// write copies of them with the same settings: that is why there is an encoder. CPU
// is that of the process, the garbage collector's included.
func BenchmarkEncode(b *testing.B) {
	rows, path := newBenchRows(8, 64<<10), filepath.Join(b.TempDir(), "rows.parquet")
	for name, write := range map[string]func(*benchRows, string) (int64, error){"own": writeOwn, "arrow": writeArrow} {
		b.Run("encoder="+name, func(b *testing.B) {
			var size int64
			var err error
			before := cpuTime()
			for b.Loop() {
				if size, err = write(rows, path); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N*len(rows.rows)), "cpu-ns/row")
			b.ReportMetric(float64(size), "bytes-written")
		})
	}
}

func cpuTime() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// parts are the rows, as many at a time as a merge lists.
func (r *benchRows) parts(write func(benchPart) error) error {
	const most = 16 << 10
	for from := 0; from < len(r.rows); from += most {
		if err := write(benchPart{r, from, min(from+most, len(r.rows))}); err != nil {
			return err
		}
	}
	return nil
}

func writeOwn(rows *benchRows, path string) (int64, error) {
	w, err := Create(path, benchTable, memory.DefaultAllocator)
	if err != nil {
		return 0, err
	}
	if err := rows.parts(func(p benchPart) error { return w.Write(p) }); err != nil {
		return 0, err
	}
	file, err := w.Close()
	return file.Bytes, err
}

func writeArrow(rows *benchRows, path string) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := bufio.NewWriterSize(f, 256<<10)
	w, err := pqarrow.NewFileWriter(benchTable.Arrow, io.MultiWriter(buf, sha256.New()), properties(benchTable, memory.DefaultAllocator), pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, err
	}
	if err := rows.parts(func(p benchPart) error { return w.WriteBuffered(p.record()) }); err != nil {
		return 0, err
	}
	if err := errors.Join(w.Close(), buf.Flush()); err != nil {
		return 0, err
	}
	return f.Seek(0, io.SeekCurrent)
}
