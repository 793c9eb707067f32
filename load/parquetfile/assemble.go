package parquetfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

const magic = "PAR1"

// assembler puts row groups of finished pages one after another and the footer behind
// them. What it makes of them is what arrow's file.Writer would have written.
type assembler struct {
	w      io.Writer
	at     int64 // bytes written
	footer *metadata.FileMetaDataBuilder
	groups int
	buffer []byte // for what is copied from other files
}

func newAssembler(w io.Writer, columns *schema.Schema, props *parquet.WriterProperties) (*assembler, error) {
	a := &assembler{w: w, buffer: make([]byte, 128<<10), footer: metadata.NewFileMetadataBuilder(columns, props, nil)}
	_, err := io.WriteString(a, magic)
	return a, err
}

func (a *assembler) Write(p []byte) (int, error) {
	n, err := a.w.Write(p)
	a.at += int64(n)
	return n, err
}

// finished is the pages of a column chunk, and what its metadata says of them, as if
// they stood wherever it says.
type finished struct {
	meta  *metadata.ColumnChunkMetaDataBuilder
	pages io.Reader
}

// group appends a row group, of which chunk gives the columns in their order.
func (a *assembler) group(rows int, columns int, chunk func(c int) finished) error {
	if a.groups > math.MaxInt16 {
		return fmt.Errorf("a file has at most %d row groups", math.MaxInt16+1)
	}
	group := a.footer.AppendRowGroup()
	var size int64
	for c := range columns {
		from, to := chunk(c), group.NextColumnChunk()
		if err := a.chunk(from, to); err != nil {
			return err
		}
		size += to.TotalCompressedSize()
	}
	group.SetNumRows(rows)
	err := group.Finish(size, int16(a.groups))
	a.groups++
	return err
}

// chunk appends the pages, and their metadata, which arrow repeats behind them.
func (a *assembler) chunk(from finished, to *metadata.ColumnChunkMetaDataBuilder) error {
	chunk, meta := to.Contents(), to.Contents().MetaData
	*chunk, *meta = *from.meta.Contents(), *from.meta.Contents().MetaData
	chunk.MetaData = meta
	began := meta.DataPageOffset
	if meta.DictionaryPageOffset != nil {
		began = *meta.DictionaryPageOffset
		at := a.at
		meta.DictionaryPageOffset = &at
	}
	meta.DataPageOffset += a.at - began
	chunk.FileOffset += a.at - began
	n, err := io.CopyBuffer(a, from.pages, a.buffer)
	if err == nil && n != meta.TotalCompressedSize {
		err = fmt.Errorf("a column chunk of %d bytes has %d", meta.TotalCompressedSize, n)
	}
	if err != nil {
		return err
	}
	_, err = to.WriteTo(a)
	return err
}

// close writes the footer.
func (a *assembler) close() error {
	all, err := a.footer.Finish()
	if err != nil {
		return err
	}
	size, err := all.WriteTo(a, nil)
	if err != nil {
		return err
	}
	_, err = a.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(size)), magic...))
	return err
}
