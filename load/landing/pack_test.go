package landing_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"nightjar/load/landing"
	"nightjar/load/ref"
)

// landPages lands n pages and leaves the run without an end.
func landPages(t testing.TB, z *landing.Zone, id ref.RunID, n int) {
	t.Helper()
	w, err := z.Begin(header(id), nil)
	must(t, err)
	for i := 1; i <= n; i++ {
		must(t, w.Append(page(i)))
	}
	must(t, w.Close())
}

// members reads a tar to its end, or to where it breaks off.
func members(t testing.TB, pack []byte) (headers []*tar.Header, bodies [][]byte, broken error) {
	t.Helper()
	dec, err := zstd.NewReader(nil)
	must(t, err)
	defer dec.Close()
	for r := tar.NewReader(bytes.NewReader(pack)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return headers, bodies, nil
		}
		if err != nil {
			return headers, bodies, err
		}
		packed, err := io.ReadAll(r)
		if err != nil {
			return headers, bodies, err
		}
		body, err := dec.DecodeAll(packed, nil)
		must(t, err)
		headers, bodies = append(headers, h), append(bodies, body)
	}
}

// Any reader of tar finds the pages, in their order and under their numbers; who lands
// the same pages gets the same pack, whatever was landed together.
func TestAPackIsATar(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	landRun(t, open(t, dir), runID, 40)
	pack := readFile(t, packPath(dir, runID))
	headers, bodies, err := members(t, pack)
	if err != nil || len(headers) != 40 {
		t.Fatalf("%d members, %v", len(headers), err)
	}
	for i, h := range headers {
		want := &tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("%06d.json.zst", i+1), Size: h.Size, Mode: 0o600,
			ModTime: page(i + 1).At.Truncate(time.Second), Format: tar.FormatUSTAR}
		if d := cmp.Diff(want, h, cmp.Transformer("instant", time.Time.Unix)); d != "" {
			t.Error(d)
		}
		if !bytes.Equal(bodies[i], page(i+1).Body) {
			t.Errorf("member %d is not what was appended", i+1)
		}
	}
	if end := make([]byte, 1024); !bytes.HasSuffix(pack, end) || len(pack)%512 != 0 {
		t.Error("the pack of a run that ended has no end")
	}

	z := open(t, again)
	w, err := z.Begin(header(runID), nil)
	must(t, err)
	for i := 1; i <= 40; i++ {
		must(t, errors.Join(w.Append(page(i)), w.Sync()))
	}
	must(t, w.End(end(landing.StatusLanded)))
	if !bytes.Equal(readFile(t, packPath(again, runID)), pack) {
		t.Error("the same pages make another pack")
	}
}

// Pages of any time have a member, and an empty pack is a tar.
func TestPagesOfAnyTime(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	w, err := z.Begin(header(runID), nil)
	must(t, err)
	times := []time.Time{{}, time.Unix(-1, 0), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC), night}
	for _, at := range times {
		must(t, w.Append(landing.Page{Body: []byte("{}"), At: at}))
	}
	must(t, w.End(end(landing.StatusLanded)))
	headers, _, err := members(t, readFile(t, packPath(dir, runID)))
	if err != nil || len(headers) != len(times) || headers[2].ModTime.Unix() != 0 || headers[3].ModTime.Unix() != night.Unix() {
		t.Errorf("%v: %+v", err, headers)
	}
	if c, err := z.Check(t.Context()); err != nil || len(c.Problems) > 0 || c.Pages != len(times) {
		t.Errorf("%+v, %v", c, err)
	}
	const none = "20261121T021500.000Z"
	landRun(t, z, none, 0)
	if headers, _, err := members(t, readFile(t, packPath(dir, none))); err != nil || len(headers) > 0 {
		t.Errorf("a pack without a page: %v, %v", headers, err)
	}
}

// crashes are what a crash may leave of a pack behind the last page that landed; another
// page stands there, and no end.
func crashes(whole []byte, last landing.Landed) map[string][]byte {
	from := last.Offset + (last.Stored+511)&^511
	behind := func(litter []byte) []byte { return append(bytes.Clone(whole[:from]), litter...) }
	return map[string][]byte{
		"nothing":            behind(nil),
		"an end":             behind(make([]byte, 1024)),
		"half a header":      behind(whole[from:][:200]),
		"a header":           behind(whole[from:][:512]),
		"half a page":        behind(whole[from:][:600]),
		"a page":             whole,
		"room without bytes": behind(make([]byte, 4000)),
		"noise":              behind(body(1, 3000)),
	}
}

// What a crash leaves of a pack is read to the last page that landed, here and by
// whoever has only tar and zstd.
func TestAPackThatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	landPages(t, z, runID, 6)
	must(t, change(filepath.Join(runDir(dir, runID), "journal.jsonl"), func(b []byte) []byte { return b[:bytes.Index(b, []byte(`"seq":6`))] }))
	all := pages(t, readRun(t, z, runID))
	path := packPath(dir, runID)
	for name, pack := range crashes(readFile(t, path), all[4]) {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(path, pack, 0o600))
			checkBodies(t, z, all)
			if c, err := z.Check(t.Context()); err != nil || c.Pages != 5 || len(c.Problems) > 0 {
				t.Errorf("%+v, %v", c, err)
			}
			if _, bodies, err := members(t, pack); len(bodies) < 5 {
				t.Errorf("tar reads %d pages: %v", len(bodies), err)
			}
			for i := range all {
				readWithTar(t, path, i+1)
			}
		})
	}
}

// readWithTar reads a page as an operator does who has lost everything else.
func readWithTar(t *testing.T, pack string, seq int) {
	t.Helper()
	for _, tool := range []string{"sh", "tar", "zstd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("no %s here", tool)
			return
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", fmt.Sprintf("tar -xOf pages.tar %06d.json.zst 2>/dev/null | zstd -dc", seq))
	cmd.Dir = filepath.Dir(pack)
	if out, err := cmd.Output(); err != nil || !bytes.Equal(out, page(seq).Body) {
		t.Errorf("tar and zstd read %d bytes of page %d: %v", len(out), seq, err)
	}
}
