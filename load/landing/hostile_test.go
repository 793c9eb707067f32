package landing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/load/landing"
)

// TestEveryByteOfAPack turns a bit in each byte of a pack: the page is what landed or is
// refused, and Check tells of all that tar needs.
func TestEveryByteOfAPack(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	all := landRun(t, z, runID, 2)
	path := packPath(dir, runID)
	pack := readFile(t, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	end, silent := int64(len(pack)-1024), 0
	for at := range int64(len(pack)) {
		_, err := f.WriteAt([]byte{pack[at] ^ 0x10}, at)
		must(t, err)
		told := at < end
		for i, l := range all {
			inside := at >= l.Offset && at < l.Offset+l.Stored
			got, err := z.Body(&l, nil)
			var corrupt *landing.CorruptError
			switch {
			case err == nil && !bytes.Equal(got, page(i+1).Body), err != nil && (!inside || !errors.As(err, &corrupt)):
				t.Fatalf("byte %d, inside page %d: %t, %d bytes, %v", at, i+1, inside, len(got), err)
			case err == nil && inside: // of what the format of zstd leaves open
				silent++
				told = false
			}
		}
		c, err := z.Check(t.Context())
		if err != nil || len(c.Problems) > 1 || (len(c.Problems) == 1) != told {
			t.Fatalf("byte %d of %d: %+v, %v", at, end, c, err)
		}
		_, err = f.WriteAt(pack[at:at+1], at)
		must(t, err)
	}
	if silent > 4*len(all) {
		t.Errorf("%d bytes of %d pages may be any", silent, len(all))
	}
}

// A pack that this machine does not read is no damaged one: nothing is set aside for it.
func TestAPackThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	all := landRun(t, z, runID, 1)
	path := packPath(dir, runID)
	must(t, os.Remove(path))
	must(t, os.Symlink("pages.tar", path)) // a circle
	var corrupt *landing.CorruptError
	if _, err := z.Body(&all[0], nil); err == nil || errors.As(err, &corrupt) || !strings.Contains(err.Error(), path) {
		t.Errorf("a pack that cannot be opened: %v", err)
	}
	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o700))
	if _, err := z.Body(&all[0], nil); !errors.As(err, &corrupt) {
		t.Errorf("a folder in the place of a pack: %v", err)
	}
}

// Sizes that no page has are damage, whatever they are: no fault of the program, and no
// memory taken for them.
func TestHostileSizes(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	all := landRun(t, z, runID, 2)
	sizes := []int64{math.MinInt64, -512, -1, 0, 1, 511, 512, 1 << 20, 1 << 40, math.MaxInt64 - 512, math.MaxInt64}
	for name, set := range map[string]func(*landing.Landed, int64){
		"offset": func(l *landing.Landed, n int64) { l.Offset = n },
		"stored": func(l *landing.Landed, n int64) { l.Stored = n },
		"asked":  func(l *landing.Landed, n int64) { l.Asked = n },
		"bytes":  func(l *landing.Landed, n int64) { l.Bytes = n },
	} {
		for _, n := range sizes {
			l := all[1]
			set(&l, n)
			if l.Offset == all[1].Offset && l.Asked == 0 && l.Stored == all[1].Stored && l.Bytes == all[1].Bytes {
				continue // the page alone, whose frame of variables readers of zstd skip
			}
			var corrupt *landing.CorruptError
			if _, err := z.Body(&l, nil); !errors.As(err, &corrupt) {
				t.Errorf("%s %d: %v", name, n, err)
			}
		}
	}
}

// FuzzJournal has a run of one page whose journal line is anything that has a good check
// sum: it is refused, or its page is what its hash says.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	z := open(f, dir)
	landRun(f, z, runID, 2)
	path := filepath.Join(runDir(dir, runID), "journal.jsonl")
	journal := readFile(f, path)
	first, _, _ := bytes.Cut(journal, []byte("\n"))
	for line := range bytes.Lines(journal) {
		var parts map[string]json.RawMessage
		must(f, json.Unmarshal(line, &parts))
		delete(parts, "type")
		delete(parts, "crc")
		rest, err := json.Marshal(parts)
		must(f, err)
		f.Add(string(rest[1 : len(rest)-1]))
	}
	for _, n := range []int64{math.MinInt64, -1, 0, 511, 1 << 40, math.MaxInt64} {
		f.Add(fmt.Sprintf(`"seq":1,"offset":%d,"stored":700,"bytes":2000,"sha256":""`, n))
		f.Add(fmt.Sprintf(`"seq":1,"offset":512,"stored":%d,"bytes":%[1]d,"asked":%[1]d,"sha256":""`, n))
	}
	f.Fuzz(func(t *testing.T, rest string) {
		lines := append(bytes.Clone(first), '\n')
		for _, kind := range []string{"query", "page", "window", "end", "mark"} {
			lines = append(landing.SignedLine(lines, kind, rest), '\n')
		}
		must(t, os.WriteFile(path, lines, 0o600))
		r, err := z.Run(header(runID).Ref())
		if err != nil {
			return
		}
		for l, err := range r.Pages() {
			if err != nil {
				return
			}
			got, err := z.Body(&l, nil)
			if err == nil && (int64(len(got)) != l.Bytes || !bytes.Equal(got, page(1).Body) && !bytes.Equal(got, page(2).Body)) {
				t.Errorf("%s: a page of %d bytes that never landed", rest, len(got))
			}
		}
	})
}
