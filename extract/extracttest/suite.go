package extracttest

import (
	"bytes"
	"encoding/json"
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
		if !strings.Contains(r, "mutation Login") && !strings.HasSuffix(strings.Fields(r)[1], "/token") {
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
	src.records(t, src.serve(t))
}

// refused walks a vendor whose first answers are cut at their very end: all that they
// say has been read when they are refused, and comes again.
func (src Source) refused(t *testing.T) {
	if src.Writes {
		t.Skip("a write is not repeated")
	}
	v := src.serve(t)
	v.Transport.Retries, v.wire.cuts = 1, 5
	src.records(t, v)
}

// records walks all that the vendor holds, and holds the pages against it.
func (src Source) records(t *testing.T, v *Vendor) {
	t.Helper()
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
