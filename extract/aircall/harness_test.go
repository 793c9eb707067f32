package aircall_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"nightjar/extract"
	"nightjar/extract/aircall"
	"nightjar/extract/transport"
)

var now = time.Date(2026, 11, 20, 1, 30, 0, 0, time.UTC)

func config(f *fake) aircall.Config {
	return aircall.Config{
		Endpoint: f.url, Username: "u", Password: "secret", PageSize: 10,
		Transport: transport.Config{Concurrency: 3, Retries: 2, Timeout: 10 * time.Second},
	}
}

// walk plans and walks the window to its end.
func walk(t *testing.T, cfg aircall.Config, ask extract.Ask) ([]extract.Page, error) {
	t.Helper()
	ask.Now = now
	calls := aircall.New(cfg)
	windows, err := calls.Plan(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(windows) != 1 || windows[0].ID != "sweep" {
		t.Fatalf("windows = %+v, want one sweep", windows)
	}
	var pages []extract.Page
	for page, err := range calls.Walk(t.Context(), windows[0]) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// ids returns the distinct ids of the pages.
func ids(t *testing.T, pages []extract.Page) []string {
	t.Helper()
	var all []string
	for _, page := range pages {
		var body struct {
			Data struct {
				PaginatedCalls struct{ Nodes []*struct{ ID string } }
			}
		}
		if err := json.Unmarshal(page.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, node := range body.Data.PaginatedCalls.Nodes {
			if node != nil {
				all = append(all, node.ID)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// complete fails the test unless every call of the vendor is on the pages and
// the last page, alone, has a bookmark.
func complete(t *testing.T, f *fake, pages []extract.Page, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock() // a request that nobody waits for any more may still be under way
	defer f.mu.Unlock()
	got := ids(t, pages)
	for _, id := range f.ids {
		if _, ok := slices.BinarySearch(got, id); !ok {
			t.Errorf("%s is missing", id)
		}
	}
	for n, page := range pages {
		if last := n == len(pages)-1; (page.After != nil) != last {
			t.Errorf("page %d of %d has bookmark %s", n+1, len(pages), page.After)
		}
	}
}
