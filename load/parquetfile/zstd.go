package parquetfile

import (
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/valyala/gozstd"
)

// cZstd is arrow's codec with the encoder of the C library. Arrow makes an encoder
// of its own for every page, whose tables are most of what a merge would allocate.
type cZstd struct{ compress.Codec }

// Arrow asks for codecs to be registered before any is used, that is in an init.
func init() {
	codec, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic(err)
	}
	compress.RegisterCodec(compress.Codecs.Zstd, cZstd{codec})
}

// emptyFrame is a zstd frame without content (RFC 8878): the library makes none of
// an empty page, and readers ask for one.
var emptyFrame = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00}

// EncodeLevel compresses a page, at level 1 whatever is asked: nothing in this
// program asks for another.
func (cZstd) EncodeLevel(dst, src []byte, _ int) []byte {
	if len(src) == 0 {
		return append(dst[:0], emptyFrame...)
	}
	return gozstd.CompressLevel(dst[:0], src, 1)
}
