package volt_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nightjar/extract"
	"nightjar/extract/volt"
)

// found returns the ids of the waves on the pages, and the sum of their rows.
func found(t *testing.T, pages []extract.Page) (ids []int64, rows int64) {
	t.Helper()
	seen := map[int64]bool{}
	for _, page := range pages {
		var body struct{ Data map[string]json.RawMessage }
		if err := json.Unmarshal(page.Body, &body); err != nil {
			t.Fatal(err)
		}
		for alias, wave := range body.Data {
			var id int64
			if _, err := fmt.Sscanf(alias, "w%d", &id); err == nil && string(wave) != "null" {
				seen[id] = true
			}
		}
		rows += page.Rows
	}
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, rows
}

func sequence(from, to int64) []int64 {
	var ids []int64
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

// Gap is 100 and a request holds 50 ids, unless a row says otherwise.
var scans = []struct {
	name     string
	waves    []int64
	known    warehouse
	bookmark string
	full     bool
	arrange  func(*fake, *volt.Config)
	want     []int64
	requests int // at most
	after    string
}{
	{"none", nil, warehouse{}, "", false, nil, nil, 2, ""},
	{"a few", []int64{3, 4, 90}, warehouse{}, "", false, nil, []int64{3, 4, 90}, 5, `{"scanned_through":90}`},
	{"a gap as wide as allowed", []int64{100, 200, 300}, warehouse{}, "", false, nil, []int64{100, 200, 300}, 10, `{"scanned_through":300}`},
	{"first id", []int64{5000, 5050}, warehouse{}, "", false, func(_ *fake, c *volt.Config) { c.FirstID = 4990 }, []int64{5000, 5050}, 5, `{"scanned_through":5050}`},

	// Messages name waves beyond any gap; those around them are found too, on both sides.
	{"named across a wide gap", []int64{1, 900_000, 900_080, 900_150, 900_210}, warehouse{named: []int64{900_080}}, "", false, nil,
		[]int64{1, 900_000, 900_080, 900_150, 900_210}, 14, `{"scanned_through":900210}`},
	{"named far below the bookmark", []int64{10, 40_000, 40_020, 90_000}, warehouse{held: []int64{10, 90_000}, named: []int64{40_000}}, `{"scanned_through":90000}`, false, nil,
		[]int64{40_000, 40_020, 90_000}, 9, `{"scanned_through":90000}`},
	{"named and gone", []int64{10}, warehouse{held: []int64{10}, named: []int64{5}}, `{"scanned_through":10}`, false, nil, []int64{10}, 3, `{"scanned_through":10}`},

	// A night with a bookmark looks beyond it, and at what is not settled.
	{"nothing new", []int64{10, 20, 4000}, warehouse{held: []int64{10, 20, 4000}}, `{"scanned_through":4000}`, false, nil, []int64{4000}, 3, `{"scanned_through":4000}`},
	{"new ones", []int64{4000, 4090, 4180}, warehouse{held: []int64{4000}}, `{"scanned_through":4000}`, false, nil, []int64{4000, 4090, 4180}, 8, `{"scanned_through":4180}`},
	{"not settled", []int64{10, 20, 4000}, warehouse{held: []int64{10, 20, 4000}, unsettled: []int64{20}}, `{"scanned_through":4000}`, false, nil, []int64{20, 4000}, 4, `{"scanned_through":4000}`},
	{"full", []int64{10, 20, 4000}, warehouse{held: []int64{10, 20, 4000}}, `{"scanned_through":4000}`, true, nil, []int64{10, 20, 4000}, 8, `{"scanned_through":4000}`},

	// The vendor does not take so many at once.
	{"seven aliases", sequence(1, 60), warehouse{}, "", false, func(f *fake, _ *volt.Config) { f.aliases = 7 }, sequence(1, 60), 60, `{"scanned_through":60}`},
	{"one alias", sequence(1, 8), warehouse{}, "", false, func(f *fake, c *volt.Config) { f.aliases, c.Gap = 1, 10 }, sequence(1, 8), 60, `{"scanned_through":8}`},
}

func TestWaves(t *testing.T) {
	for _, test := range scans {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			for _, id := range test.waves {
				f.waves[id] = true
			}
			cfg := f.config()
			cfg.Gap, cfg.Warehouse = 100, test.known
			if test.arrange != nil {
				test.arrange(f, &cfg)
			}
			ask := extract.Ask{Full: test.full}
			if test.bookmark != "" {
				ask.Bookmark = extract.Bookmark(test.bookmark)
			}
			pages, err := collect(t, volt.NewWaves(cfg), ask)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := found(t, pages); !slices.Equal(got, test.want) {
				t.Errorf("waves = %v, want %v", got, test.want)
			}
			if n := f.count("Waves"); n > test.requests {
				t.Errorf("%d requests, want at most %d", n, test.requests)
			}
			if after := string(pages[len(pages)-1].After); after != test.after {
				t.Errorf("bookmark = %s, want %s", after, test.after)
			}
			for id, n := range f.asked {
				if n > 1 && f.aliases == 0 {
					t.Errorf("wave %d is asked for %d times", id, n)
				}
			}
		})
	}
}

