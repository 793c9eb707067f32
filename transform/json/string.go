package json

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// string finds the quote that ends the string whose text begins at i.
func (d *Document) string(i int) (end int, escaped, wide, ok bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	t := d.text
	for i < len(t) {
		for ; i+8 <= len(t); i += 8 { // to the next quote, backslash or control character
			w := binary.LittleEndian.Uint64(t[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			hits := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & highs
			if hits != 0 {
				n := bits.TrailingZeros64(hits) &^ 7
				wide = wide || w&highs&(1<<n-1) != 0
				i += n / 8
				break
			}
			wide = wide || w&highs != 0
		}
		if i == len(t) {
			break
		}
		switch c := t[i]; {
		case c == '"':
			return i, escaped, wide, true
		case c < ' ':
			return 0, false, false, false
		case c == '\\':
			n := escape(t[i:])
			if n == 0 {
				return 0, false, false, false
			}
			escaped = true
			i += n
		default: // within the last bytes of the text
			wide = wide || c >= utf8.RuneSelf
			i++
		}
	}
	return 0, false, false, false
}

// escape is the length of the escape that t begins with; zero where it is none.
func escape(t []byte) int {
	if len(t) < 2 {
		return 0
	}
	if t[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), t[1]) < 0 {
			return 0
		}
		return 2
	}
	if _, ok := hexadecimal(t); !ok {
		return 0
	}
	return 6
}

// hexadecimal is the number in an escape such as \u00e9.
func hexadecimal(t []byte) (rune, bool) {
	if len(t) < 6 {
		return 0, false
	}
	var r rune
	for _, c := range t[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape appends a string's text, whose escapes are valid, without them. Half a
// surrogate pair becomes U+FFFD.
func unescape(to, text []byte) []byte {
	for {
		n := bytes.IndexByte(text, '\\')
		if n < 0 {
			return append(to, text...)
		}
		to, text = append(to, text[:n]...), text[n:]
		if text[1] != 'u' {
			to, text = append(to, unescaped[text[1]]), text[2:]
			continue
		}
		r, _ := hexadecimal(text)
		text = text[6:]
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if bytes.HasPrefix(text, []byte(`\u`)) {
				low, _ = hexadecimal(text)
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				text = text[6:]
			}
		}
		to = utf8.AppendRune(to, r)
	}
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
