package transform

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// document is a parsed JSON text (RFC 8259): its values in the order in which they
// begin, with where they stand in the text, and no copy of them. A node takes 28
// bytes where parsers that make objects take 100 and more, so that the nodes of a
// page stay in the processor's cache until they are read.
type document struct {
	text  []byte
	nodes []node
	plain []byte // texts that had to be freed of escapes
}

// node is one value.
type node struct {
	from, to uint32 // the value in the text; of a string, without its quotes
	next     uint32 // the node behind the value and everything in it
	name     name   // of a member; zero for an element
	kind     kind
	escaped  bool // the string has escapes
	wide     bool // the string has bytes beyond ASCII
}

// name is where the name of a member stands.
type name struct {
	from uint32 // behind its quote
	mark uint32 // see marked
	odd  bool   // it has escapes
}

// marked is the size of a name and a few bits of what it says: names with
// different marks differ.
func marked(size int, first byte) uint32 { return uint32(size)<<8 | uint32(first) }

func (n name) size() uint32 { return n.mark >> 8 }

// kind is the type of a JSON value.
type kind uint8

const (
	isNull kind = iota // also of a value that is absent
	isFalse
	isTrue
	isNumber
	isString
	isArray
	isObject
)

const (
	nesting  = 512           // levels; the parser recurses
	longest  = math.MaxInt32 // bytes of a text
	longName = 1<<24 - 1     // bytes of a member's name
)

var errNoJSON = errors.New("the text is no JSON")

// parse reads a whole text, which must stay as it is for as long as the values
// are used. Those of the document before are of no use after it.
func (d *document) parse(text []byte) (value, error) {
	d.text, d.nodes, d.plain = text, d.nodes[:0], d.plain[:0]
	if len(text) > longest {
		return value{}, errNoJSON
	}
	end, ok := d.value(d.space(0), nesting)
	if !ok || d.space(end) != len(text) {
		return value{}, errNoJSON
	}
	return value{d, 0}, nil
}

// value reads the value that begins at i, and returns where it ends.
func (d *document) value(i, depth int) (end int, ok bool) {
	if i >= len(d.text) || depth < 0 {
		return 0, false
	}
	at := len(d.nodes)
	if at == cap(d.nodes) {
		d.nodes = slices.Grow(d.nodes, 1)
	}
	d.nodes = d.nodes[:at+1]
	n := &d.nodes[at]
	*n = node{from: uint32(i)}
	switch d.text[i] {
	case '"':
		n.kind, n.from = isString, uint32(i+1)
		i, n.escaped, n.wide, ok = d.string(i + 1)
		n.to, n.next = uint32(i), uint32(at+1)
		return i + 1, ok
	case '{':
		n.kind = isObject
		end, ok = d.members(i, depth-1)
		n = &d.nodes[at]
	case '[':
		n.kind = isArray
		end, ok = d.elements(i, depth-1)
		n = &d.nodes[at]
	case 'n':
		end, ok = d.word(i, "null")
	case 't':
		n.kind = isTrue
		end, ok = d.word(i, "true")
	case 'f':
		n.kind = isFalse
		end, ok = d.word(i, "false")
	default:
		n.kind = isNumber
		end, ok = d.number(i)
	}
	n.to, n.next = uint32(end), uint32(len(d.nodes))
	return end, ok
}

// members reads the object whose brace is at i.
func (d *document) members(i, depth int) (end int, ok bool) {
	i = d.space(i + 1)
	if i < len(d.text) && d.text[i] == '}' {
		return i + 1, true
	}
	for i < len(d.text) && d.text[i] == '"' {
		from := i + 1
		quote, odd, _, ok := d.string(from)
		if !ok || quote-from > longName {
			return 0, false
		}
		i = d.space(quote + 1)
		if i >= len(d.text) || d.text[i] != ':' {
			return 0, false
		}
		at := len(d.nodes)
		if i, ok = d.value(d.space(i+1), depth); !ok {
			return 0, false
		}
		d.nodes[at].name = name{uint32(from), marked(quote-from, d.text[from]), odd}
		i = d.space(i)
		switch {
		case i >= len(d.text):
			return 0, false
		case d.text[i] == '}':
			return i + 1, true
		case d.text[i] != ',':
			return 0, false
		}
		i = d.space(i + 1)
	}
	return 0, false
}

// elements reads the array whose bracket is at i.
func (d *document) elements(i, depth int) (end int, ok bool) {
	i = d.space(i + 1)
	if i < len(d.text) && d.text[i] == ']' {
		return i + 1, true
	}
	for {
		if i, ok = d.value(i, depth); !ok {
			return 0, false
		}
		i = d.space(i)
		switch {
		case i >= len(d.text):
			return 0, false
		case d.text[i] == ']':
			return i + 1, true
		case d.text[i] != ',':
			return 0, false
		}
		i = d.space(i + 1)
	}
}

// string finds the quote that ends the string whose text begins at i.
func (d *document) string(i int) (end int, escaped, wide, ok bool) {
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

func (d *document) word(i int, word string) (end int, ok bool) {
	end = i + len(word)
	return end, end <= len(d.text) && string(d.text[i:end]) == word
}

func (d *document) number(i int) (end int, ok bool) {
	if d.text[i] == '-' {
		i++
	}
	whole := i
	if i = d.digits(i); i == whole || d.text[whole] == '0' && i > whole+1 {
		return 0, false
	}
	if i < len(d.text) && d.text[i] == '.' {
		from := i + 1
		if i = d.digits(from); i == from {
			return 0, false
		}
	}
	if i < len(d.text) && d.text[i]|0x20 == 'e' {
		if i++; i < len(d.text) && (d.text[i] == '+' || d.text[i] == '-') {
			i++
		}
		from := i
		if i = d.digits(from); i == from {
			return 0, false
		}
	}
	return i, true
}

func (d *document) digits(i int) int {
	for i < len(d.text) && isDigit(d.text[i]) {
		i++
	}
	return i
}

func (d *document) space(i int) int {
	for i < len(d.text) && (d.text[i] == ' ' || d.text[i] == '\n' || d.text[i] == '\t' || d.text[i] == '\r') {
		i++
	}
	return i
}
