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
	type edit = func(pack []byte, all []landing.Landed) []byte
	of := func(do func(page []byte)) edit {
		return func(pack []byte, all []landing.Landed) []byte {
			do(pack[all[1].Offset:][:all[1].Stored])
			return pack
		}
	}
	for _, c := range []struct {
		name   string
		do     edit // nil removes the pack
		before bool // what stands before the page is whole
		behind bool
	}{
		{"gone", nil, false, false},
		{"cut in the page", func(b []byte, all []landing.Landed) []byte { return b[:all[1].Offset+100] }, true, false},
		{"cut a byte before its end", func(b []byte, all []landing.Landed) []byte { return b[:all[1].Offset+all[1].Stored-1] }, true, false},
		{"emptied", func([]byte, []landing.Landed) []byte { return nil }, false, false},
		{"moved", func(b []byte, _ []landing.Landed) []byte { return append(make([]byte, 512), b...) }, false, false},
		{"another run's", func([]byte, []landing.Landed) []byte { return make([]byte, 10<<10) }, false, false},
		{"a bit", of(func(b []byte) { b[len(b)/2] ^= 4 }), true, true},
		{"first byte", of(func(b []byte) { b[0] ^= 1 }), true, true},
		{"zeros", of(func(b []byte) { clear(b) }), true, true},
		{"another page", func(b []byte, all []landing.Landed) []byte {
			copy(b[all[1].Offset:][:all[1].Stored], b[all[0].Offset:])
			return b
		}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			z := open(t, dir)
			all := landRun(t, z, runID, 3)
			if c.do == nil {
				must(t, os.Remove(packPath(dir, runID)))
			} else {
				must(t, change(packPath(dir, runID), func(b []byte) []byte { return c.do(b, all) }))
			}
			for i, whole := range []bool{c.before, false, c.behind} {
				var corrupt *landing.CorruptError
				_, err := z.Body(&all[i], nil)
				if whole && err != nil || !whole && (!errors.As(err, &corrupt) || corrupt.Ref != all[i].Ref) {
					t.Errorf("page %d, whole %t: got %v, want a CorruptError that names %s", i+1, whole, err, all[i].Ref)
				}
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
