package transform

import (
	"bytes"
	"iter"
	"unicode/utf16"
	"unicode/utf8"
)

// value is one value of a document. The zero value is one that is absent.
type value struct {
	doc *document
	at  uint32
}

func (v value) node() *node { return &v.doc.nodes[v.at] }

// exists tells a null from a value that is absent.
func (v value) exists() bool { return v.doc != nil }

func (v value) kind() kind {
	if v.doc == nil {
		return isNull
	}
	return v.node().kind
}

// get is the first member of that name, which is not empty; absent where v is no
// object.
func (v value) get(name string) value {
	if v.kind() != isObject {
		return value{}
	}
	mark := marked(len(name), name[0])
	nodes := v.doc.nodes
	for at, end := v.at+1, v.node().next; at < end; at = nodes[at].next {
		n := &nodes[at].name
		if n.mark == mark && v.doc.spells(*n, name) || n.odd && v.doc.nameOf(*n) == name {
			return value{v.doc, at}
		}
	}
	return value{}
}

func (d *document) spells(n name, name string) bool {
	return string(d.text[n.from:n.from+n.size()]) == name
}

// members yields the members of an object; of anything else, none.
func (v value) members() iter.Seq[value] { return v.inside(isObject) }

// elements yields the elements of an array, counted from zero; of anything else,
// none.
func (v value) elements() iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		i := 0
		for e := range v.inside(isArray) {
			if !yield(i, e) {
				return
			}
			i++
		}
	}
}

// len is the number of elements of an array.
func (v value) len() int {
	n := 0
	for range v.inside(isArray) {
		n++
	}
	return n
}

func (v value) inside(k kind) iter.Seq[value] {
	return func(yield func(value) bool) {
		if v.kind() != k {
			return
		}
		end := v.node().next
		for at := v.at + 1; at < end; {
			next := v.doc.nodes[at].next
			if !yield(value{v.doc, at}) {
				return
			}
			at = next
		}
	}
}

// text is what a string says; nil for anything else.
func (v value) text() []byte {
	if v.kind() != isString {
		return nil
	}
	n := v.node()
	text := v.doc.text[n.from:n.to]
	if n.escaped {
		from := len(v.doc.plain)
		v.doc.plain = unescape(v.doc.plain, text)
		text = v.doc.plain[from:]
	}
	return text
}

// ascii reports whether a string is ASCII without escapes, and so also without
// control characters.
func (v value) ascii() bool {
	n := v.node()
	return !n.escaped && !n.wide
}

// name is the name of a member.
func (v value) name() string { return v.doc.nameOf(v.node().name) }

func (d *document) nameOf(n name) string {
	text := d.text[n.from : n.from+n.size()]
	if n.odd {
		text = unescape(nil, text)
	}
	return string(text)
}

// rawName is the name of a member as the text has it, in its quotes.
func (v value) rawName() []byte {
	n := v.node().name
	return v.doc.text[n.from-1 : n.from+n.size()+1]
}

// raw is the JSON text of the value; nil for one that is absent.
func (v value) raw() []byte {
	if v.doc == nil {
		return nil
	}
	n := v.node()
	if n.kind == isString {
		return v.doc.text[n.from-1 : n.to+1]
	}
	return v.doc.text[n.from:n.to]
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
