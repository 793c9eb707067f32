package parquetfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// Source is a file whose row groups are read, or copied as they are. It may be used by
// several goroutines, and outlives its readers.
type Source struct {
	path string
	f    *os.File
	pf   *file.Reader
	mem  memory.Allocator
}

// OpenSource opens a file. Its footer alone is read.
func OpenSource(path string) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open partition: %w", err)
	}
	// The delta decoders of arrow v17 never release their last block: what is read
	// here lives in memory that the garbage collector sees to.
	s := &Source{path: path, f: f, mem: memory.DefaultAllocator}
	if s.pf, err = file.NewParquetReader(f, file.WithReadProps(parquet.NewReaderProperties(s.mem))); err != nil {
		f.Close()
		return nil, fmt.Errorf("open partition %s: %w", path, err)
	}
	return s, nil
}

// Groups is how many row groups the file has.
func (s *Source) Groups() int { return s.pf.NumRowGroups() }

// Rows is how many rows a row group has.
func (s *Source) Rows(group int) int64 { return s.pf.MetaData().RowGroups[group].NumRows }

// Close lets go of the file.
func (s *Source) Close() { s.f.Close() }

// ErrLayout is that of a row group which the file written would not have as it is: it
// is to be read, and its rows written.
var ErrLayout = errors.New("different layout")

// Copy appends a row group of another file, as Write and EndGroup would have its rows,
// without looking at them; it is a row group of its own. Where the error is ErrLayout
// nothing has been written.
func (w *Writer) Copy(from *Source, group int) error {
	if err := w.out.copy(from, group); err != nil {
		return fmt.Errorf("copy row group %d of %s to %s: %w", group, from.path, w.f.Name(), err)
	}
	return nil
}

func (e *encoder) copy(from *Source, group int) error {
	chunks, err := e.same(from, group)
	if err != nil {
		return err
	}
	if err := e.endGroup(); err != nil {
		return err
	}
	return e.out.group(int(from.Rows(group)), len(chunks), func(c int) finished { return chunks[c] })
}

// same is the column chunks of a row group of another file, or ErrLayout.
func (e *encoder) same(from *Source, group int) ([]finished, error) {
	had, err := footerOf(from.pf.MetaData().Subset(nil))
	if err != nil {
		return nil, err
	}
	want, err := footerOf(metadata.NewFileMetadataBuilder(e.leaves, e.props, nil).Finish())
	if err != nil {
		return nil, err
	}
	rows := from.Rows(group)
	if !bytes.Equal(had, want) || rows < 1 || rows > e.props.MaxRowGroupLength() {
		return nil, ErrLayout
	}
	chunks := make([]finished, len(e.chunks))
	for c, column := range e.chunks {
		had, err := from.pf.MetaData().RowGroup(group).ColumnChunk(c)
		if err != nil {
			return nil, err
		}
		if had.Compression() != column.codec() || !slices.Equal(had.Encodings(), column.encodings()) || had.HasDictionaryPage() != column.numbered() {
			return nil, ErrLayout
		}
		at := had.DataPageOffset()
		if had.HasDictionaryPage() {
			at = had.DictionaryPageOffset()
		}
		chunks[c] = finished{metadata.NewColumnChunkMetaDataBuilder(e.props, column.leaf), io.NewSectionReader(from.f, at, had.TotalCompressedSize())}
		chunk := *from.pf.MetaData().RowGroups[group].Columns[c]
		meta := *chunk.MetaData
		chunk.MetaData = &meta
		*chunks[c].meta.Contents() = chunk
	}
	return chunks, nil
}

// footerOf is the footer as bytes.
func footerOf(footer *metadata.FileMetaData, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return footer.Serialize(context.Background())
}
