package partition

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"

	"nightjar/load"
)

// rowGroupRows is a compromise between readers, which prune and parallelise by
// row group, and the writer, which holds one in memory.
const rowGroupRows = 128 << 10

// dictionaryLimit lets no dictionary overflow within a row group: a column that
// falls back to plain pages has an encoding list in its footer whose order
// differs from run to run.
const dictionaryLimit = 64 << 20

// createdBy is fixed, so that the bytes depend on the rows alone.
const createdBy = "nightjar"

// fileWriter writes one Parquet file and hashes it on the way.
type fileWriter struct {
	path string
	f    *os.File
	buf  *bufio.Writer
	sum  hash.Hash
	size int64
	out  *encoder
}

// fileSum is what is known of a closed file.
type fileSum struct {
	bytes  int64
	sha256 string
}

// Write counts and hashes what goes to the file.
func (w *fileWriter) Write(p []byte) (int, error) {
	n, err := w.buf.Write(p)
	w.sum.Write(p[:n])
	w.size += int64(n)
	return n, err
}

// newTableWriter creates the Parquet file of a partition.
func newTableWriter(path string, t load.Table, mem memory.Allocator) (*fileWriter, error) {
	options := []parquet.WriterProperty{
		parquet.WithAllocator(mem),
		parquet.WithCreatedBy(createdBy),
		// Arrow calls the root repeated; some readers then see a level of lists too many.
		parquet.WithRootRepetition(parquet.Repetitions.Required),
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithMaxRowGroupLength(rowGroupRows),
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
	return newFileWriter(path, t.Arrow, parquet.NewWriterProperties(options...))
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

// newScratchWriter creates a Parquet file that lives for one run.
func newScratchWriter(path string, schema *arrow.Schema, mem memory.Allocator) (*fileWriter, error) {
	return newFileWriter(path, schema, parquet.NewWriterProperties(
		parquet.WithAllocator(mem), parquet.WithMaxRowGroupLength(rowGroupRows), parquet.WithDictionaryDefault(false),
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithStats(false)))
}

func newFileWriter(path string, schema *arrow.Schema, props *parquet.WriterProperties) (*fileWriter, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create parquet file: %w", err)
	}
	w := &fileWriter{path: path, f: f, buf: bufio.NewWriterSize(f, 256<<10), sum: sha256.New()}
	if w.out, err = newEncoder(schema, w, props); err != nil {
		f.Close()
		return nil, fmt.Errorf("create parquet file %s: %w", path, err)
	}
	return w, nil
}

// write appends the rows to the row group under way.
func (w *fileWriter) write(rows picks) error {
	if err := w.out.write(rows); err != nil {
		return fmt.Errorf("write %s: %w", w.path, err)
	}
	return nil
}

// close finishes the footer and hands the file over to the system. It is durable
// once the generation that it belongs to is.
func (w *fileWriter) close() (fileSum, error) {
	if err := w.out.close(); err != nil {
		w.f.Close()
		return fileSum{}, fmt.Errorf("finish %s: %w", w.path, err)
	}
	if err := w.buf.Flush(); err != nil {
		w.f.Close()
		return fileSum{}, fmt.Errorf("finish %s: %w", w.path, err)
	}
	if err := w.f.Close(); err != nil {
		return fileSum{}, fmt.Errorf("finish %s: %w", w.path, err)
	}
	return fileSum{bytes: w.size, sha256: hex.EncodeToString(w.sum.Sum(nil))}, nil
}

// abandon closes and removes an unfinished file, in whatever state a panic may
// have left its encoder.
func (w *fileWriter) abandon() (err error) {
	defer os.Remove(w.path)
	defer w.f.Close()
	defer load.Catch(&err)
	w.out.close()
	return nil
}
