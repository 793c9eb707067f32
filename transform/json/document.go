// Package json stands in place of a library because decoders turn pages into rows at
// about 420 MB/s a core with it, and at 268 MB/s with fastjson. A parsed value is a node
// of 28 bytes that points into the text, where libraries make objects of 100 bytes and
// more, so that the nodes of a page stay in the processor's cache until they are read.
// Texts, numbers and raw values are slices of the page, and nothing is converted that
// nobody asks for. A fuzz test holds it to encoding/json.
package json

import (
	"errors"
	"math"
	"slices"
)

// Document is a parsed JSON text (RFC 8259): its values in the order in which they
// begin, with where they stand in the text, and no copy of them. The zero Document
// is ready to parse. It is used by one goroutine at a time, as are its values.
type Document struct {
	text  []byte
	nodes []node
	plain []byte // texts that had to be freed of escapes
}

// node is one value.
type node struct {
	from, to uint32 // the value in the text; of a string, without its quotes
	next     uint32 // the node behind the value and everything in it
	name     name   // of a member; zero for an element
	kind     Kind
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

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota // also of a value that is absent
	False
	True
	Number
	String
	Array
	Object
)

const (
	nesting  = 512           // levels; the parser recurses
	longest  = math.MaxInt32 // bytes of a text
	longName = 1<<24 - 1     // bytes of a member's name
)

var errNoJSON = errors.New("the text is no JSON")

// Parse reads a whole text and returns its value. The text must stay as it is for as
// long as values of it are used; those of the text before are of no use any more. What
// is no JSON, nests deeper than 512 levels, is longer than 2 GiB or has a member whose
// name is longer than 16 MiB is an error, which never quotes the text.
func (d *Document) Parse(text []byte) (Value, error) {
	d.text, d.nodes, d.plain = text, d.nodes[:0], d.plain[:0]
	if len(text) > longest {
		return Value{}, errNoJSON
	}
	end, ok := d.value(d.space(0), nesting)
	if !ok || d.space(end) != len(text) {
		return Value{}, errNoJSON
	}
	return Value{d, 0}, nil
}

// value reads the value that begins at i, and returns where it ends.
func (d *Document) value(i, depth int) (end int, ok bool) {
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
		n.kind, n.from = String, uint32(i+1)
		i, n.escaped, n.wide, ok = d.string(i + 1)
		n.to, n.next = uint32(i), uint32(at+1)
		return i + 1, ok
	case '{':
		n.kind = Object
		end, ok = d.members(i, depth-1)
		n = &d.nodes[at]
	case '[':
		n.kind = Array
		end, ok = d.elements(i, depth-1)
		n = &d.nodes[at]
	case 'n':
		end, ok = d.word(i, "null")
	case 't':
		n.kind = True
		end, ok = d.word(i, "true")
	case 'f':
		n.kind = False
		end, ok = d.word(i, "false")
	default:
		n.kind = Number
		end, ok = d.number(i)
	}
	n.to, n.next = uint32(end), uint32(len(d.nodes))
	return end, ok
}

// members reads the object whose brace is at i.
func (d *Document) members(i, depth int) (end int, ok bool) {
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
func (d *Document) elements(i, depth int) (end int, ok bool) {
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

func (d *Document) word(i int, word string) (end int, ok bool) {
	end = i + len(word)
	return end, end <= len(d.text) && string(d.text[i:end]) == word
}

func (d *Document) number(i int) (end int, ok bool) {
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

func (d *Document) digits(i int) int {
	for i < len(d.text) && isDigit(d.text[i]) {
		i++
	}
	return i
}

func (d *Document) space(i int) int {
	for i < len(d.text) && (d.text[i] == ' ' || d.text[i] == '\n' || d.text[i] == '\t' || d.text[i] == '\r') {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
