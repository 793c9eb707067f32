package partition

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// lasting is what the table must hold after all showings, page by page.
func (c *children) lasting(all []showing, unasked map[int]bool) map[string]childRow {
	ordered := slices.Clone(all)
	slices.SortStableFunc(ordered, func(a, b showing) int { return a.page - b.page })
	rows := map[string]childRow{}
	for _, s := range ordered {
		if s.whole {
			maps.DeleteFunc(rows, func(key string, _ childRow) bool {
				parent, id, _ := bytes.Cut([]byte(key), []byte{0})
				_, shown := s.children[string(id)]
				return string(parent) == s.parent && !shown
			})
		}
		for id, value := range s.children {
			key := s.parent + "\x00" + id
			old, known := rows[key]
			if unasked[s.page] && known && old.Value != "" {
				value = old.Value
			}
			now := childRow{value, pageName(s.page), Month.Of(s.day), s.day}
			if c.table.Day == "" {
				now.Day = 0
			}
			if !known || old.Value != now.Value || old.Part != now.Part || old.Day != now.Day {
				rows[key] = now
			}
		}
	}
	return rows
}

func drawShowings(t *rapid.T, from int) ([]showing, map[int]bool) {
	unasked := map[int]bool{}
	for page := from; page < from+6; page++ {
		if rapid.IntRange(0, 4).Draw(t, "unasked") == 0 {
			unasked[page] = true
		}
	}
	seen := map[string]bool{}
	var all []showing
	for range rapid.IntRange(0, 20).Draw(t, "showings") {
		s := showing{
			page:     from + rapid.IntRange(0, 5).Draw(t, "page"),
			parent:   rapid.SampledFrom([]string{"a", "b", "a long name that is the same b", "a long name that is the same c", "d", "e", "f"}).Draw(t, "parent"),
			day:      rapid.SampledFrom([]int32{20000, 20005, 20006, 20040, 20080}).Draw(t, "day"),
			children: rapid.MapOfN(rapid.SampledFrom([]string{"1", "2", "3", "4"}), rapid.SampledFrom([]string{"x", "y"}), 0, 3).Draw(t, "children"),
			whole:    rapid.Bool().Draw(t, "whole"),
		}
		if id := fmt.Sprint(s.page, s.parent); !seen[id] { // a page shows a parent once
			seen[id] = true
			all = append(all, s)
		}
		if unasked[s.page] {
			for id := range s.children {
				s.children[id] = ""
			}
		}
	}
	return all, unasked
}

// bytesOf is the files of the table.
func (c *children) bytesOf(t testing.TB) map[Partition]string {
	t.Helper()
	all := map[Partition]string{}
	for p, path := range c.files {
		for _, name := range []string{path, filesOf(path).Keys} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[p] += string(data)
		}
	}
	return all
}
