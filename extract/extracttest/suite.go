package extracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/extract"
)

func (src Source) serve(t *testing.T) *Vendor { return serve(t, src.Vendor, src.Options) }

func (src Source) plan(t *testing.T) {
	v := src.serve(t)
	ask := extract.Ask{Now: v.Now}
	first := windows(t, src.Open(t, v), ask)
	if diff := cmp.Diff(first, windows(t, src.Open(t, v), ask)); diff != "" {
		t.Errorf("two plans of one ask (-first +second):\n%s", diff)
	}
	ids := map[string]bool{}
	for _, w := range first {
		if w.ID == "" || ids[w.ID] {
			t.Errorf("window id %q is none, or comes twice", w.ID)
		}
		ids[w.ID] = true
	}
	if n := len(v.requests()); n > 0 {
		t.Errorf("the plan has sent %d requests", n)
	}
}

func (src Source) check(t *testing.T) {
	v := src.serve(t)
	checker, ok := src.Open(t, v).(extract.Checker)
	if !ok {
		t.Fatal("the stream cannot be checked")
	}
	if findings, err := checker.Check(t.Context()); err != nil || len(findings) > 0 {
		t.Errorf("findings = %+v, %v", findings, err)
	}
	asked := 0
	for _, r := range v.requests() {
		if !strings.Contains(r, "mutation Login") && !strings.HasPrefix(r, "POST /iadvize/oauth2/token ") {
			asked++
		}
		if strings.Contains(r, "contactCreateIdvSession(") {
			t.Error("a check writes")
		}
	}
	if asked != 1 {
		t.Errorf("%d requests for one schema", asked)
	}
}

func (src Source) everyRecord(t *testing.T) {
	v := src.serve(t)
	pages := src.whole(t, v, extract.Ask{Now: v.Now})
	if len(pages) < 5 {
		t.Fatalf("%d pages are too few to prove anything", len(pages))
	}
	seen := map[string]bool{}
	for i, page := range pages {
		keys := src.Keys(t, page)
		if page.Rows != int64(len(keys)) {
			t.Errorf("page %d says %d rows and holds %d", i+1, page.Rows, len(keys))
		}
		status := 200
		if page.Landed != nil {
			status = 0
		}
		if page.Request.Operation == "" || page.Request.Status != status || page.Request.At.IsZero() || page.Request.At.Location() != time.UTC {
			t.Errorf("page %d does not say what was asked and when: %+v", i+1, page.Request)
		}
		for _, key := range keys {
			seen[key] = true
		}
	}
	src.compare(t, v, seen)
}

// compare holds the keys that were seen against what the vendor holds.
func (src Source) compare(t *testing.T, v *Vendor, seen map[string]bool) {
	t.Helper()
	var held []struct{ ID json.RawMessage }
	v.Rows(t, src.Truth, &held)
	if src.Writes { // nothing that the vendor holds has an id
		if len(held) == 0 || len(seen) != len(held) {
			t.Errorf("%d distinct records, the vendor holds %d", len(seen), len(held))
		}
		return
	}
	missing := 0
	for _, row := range held {
		id := strings.Trim(string(row.ID), `"`)
		if !seen[id] {
			missing++
		}
		delete(seen, id)
	}
	if len(held) == 0 || missing > 0 || len(seen) > 0 {
		t.Errorf("of %d records at the vendor %d are missing, and %d are not the vendor's", len(held), missing, len(seen))
	}
}

func (src Source) noPageTwice(t *testing.T) {
	v := src.serve(t)
	src.whole(t, v, extract.Ask{Now: v.Now})
	sent := map[string]int{}
	for _, r := range v.requests() {
		sent[r]++
	}
	for r, n := range sent {
		if n > 1 && (src.Again == nil || !src.Again(r)) {
			t.Errorf("asked %d times: %.300s", n, r)
		}
	}
}

func (src Source) noCredential(t *testing.T) {
	v := src.serve(t)
	pages := src.whole(t, v, extract.Ask{Now: v.Now})
	secrets := v.sandbox.Secrets()
	for i, page := range pages {
		request, err := json.Marshal(page.Request)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if bytes.Contains(request, []byte(secret)) || bytes.Contains(page.Body, []byte(secret)) || bytes.Contains(page.After, []byte(secret)) {
				t.Fatalf("page %d shows a credential", i+1)
			}
		}
	}
}

func (src Source) leftLoop(t *testing.T) {
	v := src.serve(t)
	s := src.Open(t, v)
	for _, w := range windows(t, s, extract.Ask{Now: v.Now}) {
		for _, err := range s.Walk(t.Context(), w) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if n := v.pending(); n > 0 {
			t.Errorf("window %s: %d requests go on after the loop", w.ID, n)
		}
	}
	noneLeft(t)
}

