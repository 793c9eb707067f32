package extracttest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"nightjar/extract"
)

// resumed publishes the pages up to each bookmark, and walks on from there.
func (src Source) resumed(t *testing.T) {
	if src.Writes {
		t.Skip("a walk that writes has nothing to resume from")
	}
	v := src.serve(t)
	pages := src.whole(t, v, extract.Ask{Now: v.Now})
	var marked []int
	for i, page := range pages {
		if page.After != nil {
			marked = append(marked, i)
		}
	}
	if len(marked) == 0 {
		t.Fatal("no page has a bookmark")
	}
	for _, i := range sample(marked, 8) {
		if !json.Valid(pages[i].After) {
			t.Fatalf("bookmark %s is no JSON", pages[i].After)
		}
		t.Run(fmt.Sprintf("page %d of %d", i+1, len(pages)), func(t *testing.T) {
			seen := map[string]bool{}
			for _, page := range slices.Concat(pages[:i+1], src.whole(t, v, extract.Ask{Now: v.Now.Add(time.Hour), Bookmark: pages[i].After})) {
				for _, key := range src.Keys(t, page) {
					seen[key] = true
				}
			}
			src.compare(t, v, seen)
		})
	}
}

// ahead walks in a clock that is a month ahead, and on from there in one that is
// right. What the warehouse holds says where: where it holds nothing all comes again,
// and where it holds records the history does not.
func (src Source) ahead(t *testing.T) {
	if src.Writes {
		t.Skip("a walk that writes has no bookmark")
	}
	v := src.serve(t)
	mark := last(src.whole(t, v, extract.Ask{Now: v.Now.AddDate(0, 1, 0)}))
	asked := 0
	newest := func(at time.Time) func(context.Context) (time.Time, error) {
		return func(context.Context) (time.Time, error) { asked++; return at, nil }
	}
	all := src.whole(t, v, extract.Ask{Now: v.Now, Bookmark: mark, Newest: newest(time.Time{})})
	healed := last(all)
	if asked == 0 {
		return // the bookmark is no time
	}
	seen := map[string]bool{}
	for _, page := range all {
		for _, key := range src.Keys(t, page) {
			seen[key] = true
		}
	}
	src.compare(t, v, seen)
	some := src.whole(t, v, extract.Ask{Now: v.Now, Bookmark: mark, Newest: newest(v.Now.AddDate(0, 0, -10))})
	if len(some) >= len(all) || asked != 2 {
		t.Errorf("%d pages from ten days ago on, %d of all: asked %d times for the newest record", len(some), len(all), asked)
	}
	if string(last(some)) != string(healed) {
		t.Errorf("bookmarks %s and %s of one reading of the clock", healed, last(some))
	}
	src.whole(t, v, extract.Ask{Now: v.Now.Add(time.Hour), Bookmark: healed, Newest: newest(time.Time{})})
	if asked != 2 {
		t.Errorf("bookmark %s is still ahead", healed)
	}
}

// last is the bookmark after the pages.
func last(pages []extract.Page) extract.Bookmark {
	var mark extract.Bookmark
	for _, page := range pages {
		if page.After != nil {
			mark = page.After
		}
	}
	return mark
}

// sample takes at most n, evenly, the first and the last among them.
func sample(all []int, n int) []int {
	if len(all) <= n {
		return all
	}
	var some []int
	for i := range n {
		some = append(some, all[i*(len(all)-1)/(n-1)])
	}
	return some
}
