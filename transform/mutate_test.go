package transform_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Any value of a golden page may turn into any other.
func TestMutatedPages(t *testing.T) {
	for _, s := range streams {
		t.Run(s.Source+"/"+s.Name, func(t *testing.T) {
			var pages []any
			for _, seed := range seeds(t, s.Source) {
				var page any
				if json.Unmarshal(seed, &page) == nil {
					pages = append(pages, page)
				}
			}
			rapid.Check(t, func(r *rapid.T) {
				page := rapid.SampledFrom(pages).Draw(r, "page")
				for range rapid.IntRange(1, 5).Draw(r, "mutations") {
					page = mutate(r, page)
				}
				body, err := json.Marshal(page)
				if err != nil {
					r.Fatal(err)
				}
				if cut := rapid.IntRange(0, 20*len(body)).Draw(r, "cut"); cut < len(body) {
					body = body[:cut]
				}
				conserves(t, s, body)
				if t.Failed() {
					r.Fatalf("page: %s", body)
				}
			})
		})
	}
}

// odd are values in the place of others.
var odd = []any{nil, true, -1, 0.5, 1e300, "", "x", "\x00", "2026-11-19 10:00:00", []any{}, []any{nil}, map[string]any{}, map[string]any{"id": nil}}

// mutate returns v with one value below it replaced, dropped or doubled.
func mutate(r *rapid.T, v any) any {
	if rapid.IntRange(0, 5).Draw(r, "here") == 0 {
		return rapid.SampledFrom(odd).Draw(r, "value")
	}
	switch v := v.(type) {
	case map[string]any:
		return mutateObject(r, v)
	case []any:
		return mutateList(r, v)
	}
	return rapid.SampledFrom(odd).Draw(r, "value")
}

func mutateObject(r *rapid.T, v map[string]any) any {
	changed := make(map[string]any, len(v))
	var names []string
	for name, member := range v {
		changed[name] = member
		names = append(names, name)
	}
	if len(names) == 0 {
		return changed
	}
	slices.Sort(names)
	name := rapid.SampledFrom(names).Draw(r, "name")
	if rapid.IntRange(0, 5).Draw(r, "drop") == 0 {
		delete(changed, name)
	} else {
		changed[name] = mutate(r, v[name])
	}
	return changed
}

func mutateList(r *rapid.T, v []any) any {
	if len(v) == 0 {
		return []any{rapid.SampledFrom(odd).Draw(r, "value")}
	}
	changed := slices.Clone(v)
	i := rapid.IntRange(0, len(v)-1).Draw(r, "index")
	if rapid.IntRange(0, 3).Draw(r, "double") == 0 {
		return append(changed, v[i])
	}
	changed[i] = mutate(r, v[i])
	return changed
}