func (src Source) cancelled(t *testing.T) {
	v := src.serve(t)
	s := src.Open(t, v)
	all := windows(t, s, extract.Ask{Now: v.Now})
	most := 0
	for _, w := range all {
		ctx, cancel := context.WithCancel(t.Context())
		var errs []error
		pages := 0
		for page, err := range s.Walk(ctx, w) {
			if err != nil {
				errs = append(errs, err)
				if page.Body != nil {
					t.Errorf("window %s: a page comes with the error", w.ID)
				}
				continue
			}
			pages++
			cancel()
			page.Confirm()
		}
		cancel()
		most = max(most, pages)
		// A window of a page or two may have come to its end before.
		if len(errs) > 1 || len(errs) == 1 && !errors.Is(errs[0], context.Canceled) || len(errs) == 0 && len(all) == 1 {
			t.Errorf("window %s: %v after %d pages", w.ID, errs, pages)
		}
		if n := v.pending(); n > 0 {
			t.Errorf("window %s: %d requests go on", w.ID, n)
		}
	}
	if most == 0 {
		t.Error("no page came")
	}
	noneLeft(t)
}

func (src Source) cancelledBefore(t *testing.T) {
	v := src.serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := src.collect(ctx, t, src.Open(t, v), extract.Ask{Now: v.Now})
	if !errors.Is(w.err, context.Canceled) || len(w.pages) > 0 || len(v.requests()) > 0 {
		t.Errorf("%d pages after %d requests: %v", len(w.pages), len(v.requests()), w.err)
	}
	noneLeft(t)
}

func (src Source) errorOnce(t *testing.T) {
	for _, after := range []int{0, 1, 2} {
		v := src.serve(t)
		s := src.Open(t, v)
		failed := false
		pages := 0
		if pages == after {
			v.deny()
		}
		for _, w := range windows(t, s, extract.Ask{Now: v.Now}) {
			errs := 0
			for page, err := range s.Walk(t.Context(), w) {
				if err == nil {
					if pages++; pages == after {
						v.deny()
					}
					page.Confirm()
					continue
				}
				errs++
				if page.Body != nil || page.Rows != 0 {
					t.Errorf("window %s: a page comes with the error", w.ID)
				}
				if extract.KindOf(err) != extract.Denied || !src.isPlaced(err, w.ID) {
					t.Errorf("window %s: the error is %v", w.ID, err)
				}
				for _, secret := range v.sandbox.Secrets() {
					if strings.Contains(err.Error(), secret) {
						t.Error("the error shows a credential")
					}
				}
			}
			if errs > 1 {
				t.Errorf("window %s: %d errors", w.ID, errs)
			}
			failed = failed || errs > 0
		}
		if !failed {
			t.Errorf("denied after %d pages, no walk has failed", after)
		}
		noneLeft(t)
	}
}

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

// memory walks a vendor and one that holds ten times as much. What the second walk
// holds beyond the first may be what tells its records from one another, and is
// far less than their pages.
func (src Source) memory(t *testing.T) {
	if testing.Short() || src.Writes {
		t.Skip("walks a lot; of one that writes, the caller decides how much")
	}
	small := src.weigh(t, serve(t, src.Vendor, src.Small))
	large := src.weigh(t, serve(t, src.Vendor, src.Large))
	t.Logf("%d rows of %d KiB hold %d KiB; %d rows of %d KiB hold %d KiB",
		small.rows, small.bytes>>10, small.held>>10, large.rows, large.bytes>>10, large.held>>10)
	if large.rows < 8*small.rows {
		t.Fatalf("%d rows are not ten times %d", large.rows, small.rows)
	}
	if large.held > small.held+noise+(large.bytes-small.bytes)/4 {
		t.Error("what a walk holds grows with the data")
	}
}

// noise is what connections and buffers may take, now more, now less.
const noise = 1 << 20

// weight is what a walk has brought and held.
type weight struct {
	rows, bytes int64 // of all pages
	held        int64 // at most, beyond what was held before, in bytes
}

func (src Source) weigh(t *testing.T, v *Vendor) weight {
	v.wire.forget = true
	s := src.Open(t, v)
	before := live()
	var sum weight
	pages, next := 0, 1
	for _, w := range windows(t, s, extract.Ask{Now: v.Now}) {
		for page, err := range s.Walk(t.Context(), w) {
			if err != nil {
				t.Fatal(err)
			}
			page.Confirm()
			sum.rows += page.Rows
			sum.bytes += int64(len(page.Body))
			if pages++; pages == next {
				next += max(1, next/2) // a look is a collection of garbage
				sum.held = max(sum.held, live()-before)
			}
		}
	}
	sum.held = max(sum.held, live()-before)
	runtime.KeepAlive(s)
	return sum
}

// live is the heap that is in use. What a pool holds goes with the second
// collection.
func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// noneLeft fails where a goroutine of a walk lives on.
func noneLeft(t *testing.T) {
	t.Helper()
	stacks := ""
	for range 200 {
		if stacks = walking(); stacks == "" {
			return
		}
		time.Sleep(10 * time.Millisecond) // one that has said that it is done may not have gone yet
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

// walking returns the stacks of the goroutines that a walk has started.
func walking() string {
	buf := make([]byte, 1<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "created by nightjar/extract") && !strings.Contains(stack, "created by nightjar/extract/sandbox") || strings.Contains(stack, "nightjar/extract.send(") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
