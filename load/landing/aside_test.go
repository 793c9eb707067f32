package landing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightjar/load/landing"
	"nightjar/load/ref"
)

// A page that is set aside keeps its bytes where they are; a good copy counts again.
func TestSetAside(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%t", lost), func(t *testing.T) {
			dir := t.TempDir()
			z := open(t, dir)
			all := landRun(t, z, runID, 3)
			path := packPath(dir, runID)
			good := readFile(t, path)
			if lost {
				must(t, os.Remove(path))
			} else {
				flipPage(t, dir, all[1])
			}
			bad, _ := os.ReadFile(path)
			if isAside(t, z, all[1]) {
				t.Error("it is aside before it was set aside")
			}
			for range 2 { // also a second time, once a copy is damaged too
				must(t, z.SetAside(all[1]))
				for _, z := range []*landing.Zone{z, open(t, dir)} {
					if !isAside(t, z, all[1]) || isAside(t, z, all[0]) {
						t.Error("the wrong page is aside")
					}
				}
			}
			if kept, _ := os.ReadFile(path); !bytes.Equal(kept, bad) {
				t.Errorf("%d bytes are kept of %d", len(kept), len(bad))
			}
			must(t, os.WriteFile(path, good, 0o644))
			checkBodies(t, z, all)
			if got := pages(t, readRun(t, z, runID)); len(got) != 3 {
				t.Errorf("the run has %d pages", len(got))
			}
		})
	}
}

// What stands before the damage of a journal counts, and so does what is said of
// the run as a whole; nothing of the journal is cut off.
func TestJournalDamagedOnTheWay(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landRun(t, z, runID, 5)
	must(t, z.Mark(readRun(t, z, runID), landing.Mark{Status: landing.StatusHeld, At: night}))
	path := filepath.Join(runDir(dir, runID), "journal.jsonl")
	whole, err := os.ReadFile(path)
	must(t, err)
	at := bytes.Index(whole, []byte(`"seq":3`))
	must(t, change(path, func(b []byte) []byte { b[at] ^= 1; return b }))

	r := readRun(t, z, runID)
	if r.Damage == nil || len(pages(t, r)) != 2 || r.End == nil || len(r.Marks) != 1 {
		t.Fatalf("damage %v, %d pages, end %v, marks %v", r.Damage, len(pages(t, r)), r.End, r.Marks)
	}
	must(t, os.Truncate(path, int64(len(whole)-3))) // and the mark is cut
	r = readRun(t, z, runID)
	before, err := os.ReadFile(path)
	must(t, err)
	must(t, z.Mark(r, landing.Mark{Status: landing.StatusAccepted, At: night}))
	after, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(after, before) {
		t.Errorf("a mark changed what was there (%v)", err)
	}
	for _, r := range []*landing.Run{r, readRun(t, z, runID)} {
		if len(r.Marks) != 1 || r.Marks[0].Status != landing.StatusAccepted || len(pages(t, r)) != 2 {
			t.Errorf("marks %v, %d pages", r.Marks, len(pages(t, r)))
		}
	}

	isAside := func(r *landing.Run) bool {
		aside, err := z.JournalIsAside(r)
		must(t, err)
		return aside
	}
	if isAside(r) {
		t.Error("the damage is aside before it was set aside")
	}
	must(t, z.SetJournalAside(r))
	if !isAside(r) {
		t.Error("the damage is not aside")
	}
	must(t, change(path, func(b []byte) []byte { b[bytes.Index(b, []byte(`"seq":1`))] ^= 1; return b }))
	if again := readRun(t, z, runID); isAside(again) {
		t.Error("what was damaged later is aside, too")
	} else if must(t, z.SetJournalAside(again)); !isAside(again) || !isAside(r) {
		t.Error("what was damaged later cannot be set aside")
	}
}

// Check finds all that is damaged or missing, whatever there is of it.
func TestCheckFindsEveryDamage(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	const other = "20261121T021500.000Z"
	all := landRun(t, z, runID, 40)
	landRun(t, z, other, 5)
	if c, err := z.Check(t.Context()); err != nil || c.Runs != 2 || c.Pages != 45 || len(c.Problems) > 0 || c.Bytes == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	pack := packPath(dir, runID)
	must(t, change(pack, func(b []byte) []byte { clear(b[all[2].Offset:][:all[2].Stored]); return b }))
	flip(t, pack, all[16].Offset-1)              // of its header
	flip(t, pack, all[16].Offset+all[16].Stored) // and behind it: one problem
	flipPage(t, dir, all[29])
	must(t, os.Truncate(pack, all[39].Offset+all[39].Stored-1))
	must(t, z.SetAside(all[29]))
	must(t, change(filepath.Join(runDir(dir, other), "journal.jsonl"), func(b []byte) []byte { // a line too few, and one damaged behind it
		var lines []byte
		for line := range bytes.Lines(b) {
			if !bytes.Contains(line, []byte(`"seq":2`)) {
				lines = append(lines, line...)
			}
		}
		return bytes.Replace(lines, []byte(`"seq":5`), []byte(`"seq":6`), 1)
	}))
	c, err := z.Check(t.Context())
	must(t, err)
	var found []string
	for _, p := range c.Problems {
		found = append(found, strings.TrimPrefix(p.Ref.String(), "iadvize/closed_conversations/"))
	}
	want := []string{runID + "/000003", runID + "/000017", runID + "/000040", other + "/journal.jsonl", other + "/journal.jsonl"}
	if !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	if !slices.Equal(c.SetAside, []string{all[29].Ref.String()}) {
		t.Errorf("set aside: %v", c.SetAside)
	}

	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := z.Check(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("ended by its operator, it says %v", err)
	}
}

func TestHas(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landRun(t, z, runID, 3)
	run := "iadvize/closed_conversations/" + runID
	for text, want := range map[string]bool{
		run + "/000003": true, run + "/journal.jsonl": true, run + "/000004": false,
		"iadvize/closed_conversations/20200101T000000.000Z/000001": false,
	} {
		page, err := ref.ParsePage(text)
		if err != nil {
			t.Fatal(err)
		}
		if has, err := z.Has(page); has != want || err != nil {
			t.Errorf("%s: %t, %v", page, has, err)
		}
	}
}
