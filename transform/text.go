package transform

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// clean returns text with every byte that is no UTF-8, and every NUL, replaced by
// U+FFFD. Text that needs none of it is returned as it is; other text is built in
// buf.
func clean(buf, text []byte) []byte {
	if isPlain(text) || bytes.IndexByte(text, 0) < 0 && utf8.Valid(text) {
		return text
	}
	buf = buf[:0]
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == 0 {
			r = utf8.RuneError
		}
		buf = utf8.AppendRune(buf, r)
		text = text[size:]
	}
	return buf
}

// isPlain reports whether text is ASCII without NUL.
func isPlain(text []byte) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		if w := binary.LittleEndian.Uint64(text); (w|(w-low))&high != 0 {
			return false
		}
	}
	for _, c := range text {
		if c == 0 || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cut returns the first bytes of valid UTF-8 text, at most limit of them, without
// half a character at the end.
func cut(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
