package transport_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"nightjar/extract/transport"
)

func TestRaw(t *testing.T) {
	page := transport.Raw(` { "data" : {"x":{"edges":[ {"node":{"id":"a\"}{","n":[1,{"id":"no"}]}} , null,{"node":{"id":7}}],
		"empty":[],"pageInfo":{"hasNextPage":true,"endCursor":"é\n"},"none":null,"\u0069d":-12}}}`)
	x := page.Get("data", "x")
	for name, got := range map[string]struct{ got, want any }{
		"text":                {x.Get("pageInfo", "endCursor").Text(), "é\n"},
		"true":                {x.Get("pageInfo", "hasNextPage").True(), true},
		"number":              {x.Get("id").Int64(), int64(-12)},
		"null":                {x.Get("none").IsNull(), true},
		"absent":              {x.Get("nothing", "at", "all").IsNull(), true},
		"list":                {x.Get("edges").IsList(), true},
		"no list":             {x.Get("pageInfo").IsList(), false},
		"text of a number":    {x.Get("id").Text(), ""},
		"member of a text":    {x.Get("pageInfo", "endCursor", "x").IsNull(), true},
		"elements of nothing": {elements(x.Get("nothing")), "[]"},
		"elements of none":    {elements(x.Get("empty")), "[]"},
		"elements":            {elements(x.Get("edges")), `[{"node":{"id":"a\"}{","n":[1,{"id":"no"}]}} null {"node":{"id":7}}]`},
	} {
		if got.got != got.want {
			t.Errorf("%s: got %v, want %v", name, got.got, got.want)
		}
	}
}

func elements(r transport.Raw) string {
	all := []string{}
	for e := range r.Elements() {
		all = append(all, string(e.Bytes()))
	}
	return fmt.Sprint(all)
}

// Whatever is valid JSON is read as encoding/json reads it.
func FuzzRaw(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":1}`, ` [ {"a": [1, "]" ] } , null ] `, `{"a":{"b":"\\\""}}`, `"x"`, `{"\u0061":true}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) {
			return
		}
		var list []json.RawMessage
		if json.Unmarshal([]byte(s), &list) != nil {
			list = nil
		}
		n := 0
		for range transport.Raw(s).Elements() {
			n++
		}
		if n != len(list) {
			t.Errorf("%d elements of %q, want %d", n, s, len(list))
		}
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &members) != nil {
			return
		}
		if _, ok := members["a"]; ok == (transport.Raw(s).Get("a") == nil) {
			t.Errorf("member a of %q: %v in the map", s, ok)
		}
	})
}