func TestManyWavesTakeFewRequests(t *testing.T) {
	f := newFake(t)
	random := rand.New(rand.NewPCG(1, 2))
	id := int64(0)
	for range 25_000 {
		id++
		if random.IntN(500) == 0 {
			id += random.Int64N(400)
		}
		f.waves[id] = true
	}
	pages, err := collect(t, volt.NewWaves(f.config()), extract.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	if got, rows := found(t, pages); len(got) != 25_000 || rows != 25_000 {
		t.Errorf("%d waves in %d rows, want 25000", len(got), rows)
	}
	if n, alone := f.count("Waves"), int(id)+500; n > alone/40 {
		t.Errorf("%d requests, want at most a fortieth of %d", n, alone)
	}
}

// The bookmark of each page may be published: a walk from there misses nothing.
func TestWavesResumeFromAnyPage(t *testing.T) {
	f := newFake(t)
	want := []int64{30, 31, 95, 170, 5_000, 5_090, 5_095}
	for _, id := range want {
		f.waves[id] = true
	}
	cfg := f.config()
	cfg.Gap, cfg.Aliases, cfg.Warehouse = 100, 20, warehouse{named: []int64{5_090}}
	pages, err := collect(t, volt.NewWaves(cfg), extract.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range pages {
		got, _ := found(t, pages[:n+1])
		cfg.Warehouse = warehouse{held: got, named: []int64{5_090}}
		rest, err := collect(t, volt.NewWaves(cfg), extract.Ask{Bookmark: pages[n].After})
		if err != nil {
			t.Fatal(err)
		}
		more, _ := found(t, rest)
		all := slices.Concat(got, more)
		slices.Sort(all)
		if all = slices.Compact(all); !slices.Equal(all, want) {
			t.Errorf("after page %d with %s: %v, want %v", n+1, pages[n].After, all, want)
		}
	}
}

func TestWavesIncomplete(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(*fake, *volt.Config)
		want    string
		after   string
	}{
		{"budget", func(_ *fake, c *volt.Config) { c.Budget, c.Transport.Concurrency = 2, 1 }, "the budget of 2 requests is spent, wave ids from 101 on", `{"scanned_through":100}`},
		{"a wave that fails alone", func(f *fake, _ *volt.Config) { f.broken[42] = true }, "waves [42] cannot be read", `{"scanned_through":41}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			for id := range int64(300) {
				f.waves[id+1] = true
			}
			cfg := f.config()
			cfg.Gap, cfg.Transport.Retries = 100, 0
			test.arrange(f, &cfg)
			pages, err := collect(t, volt.NewWaves(cfg), extract.Ask{})
			var incomplete *extract.IncompleteError
			if !errors.As(err, &incomplete) || !strings.Contains(incomplete.Reason, test.want) {
				t.Fatalf("err = %v, want %q", err, test.want)
			}
			if after := string(pages[len(pages)-1].After); after != test.after {
				t.Errorf("bookmark = %s, want %s", after, test.after)
			}
			if got, _ := found(t, pages); f.broken[42] && len(got) != 299 {
				t.Errorf("%d waves, want all others", len(got))
			}
		})
	}
}

func TestWavesErrors(t *testing.T) {
	f := newFake(t)
	for id := range int64(100) {
		f.broken[id+1] = true
	}
	cfg := f.config()
	cfg.Transport.Retries = 0
	if _, err := collect(t, volt.NewWaves(cfg), extract.Ask{}); extract.KindOf(err) != extract.Failing || !strings.Contains(err.Error(), "volt waves window ids page 1") {
		t.Errorf("err = %v, want failing, with its place", err)
	}
	cfg.Token = "wrong-token"
	if _, err := collect(t, volt.NewWaves(cfg), extract.Ask{}); extract.KindOf(err) != extract.Denied || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("err = %v, want denied, without the token", err)
	}
	for _, bad := range []string{`{`, `[1]`, `{"scanned_through":-1}`, `{"scanned_through":"x"}`} {
		if _, err := volt.NewWaves(cfg).Plan(t.Context(), extract.Ask{Bookmark: extract.Bookmark(bad)}); err == nil {
			t.Errorf("bookmark %s is taken", bad)
		}
	}
}

// A vendor that does not look at the id answers every one, and would be asked for
// ever.
func TestWavesThatAreOthers(t *testing.T) {
	for name, c := range map[string]struct {
		id   func(asked int64) string
		kind extract.Kind
	}{
		"one wave for ever":      {func(int64) string { return "7" }, extract.Stuck},
		"two waves in turn":      {func(id int64) string { return fmt.Sprint(3 + id%2) }, extract.Stuck},
		"waves in another order": {func(id int64) string { return fmt.Sprintf("%q", fmt.Sprint(id^1)) }, extract.Stuck},
		"waves without an id":    {func(int64) string { return "null" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.own = c.id
			cfg := f.config()
			cfg.Gap, cfg.Budget = 100, 200
			pages, err := collect(t, volt.NewWaves(cfg), extract.Ask{})
			var e *extract.Error
			if extract.KindOf(err) != c.kind || c.kind != "" && (!errors.As(err, &e) || e.Stream != "waves" || e.Window == "" || e.Page == 0) || f.count("Waves") > 20 {
				t.Errorf("after %d requests: %v", f.count("Waves"), err)
			}
			for _, page := range pages {
				if page.Rows == 0 {
					t.Error("a page without a row")
				}
			}
		})
	}
}
