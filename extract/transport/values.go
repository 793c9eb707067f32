package transport

import "github.com/go-faster/jx"

// The walks read answers value by value, and build nothing of what they do not
// need: an answer may hold a million values.

// Object reads the members of an object; anything else is skipped. Member reads the
// value, whole.
func Object(d *jx.Decoder, member func(d *jx.Decoder, name []byte) error) error {
	if d.Next() != jx.Object {
		return d.Skip()
	}
	return d.ObjBytes(member)
}

// Array reads the elements of an array; anything else is skipped. Element reads the
// value, whole.
func Array(d *jx.Decoder, element func(d *jx.Decoder) error) error {
	if d.Next() != jx.Array {
		return d.Skip()
	}
	return d.Arr(element)
}

// Scalar reads a text or a number as text, "" for anything else.
func Scalar(d *jx.Decoder) (string, error) {
	switch d.Next() {
	case jx.String:
		return d.Str()
	case jx.Number:
		n, err := d.Num()
		return string(n), err
	}
	return "", d.Skip()
}

// Bool reads a boolean; anything else is false.
func Bool(d *jx.Decoder) (bool, error) {
	if d.Next() != jx.Bool {
		return false, d.Skip()
	}
	return d.Bool()
}
