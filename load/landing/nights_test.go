package landing_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"nightjar/load/landing"
)

// Many nights with all that befalls a landing zone leave three files a run at most, and
// what landed reads as it did.
func TestManyNightsLeaveFewFiles(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 12))
	seen := map[string]int{}
	for i := range 60 {
		z := open(t, dir) // a process of its own
		id, err := z.NewRunID(night.AddDate(0, 0, i), "")
		must(t, err)
		n := 1 + rng.IntN(12)
		switch rng.IntN(3) {
		case 0: // it dies, and the next one takes over what it has landed
			landPages(t, z, id, n)
			must(t, z.Mark(readRun(t, z, id), landing.Mark{Status: landing.StatusAccepted, At: night}))
		case 1: // it fails on a full disk
			var writes atomic.Int64
			landing.SetFault(z, func(op, path string) error {
				if op == "write" && writes.Add(1) == int64(3+rng.IntN(4)) {
					return syscall.ENOSPC
				}
				return nil
			})
			w, err := z.Begin(header(id), nil)
			must(t, err)
			for i := 1; err == nil && i <= n; i++ {
				err = errors.Join(w.Append(page(i)), w.Sync())
			}
			if err := w.End(end(landing.StatusFailed)); !errors.Is(err, syscall.ENOSPC) {
				must(t, err)
			}
			landing.SetFault(z, func(string, string) error { return nil })
		default:
			landRun(t, z, id, n)
		}
		all := pages(t, readRun(t, z, id))
		checkBodies(t, z, all)
		befall(t, z, dir, all, rng)
		files := names(t, runDir(dir, string(id)))
		seen[fmt.Sprint(files)]++
		for _, name := range files {
			if !slices.Contains([]string{"aside.jsonl", "journal.jsonl", "pages.tar"}, name) {
				t.Fatalf("night %d leaves %s", i, name)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("the nights leave %v: this proves nothing", seen)
	}
	if c, err := open(t, dir).Check(t.Context()); err != nil || c.Runs != 60 || len(c.Problems) > 0 || len(c.SetAside) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// befall damages some of what a run has landed, and sets it aside.
func befall(t *testing.T, z *landing.Zone, dir string, all []landing.Landed, rng *rand.Rand) {
	t.Helper()
	if len(all) == 0 || rng.IntN(2) == 0 {
		return
	}
	id := all[0].Ref.Run.ID
	for range 2 {
		l := all[rng.IntN(len(all))]
		if !isAside(t, z, l) {
			flipPage(t, dir, l)
			must(t, z.SetAside(l))
		}
	}
	path := filepath.Join(runDir(dir, string(id)), "journal.jsonl")
	must(t, change(path, func(b []byte) []byte { b[bytes.LastIndex(b, []byte(`"seq":`))] ^= 1; return b }))
	if r := readRun(t, z, id); r.Damage != nil {
		must(t, z.SetJournalAside(r))
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// A write that failed is taken back: the pack ends with the last page that landed, and a
// run that then says that it failed leaves a whole tar.
func TestAFailedWriteIsTakenBack(t *testing.T) {
	for _, undo := range []error{nil, syscall.EIO} {
		dir := t.TempDir()
		z := open(t, dir)
		var full atomic.Bool
		landing.SetFault(z, func(op, path string) error {
			switch {
			case full.Load() && op == "write" && filepath.Base(path) == "pages.tar":
				return syscall.ENOSPC
			case full.Load() && op == "truncate":
				return undo
			}
			return nil
		})
		w, err := z.Begin(header(runID), nil)
		must(t, err)
		for i := 1; i <= 3; i++ {
			must(t, errors.Join(w.Append(page(i)), w.Sync()))
		}
		full.Store(true)
		if err := errors.Join(w.Append(page(4)), w.Sync()); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("on a full disk: %v", err)
		}
		full.Store(false)
		must(t, w.End(end(landing.StatusFailed)))
		r := readRun(t, z, runID)
		all := pages(t, r)
		if r.End == nil || len(all) != 3 {
			t.Fatalf("%d pages, end %v", len(all), r.End)
		}
		checkBodies(t, z, all)
		pack := readFile(t, packPath(dir, runID))
		if whole := all[2].Offset + (all[2].Stored+511)&^511; undo == nil && int64(len(pack)) != whole {
			t.Errorf("the pack has %d bytes, and what landed ends at %d", len(pack), whole)
		}
		if _, bodies, _ := members(t, pack); len(bodies) != 3 {
			t.Errorf("tar reads %d pages", len(bodies))
		}
	}
}

// Nothing is set aside that is not durably so: each step may fail, and the next attempt
// does it. What a crash leaves of a line is no line.
func TestSettingAsideMayFail(t *testing.T) {
	for op, have := range map[string][]bool{"create": {false}, "open": {true}, "truncate": {false, true}, "write": {false, true}, "sync": {false, true}, "syncdir": {false, true}} {
		for _, before := range have {
			dir := t.TempDir()
			z := open(t, dir)
			all := landRun(t, z, runID, 3)
			if before {
				must(t, z.SetAside(all[0]))
			}
			landing.SetFault(z, func(at, path string) error {
				if at == op {
					return &fs.PathError{Op: at, Path: path, Err: syscall.EIO}
				}
				return nil
			})
			if err := z.SetAside(all[1]); !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v", op, err)
			}
			landing.SetFault(z, func(string, string) error { return nil })
			must(t, z.SetAside(all[1]))
			for _, z := range []*landing.Zone{z, open(t, dir)} {
				if isAside(t, z, all[0]) != before || !isAside(t, z, all[1]) || isAside(t, z, all[2]) {
					t.Errorf("%s: the wrong pages are aside", op)
				}
			}
		}
	}
}

// What is set aside is read from whole lines, whatever became of the file.
func TestATornNote(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	all := landRun(t, z, runID, 3)
	must(t, errors.Join(z.SetAside(all[0]), z.SetAside(all[1])))
	path := filepath.Join(runDir(dir, runID), "aside.jsonl")
	whole := readFile(t, path)
	first := bytes.IndexByte(whole, '\n')
	for size := range len(whole) + 1 {
		for _, z := range []*landing.Zone{z, open(t, dir)} {
			must(t, os.WriteFile(path, whole[:size], 0o600))
			if isAside(t, z, all[0]) != (size > first) || isAside(t, z, all[1]) != (size == len(whole)) {
				t.Fatalf("cut at %d: the wrong pages are aside", size)
			}
		}
		must(t, z.SetAside(all[2]))
		if again := open(t, dir); isAside(t, again, all[0]) != (size > first) || !isAside(t, again, all[2]) {
			t.Fatalf("noted behind a cut at %d: the wrong pages are aside", size)
		}
	}
	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o700))
	if aside, err := z.IsAside(all[0]); err == nil || aside {
		t.Errorf("a note that cannot be read: %t, %v", aside, err)
	}
	flipPage(t, dir, all[0])
	if c, err := z.Check(t.Context()); err != nil || len(c.Problems) != 1 {
		t.Errorf("a note that cannot be read: %+v, %v", c, err)
	}
}
