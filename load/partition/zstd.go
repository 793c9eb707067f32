package partition

import (
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// pooledZstd is arrow's codec with encoders that are used again: arrow makes a new
// one for every page, whose tables are most of what a merge would allocate. Pages
// come out the same whichever encoder writes them.
type pooledZstd struct {
	compress.Codec
	encoder *zstd.Encoder
}

// Arrow asks for codecs to be registered before any is used, that is in an init.
func init() {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithZeroFrames(true),
		zstd.WithWindowSize(1<<20), zstd.WithEncoderConcurrency(maxEncoders))
	if err != nil {
		panic(err) // the options are constants
	}
	codec, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic(err)
	}
	compress.RegisterCodec(compress.Codecs.Zstd, pooledZstd{codec, encoder})
}

// EncodeLevel compresses a page, at the fastest level whatever is asked: nothing
// in this program asks for another.
func (z pooledZstd) EncodeLevel(dst, src []byte, _ int) []byte {
	return z.encoder.EncodeAll(src, dst[:0])
}
