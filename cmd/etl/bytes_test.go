package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The same pages give the same Parquet bytes, whether they came in four nights or are
// read at once, on one processor or on many, with much memory or with little. A month
// here has more rows than fit into a row group, and they change from night to night.
func TestTheSamePagesGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.configure(benchConfig)
	vendor := &nightlyVendor{dir: t.TempDir(), rows: map[string]int{}}
	server := httptest.NewServer(vendor)
	defer server.Close()
	p.env = map[string]string{"IADVIZE_ENDPOINT": server.URL + "/graphql", "IADVIZE_TOKEN_URL": server.URL + "/oauth2/token", "IADVIZE_PASSWORD": "bytes"}
	date := func(day int) time.Time { return time.Date(2025, 11, day, 0, 0, 0, 0, time.UTC) }
	bring := func(day, rows int) {
		if err := vendor.add(date(day), rows); err != nil {
			t.Fatal(err)
		}
	}
	night := func(from, to int) {
		p.must(exitOK, "run", "-q", "--from", date(from).Format(time.DateOnly), "--to", date(to).Format(time.DateOnly))
	}
	for day := 24; day < 34; day++ { // up to the third of December
		bring(day, 20_000)
	}
	night(24, 31)
	night(28, 34)
	bring(33, 22_000) // all of the day's rows close at another time
	bring(34, 20_000)
	night(31, 35)
	bring(26, 21_000) // a day in the middle of a month
	night(26, 27)
	want := parquetOf(t, p)

	for _, how := range []map[string]string{
		{"GOMAXPROCS": "1"},
		{"GOMAXPROCS": "4"},
		{"GOMAXPROCS": "2", benchMemoryVar: "270MB"},
	} {
		if testing.Short() && how["GOMAXPROCS"] != "4" {
			continue
		}
		again := newProgram(t)
		again.configure(benchConfig)
		again.env = maps.Clone(p.env)
		maps.Copy(again.env, how)
		if err := os.CopyFS(again.path("landing"), os.DirFS(p.path("landing"))); err != nil {
			t.Fatal(err)
		}
		again.must(exitOK, "replay", "-q")
		got := parquetOf(t, again)
		for _, path := range slices.Sorted(maps.Keys(want)) {
			if got[path] != want[path] {
				t.Errorf("%v: %s is other bytes than after four nights", how, path)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%v: %d files, and after four nights %d", how, len(got), len(want))
		}
		again.verified()
	}
	p.verified()
}

// parquetOf are the hashes of the files under parquet, by path, but for those that tell
// of runs.
func parquetOf(t *testing.T, p *program) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(filepath.Join(p.path("current"), "parquet"))
	err := fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(path, "etl/") {
			return err
		}
		body, err := fs.ReadFile(root, path)
		files[path] = fmt.Sprintf("%x", sha256.Sum256(body))
		return err
	})
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	return files
}
