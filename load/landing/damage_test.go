package landing_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"nightjar/load/landing"
)

func TestCorruptPages(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(path string) error
	}{
		{"gone", os.Remove},
		{"cut", func(p string) error { return os.Truncate(p, 100) }},
		{"emptied", func(p string) error { return os.Truncate(p, 0) }},
		{"grown", func(p string) error { return change(p, func(b []byte) []byte { return append(b, b...) }) }},
		{"a bit", func(p string) error { return change(p, func(b []byte) []byte { b[len(b)/2] ^= 4; return b }) }},
		{"first byte", func(p string) error { return change(p, func(b []byte) []byte { b[0] ^= 1; return b }) }},
		{"another page", func(p string) error {
			other, err := os.ReadFile(filepath.Join(filepath.Dir(p), "000001.json.zst"))
			return errors.Join(err, os.WriteFile(p, other, 0o644))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			z := open(t, dir)
			all := landRun(t, z, runID, 3)
			if err := c.do(filepath.Join(runDir(dir, runID), "000002.json.zst")); err != nil {
				t.Fatal(err)
			}
			var corrupt *landing.CorruptError
			if _, err := z.Body(&all[1], nil); !errors.As(err, &corrupt) || corrupt.Ref != all[1].Ref {
				t.Fatalf("got %v, want a CorruptError that names %s", err, all[1].Ref)
			}
			if _, err := z.Body(&all[2], nil); err != nil {
				t.Errorf("the page beside it: %v", err)
			}
		})
	}
}

// TestTornJournal cuts the journal at every byte: what is listed is exactly what
// has a whole line.
func TestTornJournal(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landRun(t, z, runID, 5)
	path := filepath.Join(runDir(dir, runID), "journal.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) + 1 {
		for _, tail := range [][]byte{nil, make([]byte, 300), []byte("\x00\x00\x00\n")} { // what a crash may leave behind
			if err := os.WriteFile(path, append(bytes.Clone(whole[:size]), tail...), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := z.Run(header(runID).Ref())
			if !bytes.Contains(whole[:size], []byte("\n")) {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("cut at %d, before the header is whole: %v", size, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("cut at %d: %v", size, err)
			}
			want := 0
			for line := range bytes.Lines(whole[:size]) {
				if bytes.HasSuffix(line, []byte("\n")) && bytes.HasPrefix(line, []byte(`{"type":"page"`)) {
					want++
				}
			}
			if got := len(pages(t, r)); got != want {
				t.Fatalf("cut at %d: %d pages, want %d", size, got, want)
			}
			if size < len(whole) && r.End != nil {
				t.Fatalf("cut at %d: the run has an end", size)
			}
		}
	}
}

func TestMarkCutsOffWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landRun(t, z, runID, 5)
	path := filepath.Join(runDir(dir, runID), "journal.jsonl")
	if err := change(path, func(b []byte) []byte { return b[:len(b)*2/3] }); err != nil {
		t.Fatal(err)
	}
	r := readRun(t, z, runID)
	before := len(pages(t, r))
	if err := z.Mark(r, landing.Mark{Status: "resumed", At: night}); err != nil {
		t.Fatal(err)
	}
	again := readRun(t, z, runID)
	if len(again.Marks) != 1 || len(pages(t, again)) != before || again.End != nil {
		t.Errorf("after the mark: %d marks, %d pages, want 1 and %d", len(again.Marks), len(pages(t, again)), before)
	}
}

// TestDamagedJournal flips a bit in each byte of an ended run's journal: it is
// reported, or the run is no longer one that ended. It never reads as whole.
func TestDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landRun(t, z, runID, 3)
	path := filepath.Join(runDir(dir, runID), "journal.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	endAt := bytes.Index(whole, []byte(`{"type":"end"`))
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := z.Run(header(runID).Ref())
		switch {
		case i < endAt-1 && (err != nil || r.Damage == nil || r.End == nil):
			t.Fatalf("a bit of byte %d: got %+v and %v, want a run that tells of damage, and its end", i, r, err)
		case i >= endAt && err == nil && r.End != nil:
			t.Fatalf("a bit of byte %d: the run still has its end", i)
		}
	}
}
