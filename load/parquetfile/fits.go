package parquetfile

import (
	"io"

	"nightjar/load"
)

// Fits reports whether a Writer that makes a file of t may copy every row group of this
// one.
func (s *Source) Fits(t load.Table) bool {
	e, err := newEncoder(t.Arrow, io.Discard, properties(t, s.mem))
	for g := 0; err == nil && g < s.Groups(); g++ {
		_, err = e.same(s, g)
	}
	return err == nil
}
