package transport

import (
	"bytes"
	"iter"
	"strconv"
)

// Raw is one value of an answer that has been judged, and so is known to be valid
// JSON. It is read by skipping what is not asked for, some times as fast as
// parsing: a walk needs only a few fields of a page. A Raw may go on behind its
// value, whose end is looked for only where it matters.
type Raw []byte

// Bytes are the value and nothing behind it.
func (r Raw) Bytes() []byte {
	i := r.space(0)
	if i == len(r) {
		return nil
	}
	return r[i:r.skip(i)]
}

// Get follows the names of members down from an object. Nil where one is absent
// or stands in no object. Of members of the same name it finds the first.
func (r Raw) Get(path ...string) Raw {
	for _, name := range path {
		if r = r.member(name); r == nil {
			return nil
		}
	}
	return r
}

func (r Raw) member(name string) Raw {
	if r.first() != '{' {
		return nil
	}
	for i := r.after(0, '{'); r[i] == '"'; {
		end := closing(r, i+1)
		key := r[i : end+1]
		from := r.after(end+1, ':')
		if string(key[1:end-i]) == name || bytes.IndexByte(key, '\\') >= 0 && unquote(key) == name {
			return r[from:]
		}
		if i = r.space(r.skip(from)); r[i] == ',' {
			i = r.space(i + 1)
		}
	}
	return nil
}

// Elements yields the elements of a list; of anything else, none.
func (r Raw) Elements() iter.Seq[Raw] {
	return func(yield func(Raw) bool) {
		if r.first() != '[' {
			return
		}
		for i := r.after(0, '['); r[i] != ']'; {
			if !yield(r[i:]) {
				return
			}
			if i = r.space(r.skip(i)); r[i] == ',' {
				i = r.space(i + 1)
			}
		}
	}
}

// IsList reports whether the value is a list.
func (r Raw) IsList() bool { return r.first() == '[' }

// IsNull reports whether the value is null or absent.
func (r Raw) IsNull() bool { return len(r) == 0 || r.first() == 'n' }

// Text is the text of a string; empty for anything else.
func (r Raw) Text() string {
	if r.first() != '"' {
		return ""
	}
	return unquote(r.Bytes())
}

// True reports whether the value is true.
func (r Raw) True() bool { return r.first() == 't' }

// Int64 is the value of a whole number; zero for anything else.
func (r Raw) Int64() int64 {
	n, _ := strconv.ParseInt(string(r.Bytes()), 10, 64)
	return n
}

// first is the first byte that is no space; zero where there is none.
func (r Raw) first() byte {
	if i := r.space(0); i < len(r) {
		return r[i]
	}
	return 0
}

func (r Raw) space(i int) int {
	for i < len(r) && (r[i] == ' ' || r[i] == '\n' || r[i] == '\t' || r[i] == '\r') {
		i++
	}
	return i
}

// after skips spaces, the byte c, and spaces.
func (r Raw) after(i int, c byte) int {
	if i = r.space(i); i < len(r) && r[i] == c {
		i++
	}
	return r.space(i)
}

// skip returns the end of the value that begins at i.
func (r Raw) skip(i int) int {
	switch r[i] {
	case '"':
		return closing(r, i+1) + 1
	case '{', '[':
		for depth := 0; ; i++ {
			switch brackets[r[i]] {
			case quotes:
				i = closing(r, i+1)
			case opens:
				depth++
			case closes:
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(r) && r[i] != ',' && r[i] != '}' && r[i] != ']' && r[i] > ' ' {
		i++
	}
	return i
}

// What a byte outside of strings does to the depth.
const (
	quotes = 1 + iota
	opens
	closes
)

var brackets = [256]uint8{'"': quotes, '{': opens, '[': opens, '}': closes, ']': closes}
