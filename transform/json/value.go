package json

import "iter"

// Value is one value of a Document. The zero Value is one that is absent: it is Null and
// has nothing in it; only ASCII, Name and RawName must not be asked of it.
type Value struct {
	doc *Document
	at  uint32
}

func (v Value) node() *node { return &v.doc.nodes[v.at] }

// Exists tells a null from a value that is absent.
func (v Value) Exists() bool { return v.doc != nil }

// Kind is the type of the value; Null where it is absent.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return Null
	}
	return v.node().kind
}

// Get is the first member of that name, which is not empty; absent where v is no
// object.
func (v Value) Get(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	mark := marked(len(name), name[0])
	nodes := v.doc.nodes
	for at, end := v.at+1, v.node().next; at < end; at = nodes[at].next {
		n := &nodes[at].name
		if n.mark == mark && v.doc.spells(*n, name) || n.odd && v.doc.nameOf(*n) == name {
			return Value{v.doc, at}
		}
	}
	return Value{}
}

func (d *Document) spells(n name, name string) bool {
	return string(d.text[n.from:n.from+n.size()]) == name
}

// Members yields the members of an object; of anything else, none.
func (v Value) Members() iter.Seq[Value] { return v.inside(Object) }

// Elements yields the elements of an array, counted from zero; of anything else,
// none.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		i := 0
		for e := range v.inside(Array) {
			if !yield(i, e) {
				return
			}
			i++
		}
	}
}

// Len is the number of elements of an array.
func (v Value) Len() int {
	n := 0
	for range v.inside(Array) {
		n++
	}
	return n
}

func (v Value) inside(k Kind) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != k {
			return
		}
		end := v.node().next
		for at := v.at + 1; at < end; {
			next := v.doc.nodes[at].next
			if !yield(Value{v.doc, at}) {
				return
			}
			at = next
		}
	}
}

// Text is what a string says, without escapes; nil for anything else. Bytes that are no
// UTF-8 stay as they are.
func (v Value) Text() []byte {
	if v.Kind() != String {
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

// ASCII reports whether a string is ASCII without escapes, and so also without
// control characters.
func (v Value) ASCII() bool {
	n := v.node()
	return !n.escaped && !n.wide
}

// Name is the name of a member.
func (v Value) Name() string { return v.doc.nameOf(v.node().name) }

func (d *Document) nameOf(n name) string {
	text := d.text[n.from : n.from+n.size()]
	if n.odd {
		text = unescape(nil, text)
	}
	return string(text)
}

// RawName is the name of a member as the text has it, in its quotes.
func (v Value) RawName() []byte {
	n := v.node().name
	return v.doc.text[n.from-1 : n.from+n.size()+1]
}

// Raw is the JSON text of the value; nil for one that is absent.
func (v Value) Raw() []byte {
	if v.doc == nil {
		return nil
	}
	n := v.node()
	if n.kind == String {
		return v.doc.text[n.from-1 : n.to+1]
	}
	return v.doc.text[n.from:n.to]
}
