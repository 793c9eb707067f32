package landing_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightjar/load/landing"
	"nightjar/load/ref"
)

var night = time.Date(2026, 11, 20, 2, 15, 0, 123456000, time.UTC)

const runID = "20261120T021500.000Z"

func open(t testing.TB, dir string) *landing.Zone {
	t.Helper()
	z, err := landing.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func header(id ref.RunID) landing.Header {
	return landing.Header{Source: "iadvize", Stream: "closed_conversations", RunID: id, Pipeline: "conversations",
		Mode: "nightly", Version: "1.0.0", Started: night, Windows: json.RawMessage(`[{"ID":"2026-11-19"}]`)}
}

// body is a page like a vendor's, of about size bytes, the same for the same seed.
func body(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := []byte(`{"data":{"closedConversations":{"edges":[`)
	for len(b) < size {
		b = fmt.Appendf(b, `{"node":{"id":"%08x-%08x","projectId":9999,"channel":"CHAT","language":"fr","createdAt":"2026-11-19T%02d:%02d:%02dZ","duration":%d,"tags":["livraison","retour"],"csat":null,"comment":"Très bien 👍 <merci>\n"}},`,
			r.Uint32(), r.Uint32(), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(100000))
	}
	return append(b, `null]}}}`...)
}

func page(i int) landing.Page {
	return landing.Page{
		Window: "2026-11-19", Body: body(uint64(i), 2000), At: night.Add(time.Duration(i) * time.Second), Rows: 7, Total: 1000,
		Request: json.RawMessage(fmt.Sprintf(`{"operation":"Closed","query":"query Closed($a: String) {\n  closed(a: $a) { id } # <&>\n}","variables":{"query":"none of ours","after":"c%d"},"status":200}`, i)),
		After:   json.RawMessage(fmt.Sprintf(`{"closed_before":%d}`, i)),
	}
}

func end(s landing.Status) landing.End {
	return landing.End{Status: s, Reason: "because", Finished: night.Add(time.Hour)}
}

// landRun lands n pages, finishes their window and ends the run.
func landRun(t testing.TB, z *landing.Zone, id ref.RunID, n int) []landing.Landed {
	t.Helper()
	var got []landing.Landed
	w, err := z.Begin(header(id), func(l landing.Landed, _ []byte) error { got = append(got, l); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= n; i++ {
		if err := w.Append(page(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.FinishWindow(landing.WindowEnd{ID: "2026-11-19", Status: "complete", VendorTotal: -1, Pages: int64(n), Finished: night}); err != nil {
		t.Fatal(err)
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		t.Fatal(err)
	}
	return got
}

func readRun(t testing.TB, z *landing.Zone, id ref.RunID) *landing.Run {
	t.Helper()
	r, err := z.Run(header(id).Ref())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pages(t testing.TB, r *landing.Run) []landing.Landed {
	t.Helper()
	var all []landing.Landed
	for l, err := range r.Pages() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// checkBodies proves that every page listed is there and is what was appended; it
// makes their requests whole.
func checkBodies(t testing.TB, z *landing.Zone, all []landing.Landed) {
	t.Helper()
	var buf []byte
	for i := range all {
		l := &all[i]
		var err error
		if buf, err = z.Body(l, buf); err != nil {
			t.Fatal(err)
		}
		if l.Seq != i+1 || !bytes.Equal(buf, page(l.Seq).Body) {
			t.Fatalf("page %d of the list is %s and not what was appended", i+1, l.Ref)
		}
	}
}

func runDir(dir, id string) string { return filepath.Join(dir, "iadvize", "closed_conversations", id) }

// packPath is the pack of a run.
func packPath(dir, id string) string { return filepath.Join(runDir(dir, id), "pages.tar") }

// flip turns a bit of a file.
func flip(t testing.TB, path string, at int64) {
	t.Helper()
	must(t, change(path, func(b []byte) []byte { b[at] ^= 4; return b }))
}

// flipPage turns a bit in the middle of a landed page.
func flipPage(t testing.TB, dir string, l landing.Landed) {
	t.Helper()
	flip(t, packPath(dir, string(l.Ref.Run.ID)), l.Offset+l.Stored/2)
}

// isAside is whether a page is set aside.
func isAside(t testing.TB, z *landing.Zone, l landing.Landed) bool {
	t.Helper()
	aside, err := z.IsAside(l)
	must(t, err)
	return aside
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func change(path string, edit func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, edit(b), 0o644)
}
