package parquetfile

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"

	"nightjar/load"
)

// RowGroupRows is how many rows a row group has at most, and where nobody ends it before:
// a compromise between readers, which prune and parallelise by row group, and the writer,
// which holds one in memory.
const RowGroupRows = 128 << 10

// dictionaryLimit lets no dictionary overflow within a row group: a column that
// falls back to plain pages has an encoding list in its footer whose order
// differs from run to run.
const dictionaryLimit = 64 << 20

// createdBy is fixed, so that the bytes depend on the rows alone.
const createdBy = "nightjar"

// Writer writes one Parquet file and hashes it on the way. It ends with Close or
// with Abandon.
type Writer struct {
	f   *os.File
	buf *bufio.Writer
	sum hash.Hash
	out *encoder
}

// File is what is known of a file that has been written.
type File struct {
	Path   string
	Bytes  int64
	SHA256 string // hex
}

// Create creates the Parquet file of a partition of t; one that is there is
// overwritten.
func Create(path string, t load.Table, mem memory.Allocator) (*Writer, error) {
	return create(path, t.Arrow, properties(t, mem))
}

// properties are those of a partition's file.
func properties(t load.Table, mem memory.Allocator) *parquet.WriterProperties {
	options := []parquet.WriterProperty{
		parquet.WithAllocator(mem),
		parquet.WithCreatedBy(createdBy),
		// Arrow calls the root repeated; some readers then see a level of lists too many.
		parquet.WithRootRepetition(parquet.Repetitions.Required),
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithMaxRowGroupLength(RowGroupRows),
		parquet.WithDictionaryPageSizeLimit(dictionaryLimit),
		parquet.WithDictionaryDefault(false),
	}
	for _, f := range t.Arrow.Fields() {
		switch {
		case repeats(t, f):
			// Snappy, because arrow's zstd codec does not take the empty dictionary of
			// a column without values; on dictionary indices it loses little.
			options = append(options, parquet.WithDictionaryFor(columnPath(f), true),
				parquet.WithCompressionFor(columnPath(f), compress.Codecs.Snappy))
		case f.Type.ID() == arrow.TIMESTAMP || f.Type.ID() == arrow.INT64:
			options = append(options, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaBinaryPacked))
		}
	}
	return parquet.NewWriterProperties(options...)
}

// repeats reports whether the values of a column come back often enough to be
// worth a dictionary: not those of keys and foreign keys, instants, decimals and
// personal data.
func repeats(t load.Table, f arrow.Field) bool {
	if slices.Contains(t.Key, f.Name) || strings.HasSuffix(f.Name, "_id") {
		return false
	}
	if class, ok := f.Metadata.GetValue("class"); ok && class != "none" {
		return false
	}
	switch f.Type.ID() {
	case arrow.STRING, arrow.DATE32, arrow.INT8, arrow.LIST, arrow.FLOAT64:
		return true
	}
	return false
}

// columnPath is the Parquet path of the leaf of a field.
func columnPath(f arrow.Field) string {
	if f.Type.ID() == arrow.LIST {
		return f.Name + ".list.element"
	}
	return f.Name
}

// CreateScratch creates a Parquet file that lives for one run.
func CreateScratch(path string, schema *arrow.Schema, mem memory.Allocator) (*Writer, error) {
	return create(path, schema, parquet.NewWriterProperties(
		parquet.WithAllocator(mem), parquet.WithMaxRowGroupLength(RowGroupRows), parquet.WithDictionaryDefault(false),
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithStats(false)))
}

func create(path string, schema *arrow.Schema, props *parquet.WriterProperties) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create parquet file: %w", err)
	}
	w := &Writer{f: f, buf: bufio.NewWriterSize(f, 256<<10), sum: sha256.New()}
	if w.out, err = newEncoder(schema, io.MultiWriter(w.buf, w.sum), props); err != nil {
		f.Close()
		return nil, fmt.Errorf("create parquet file %s: %w", path, err)
	}
	return w, nil
}

// Write appends the rows to the row group under way.
func (w *Writer) Write(rows Rows) error {
	if err := w.out.write(rows); err != nil {
		return fmt.Errorf("write %s: %w", w.f.Name(), err)
	}
	return nil
}

// EndGroup ends the row group under way, if there is one: the next row begins another.
// Readers find rows by row group, and one in which no row has changed is copied as it is.
func (w *Writer) EndGroup() error {
	if err := w.out.endGroup(); err != nil {
		return fmt.Errorf("write %s: %w", w.f.Name(), err)
	}
	return nil
}

// Close finishes the footer and hands the file over to the system. It is durable
// once the generation that it belongs to is.
func (w *Writer) Close() (File, error) {
	size, err := w.finish()
	if err = cmp.Or(err, w.f.Close()); err != nil {
		return File{}, fmt.Errorf("finish %s: %w", w.f.Name(), err)
	}
	return File{Path: w.f.Name(), Bytes: size, SHA256: hex.EncodeToString(w.sum.Sum(nil))}, nil
}

// finish writes what is left, and returns how many bytes the file has.
func (w *Writer) finish() (int64, error) {
	if err := w.out.close(); err != nil {
		return 0, err
	}
	if err := w.buf.Flush(); err != nil {
		return 0, err
	}
	return w.f.Seek(0, io.SeekCurrent)
}

// Abandon closes and removes an unfinished file, in whatever state a panic may
// have left its encoder.
func (w *Writer) Abandon() error {
	defer os.Remove(w.f.Name())
	defer w.f.Close()
	w.out.release()
	return nil
}
