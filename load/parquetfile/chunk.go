package parquetfile

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"nightjar/load"
)

// chunk is a column of the row group under way, and then of the next.
type chunk struct {
	field arrow.Field
	leaf  *schema.Column
	props *parquet.WriterProperties

	out   file.ColumnChunkWriter // nil before the first row
	flags flags                  // that are yet to be written
	dict  dictionary             // nil where the column has none
	meta  *metadata.ColumnChunkMetaDataBuilder
	pages pages
}

// pages is what a column chunk has come to, as if it were the first of a file.
type pages struct{ data []byte }

func (p *pages) Write(data []byte) (int, error) {
	p.data = append(p.data, data...)
	return len(data), nil
}

// Tell is where in the file the next page would stand. Arrow takes a dictionary at the
// place 0 for none.
func (p *pages) Tell() int64 { return int64(len(magic) + len(p.data)) }

// effort orders columns by how long they take. With the longest first, all cores are
// done at about the same time.
func (c *chunk) effort() int {
	switch {
	case c.leaf.PhysicalType() == parquet.Types.ByteArray && !c.numbered():
		return 2
	case c.leaf.MaxRepetitionLevel() > 0:
		return 1
	}
	return 0
}

// numbered reports whether the pages hold numbers, of the values in a dictionary.
func (c *chunk) numbered() bool {
	return c.props.DictionaryEnabledFor(c.leaf.Path()) && c.leaf.PhysicalType() != parquet.Types.Boolean
}

func (c *chunk) codec() compress.Compression { return c.props.CompressionFor(c.leaf.Path()) }

// encodings are those that the chunk's metadata lists.
func (c *chunk) encodings() []parquet.Encoding {
	if c.numbered() {
		return []parquet.Encoding{c.props.DictionaryIndexEncoding(), c.props.DictionaryPageEncoding(), parquet.Encodings.RLE}
	}
	return []parquet.Encoding{c.props.EncodingFor(c.leaf.Path()), parquet.Encodings.RLE}
}

func (c *chunk) begin() error {
	c.pages.data, c.dict = c.pages.data[:0], newDictionary(c.field, c.props)
	c.meta = metadata.NewColumnChunkMetaDataBuilder(c.props, c.leaf)
	pager, err := file.NewPageWriter(&c.pages, c.codec(), c.props.CompressionLevelFor(c.leaf.Path()), c.meta, 0, 0, c.props.Allocator(), false, nil, nil)
	if err != nil {
		return err
	}
	c.out = file.NewColumnChunkWriter(c.meta, pager, c.props)
	return nil
}

// write appends rows.
func (c *chunk) write(l *leaf, rows Column) error {
	if c.out == nil {
		if err := c.begin(); err != nil {
			return err
		}
	}
	if c.field.Type.ID() == arrow.BOOL {
		c.flags.add(l, rows, c.leaf.MaxDefinitionLevel())
		return nil
	}
	return l.write(c.out, c.field, rows, c.dict)
}

// finish ends the chunk, of so many rows. What arrow repeats of the metadata behind the
// pages says where they stand: it is left to the file.
func (c *chunk) finish(rows int) error {
	if c.dict != nil {
		if err := finish(c.out, c.dict); err != nil {
			return err
		}
	}
	if err := c.flags.put(c.out); err != nil {
		return err
	}
	out := c.out
	c.out = nil
	if err := out.Close(); err != nil {
		return err
	}
	if out.RowsWritten() != rows {
		return fmt.Errorf("%d rows of %d are written", out.RowsWritten(), rows)
	}
	c.pages.data = c.pages.data[:c.meta.TotalCompressedSize()]
	return nil
}

// release lets go of the chunk's memory, in whatever state a panic may have left it.
func (c *chunk) release() {
	if c.out == nil {
		return
	}
	var err error
	defer load.Catch(&err)
	if c.dict != nil {
		finish(c.out, c.dict)
	}
	c.out.Close()
}
