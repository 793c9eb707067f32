package transport

import (
	"slices"

	"github.com/go-faster/jx"
)

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

// Scalars reads the named members of an object, each as Scalar does, to the places in
// the same order. The others are skipped, as is what is no object.
func Scalars(d *jx.Decoder, names []string, to ...*string) error {
	return Object(d, func(d *jx.Decoder, name []byte) (err error) {
		at := slices.Index(names, string(name))
		if at < 0 {
			return d.Skip()
		}
		*to[at], err = Scalar(d)
		return err
	})
}

// Bool reads a boolean; anything else is false.
func Bool(d *jx.Decoder) (bool, error) {
	if d.Next() != jx.Bool {
		return false, d.Skip()
	}
	return d.Bool()
}
