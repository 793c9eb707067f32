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

// A page that is set aside keeps its bytes under another name; a good copy counts
// again.
func TestSetAside(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%t", lost), func(t *testing.T) {
			dir := t.TempDir()
			z := open(t, dir)
			all := landRun(t, z, runID, 3)
			path := filepath.Join(runDir(dir, runID), "000002.json.zst")
			good, err := os.ReadFile(path)
			must(t, err)
			bad := change(path, func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
			if lost {
				bad = os.Remove(path)
			}
			must(t, bad)
			if z.IsAside(all[1]) {
				t.Error("it is aside before it was set aside")
			}
			for range 2 { // also a second time, once a copy is damaged too
				must(t, z.SetAside(all[1]))
				if !z.IsAside(all[1]) || z.IsAside(all[0]) {
					t.Error("the wrong page is aside")
				}
				if !lost {
					must(t, os.WriteFile(path, good[:9], 0o644))
				}
			}
			kept, err := os.ReadFile(path + ".damaged")
			if err != nil || !lost && len(kept) != len(good) || lost && len(kept) != 0 {
				t.Errorf("%d bytes are kept (%v)", len(kept), err)
			}
			must(t, os.WriteFile(path, good, 0o644))
			checkBodies(t, z, all)
			if got := pages(t, readRun(t, z, runID)); len(got) != 3 {
				t.Errorf("the run has %d pages", len(got))
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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

	if z.JournalIsAside(r) {
		t.Error("the damage is aside before it was set aside")
	}
	must(t, z.SetJournalAside(r))
	if !z.JournalIsAside(r) {
		t.Error("the damage is not aside")
	}
	must(t, change(path, func(b []byte) []byte { b[bytes.Index(b, []byte(`"seq":1`))] ^= 1; return b }))
	if again := readRun(t, z, runID); z.JournalIsAside(again) {
		t.Error("what was damaged later is aside, too")
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
	file := func(id, name string) string { return filepath.Join(runDir(dir, id), name) }
	must(t, os.Remove(file(runID, "000003.json.zst")))
	must(t, os.Truncate(file(runID, "000017.json.zst"), 1))
	for _, n := range []string{"000030", "000040"} {
		must(t, change(file(runID, n+".json.zst"), func(b []byte) []byte { b[len(b)/2] ^= 4; return b }))
	}
	must(t, z.SetAside(all[29]))
	must(t, change(file(other, "journal.jsonl"), func(b []byte) []byte { // a line too few, and one damaged behind it
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
