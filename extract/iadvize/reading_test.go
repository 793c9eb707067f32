package iadvize

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/go-faster/jx"
)

// Whatever is valid JSON is read to its end, and its edges are counted as
// encoding/json counts them.
func FuzzReading(f *testing.F) {
	for _, s := range []string{
		`{"root":{"edges":[{"cursor":"a","node":{"id":"1","project":{"id":7},"channel":"CHAT"}},null,{"node":null},[],{"node":{"conversation":{"id":2}}}],"pageInfo":{"hasNextPage":true,"endCursor":"é\n"}}}`,
		`{"root":{"pageInfo":{"hasNextPage":null,"endCursor":5},"edges":{}}}`, `{"root":null}`, `[]`, `{"r\u006fot":{"edges":[1]}}`, `{"root":{"pageInfo":"x","edges":[{"cursor":7,"node":{"id":null}}]}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) {
			return
		}
		r := newReading(&question{shape: shape{root: "root"}, pageInfo: true}, true)
		d := jx.DecodeStr(s)
		if err := r.data(d); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if err := d.Skip(); err != io.EOF {
			t.Fatalf("%q is not read to its end: %v", s, err)
		}
		var page struct {
			Root struct {
				Edges    []json.RawMessage
				PageInfo struct{ HasNextPage *bool }
			}
		}
		if json.Unmarshal([]byte(s), &page) != nil {
			return
		}
		if n := int64(len(page.Root.Edges)); r.rows < n {
			t.Errorf("%d rows in %q, want %d", r.rows, s, n)
		}
	})
}

func TestReading(t *testing.T) {
	const node = `{"id":"1","project":{"id":7},"channel":"CHAT"}`
	for name, c := range map[string]struct {
		text, cursor string
		more         bool
		kinds        map[kind]bool
	}{
		"newer":              {`{"root":{"edges":[{"cursor":"a","node":` + node + `}],"pageInfo":{"hasNextPage":true,"endCursor":"é\n"}}}`, "é\n", true, map[kind]bool{{7, "CHAT"}: true}},
		"older":              {`{"root":{"edges":[{"node":{"conversation":` + node + `}}],"pageInfo":{"hasNextPage":false}}}`, "", false, map[kind]bool{{7, "CHAT"}: true}},
		"cursor of the edge": {`{"root":{"pageInfo":{"hasNextPage":true,"endCursor":null},"edges":[{"cursor":"a"},{"cursor":"b"}]}}`, "b", true, map[kind]bool{{}: true}},
		"no kind":            {`{"root":{"pageInfo":{"hasNextPage":true},"edges":[{"node":{"project":{"id":"x"},"channel":"CHAT"}}]}}`, "", true, map[kind]bool{{}: true}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReading(&question{shape: shape{root: "root"}, pageInfo: true}, true)
			if err := r.data(jx.DecodeStr(c.text)); err != nil {
				t.Fatal(err)
			}
			if err := r.complaint(); err != nil || r.cursor() != c.cursor || r.more() != c.more {
				t.Errorf("%v, cursor %q, more %v; want %q, %v", err, r.cursor(), r.more(), c.cursor, c.more)
			}
			if len(r.kinds) != len(c.kinds) {
				t.Errorf("kinds are %v, want %v", r.kinds, c.kinds)
			}
			for k := range c.kinds {
				if !r.kinds[k] {
					t.Errorf("kinds are %v, want %v", r.kinds, c.kinds)
				}
			}
		})
	}
}

// Pages of the same ids have the same fingerprint; of others, another.
func TestFingerprintIsOfIds(t *testing.T) {
	print := func(text string) uint64 {
		r := newReading(&question{shape: shape{root: "root"}}, false)
		if err := r.data(jx.DecodeStr(`{"root":{"edges":` + text + `}}`)); err != nil {
			t.Fatal(err)
		}
		return r.print.Sum64()
	}
	same := print(`[{"node":{"id":"1","channel":"CHAT"}},null]`)
	if got := print(`[{"cursor":"x","node":{"conversation":{"id":"1"}}},{"node":null}]`); got != same {
		t.Error("the same ids have another fingerprint")
	}
	for _, other := range []string{`[]`, `[null,{"node":{"id":"1"}}]`, `[{"node":{"id":"1"}}]`, `[{"node":{"id":1}},null]`} {
		if print(other) == same {
			t.Errorf("%s has the fingerprint of other ids", other)
		}
	}
}
