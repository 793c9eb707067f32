package transport

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-faster/jx"
)

// What is read of a vendor's errors, however many and however long they are.
const (
	mostErrors  = 100
	mostSteps   = 50      // of a path
	deepest     = 5       // extensions.exception.response.statusCode, from the error
	longestText = 2 << 10 // bytes; errors show less
)

// errEnough ends the reading of a list of which enough is known.
var errEnough = errors.New("enough")

// readErrors reads the value of "errors", which is known to be valid.
func readErrors(raw []byte) []GraphQLError {
	if len(raw) == 0 {
		return nil
	}
	var all []GraphQLError
	add := func(g GraphQLError) error {
		if all = append(all, g); len(all) == mostErrors {
			return errEnough
		}
		return nil
	}
	d := jx.DecodeBytes(raw)
	switch d.Next() { // what ends the reading early is no error
	case jx.Array:
		_ = d.Arr(func(d *jx.Decoder) error { return add(readError(outline(d, deepest))) })
	case jx.Object:
		_ = d.ObjBytes(func(d *jx.Decoder, name []byte) error { return byField(d, cutText(name), add) })
		slices.SortStableFunc(all, func(a, b GraphQLError) int { return strings.Compare(a.Path, b.Path) })
	case jx.String:
		if said := text(outline(d, 0)); said != "" {
			return []GraphQLError{{Message: said}}
		}
	}
	return all
}

// byField reads one member of a validator's answer: {"pageSize": ["is too large"]}.
func byField(d *jx.Decoder, name string, add func(GraphQLError) error) error {
	if d.Next() != jx.Array {
		return add(GraphQLError{Message: text(outline(d, 0)), Path: name})
	}
	return d.Arr(func(d *jx.Decoder) error { return add(GraphQLError{Message: text(outline(d, 0)), Path: name}) })
}

// told are the members of an error, and of what stands within it, that are read.
func told(name []byte) bool {
	switch string(name) {
	case "message", "title", "detail", "error", "error_description", "code", "path", "extensions",
		"name", "retryPolicy", "exception", "response", "http", "status", "statusCode":
		return true
	}
	return false
}

// outline reads one value, whole, and returns what matters of it: objects as
// map[string]any of the members that are told, arrays as []any, texts and numbers
// cut short. What stands deeper than so many objects and arrays is nil.
func outline(d *jx.Decoder, depth int) any {
	switch d.Next() {
	case jx.Object:
		return outlineObject(d, depth)
	case jx.Array:
		var all []any
		_ = d.Arr(func(d *jx.Decoder) error {
			if depth == 0 || len(all) == mostSteps {
				return d.Skip()
			}
			all = append(all, outline(d, depth-1))
			return nil
		})
		return all
	case jx.String:
		if s, err := d.StrBytes(); err == nil {
			return cutText(s)
		}
	case jx.Number:
		if n, err := d.Num(); err == nil {
			return jx.Num(cutText(n))
		}
	case jx.Bool:
		if is, err := d.Bool(); err == nil {
			return is
		}
	default:
		_ = d.Skip()
	}
	return nil
}

func outlineObject(d *jx.Decoder, depth int) any {
	members := map[string]any{}
	_ = d.ObjBytes(func(d *jx.Decoder, name []byte) error {
		if depth == 0 || !told(name) {
			return d.Skip()
		}
		key := string(name)
		members[key] = outline(d, depth-1)
		return nil
	})
	return members
}

// cutText is a copy of what is read of a text. Half a character at its end is
// shown as such.
func cutText(b []byte) string { return string(b[:min(len(b), longestText)]) }
