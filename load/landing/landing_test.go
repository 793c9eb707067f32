package landing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/load/landing"
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

func header(id string) landing.Header {
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
func landRun(t testing.TB, z *landing.Zone, id string, n int) []landing.Landed {
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

func readRun(t testing.TB, z *landing.Zone, id string) *landing.Run {
	t.Helper()
	r, err := z.Run("iadvize", "closed_conversations", id)
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

func TestARunComesBackAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "warehouse", "landing")
	z := open(t, dir)
	handed := landRun(t, z, runID, 40)

	z = open(t, dir)
	runs, err := z.Runs("iadvize", "closed_conversations", nil)
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs: %v, %v", runs, err)
	}
	r := runs[0]
	if d := cmp.Diff(header(runID), r.Header); d != "" {
		t.Error("header:", d)
	}
	wantEnd := end(landing.StatusLanded)
	if d := cmp.Diff(&wantEnd, r.End); d != "" {
		t.Error("end:", d)
	}
	if len(r.Windows) != 1 || r.Windows[0].Pages != 40 || r.Windows[0].VendorTotal != -1 {
		t.Errorf("windows: %+v", r.Windows)
	}
	all := pages(t, r)
	if len(all) != 40 {
		t.Fatalf("%d pages, want 40", len(all))
	}
	checkBodies(t, z, all)
	if d := cmp.Diff(handed, all); d != "" {
		t.Error("what was handed on and what is listed differ:", d)
	}
	for i, l := range all {
		p := page(i + 1)
		want := landing.Landed{Ref: fmt.Sprintf("iadvize/closed_conversations/%s/%06d", runID, i+1), Seq: i + 1, Window: p.Window,
			Rows: p.Rows, Total: p.Total, Request: p.Request, At: p.At, After: p.After, Bytes: int64(len(p.Body)), SHA256: l.SHA256, Stored: l.Stored, Asked: l.Asked}
		if d := cmp.Diff(want, l); d != "" {
			t.Fatal(d)
		}
	}
	// The query's text is there once, not forty times.
	text, err := os.ReadFile(filepath.Join(runDir(dir, runID), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("query Closed")); n != 1 {
		t.Errorf("the query's text is in the journal %d times, want once", n)
	}
	for line := range bytes.Lines(text) {
		if !json.Valid(line) {
			t.Errorf("a journal line is no JSON: %s", line)
		}
	}
	streams, err := z.Streams()
	if d := cmp.Diff([]landing.Stream{{Source: "iadvize", Stream: "closed_conversations"}}, streams); d != "" || err != nil {
		t.Error("streams:", d, err)
	}
}

func TestRequestsComeBackAsTheyWere(t *testing.T) {
	long := strings.Repeat("x", 5000)
	requests := []string{
		``,                                         // none
		`{"operation":"GET /v2/tickets"}`,          // no query
		`{"query":""}`,                             // empty
		`{"query":null,"status":200}`,              // no string
		`{"query":{"sha256":"abc"}}`,               // a REST parameter of that name
		`{"query":"\u00e9\n\"<>&\u2028"}`,          // escapes stay as they are
		`{"variables":{"query":"inside"}}`,         // not at the top
		`["query","text"]`, `"query"`, `7`, `null`, // no object
	}
	// More texts than are kept, and the first ones again.
	for i := range 3 * landing.KeptQueries {
		requests = append(requests, fmt.Sprintf(`{"query":"{ w%d }","pad":%q}`, i%(2*landing.KeptQueries), long))
	}
	z := open(t, t.TempDir())
	w, err := z.Begin(header(runID), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		p := landing.Page{Body: []byte("{}")}
		if r != "" {
			p.Request = json.RawMessage(r)
		}
		if err := w.Append(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		t.Fatal(err)
	}
	for i, l := range pages(t, readRun(t, z, runID)) {
		if _, err := z.Body(&l, nil); err != nil || string(l.Request) != requests[i] {
			t.Errorf("request %d came back as %.100s, want %.100s", i, l.Request, requests[i])
		}
	}
}

func TestAppendRefusesWhatIsNoJSON(t *testing.T) {
	z := open(t, t.TempDir())
	w, err := z.Begin(header(runID), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(landing.Page{Request: json.RawMessage(`{`)}); err == nil {
		t.Error("a broken request was taken")
	}
	if err := w.Append(landing.Page{After: json.RawMessage(`{`)}); err == nil {
		t.Error("a broken bookmark was taken")
	}
	// Neither ends the run; an empty body and a bookmark that is null are fine.
	if err := w.Append(landing.Page{After: json.RawMessage(`null`)}); err != nil {
		t.Error(err)
	}
	if err := w.End(end(landing.StatusLanded)); err != nil {
		t.Fatal(err)
	}
	all := pages(t, readRun(t, z, runID))
	if len(all) != 1 || all[0].After != nil {
		t.Fatalf("landed: %+v", all)
	}
	if b, err := z.Body(&all[0], nil); err != nil || len(b) != 0 {
		t.Errorf("an empty body came back as %q, %v", b, err)
	}
}

func TestRunIDs(t *testing.T) {
	z := open(t, filepath.Join(t.TempDir(), "landing"))
	for _, step := range []struct {
		now  time.Time
		want string
		land bool
	}{
		{night, "20261120T021500.123Z", true},
		{night, "20261120T021500.124Z", false},                                                     // the same instant
		{night, "20261120T021500.125Z", true},                                                      // given out, not yet used
		{night.Add(-24 * time.Hour), "20261120T021500.126Z", true},                                 // the clock went back
		{night.In(time.FixedZone("", 7200)).Add(time.Second), "20261120T021501.123Z", true},        // any zone
		{time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.UTC), "20261231T235959.999Z", true}, // rounds down
		{night, "20270101T000000.000Z", true},                                                      // over midnight
	} {
		id, err := z.NewRunID(step.now, "")
		if err != nil || id != step.want {
			t.Fatalf("at %v: %s, %v, want %s", step.now, id, err, step.want)
		}
		if step.land {
			landRun(t, z, id, 1)
		}
	}
	id, err := open(t, filepath.Join(t.TempDir(), "none")).NewRunID(night, "") // no zone yet
	if err != nil || id != "20261120T021500.123Z" {
		t.Fatal(id, err)
	}
}

func TestANewProcessGoesOnAfterTheLastRun(t *testing.T) {
	dir := t.TempDir()
	landRun(t, open(t, dir), runID, 1)
	id, err := open(t, dir).NewRunID(night.Add(-time.Hour), "")
	if err != nil || id != "20261120T021500.001Z" {
		t.Fatal(id, err)
	}
}

func TestNamesThatMustNotBecomePaths(t *testing.T) {
	z := open(t, t.TempDir())
	for _, h := range []landing.Header{
		{Source: "", Stream: "calls", RunID: runID},
		{Source: "..", Stream: "calls", RunID: runID},
		{Source: "aircall", Stream: "../calls", RunID: runID},
		{Source: "aircall", Stream: "Calls", RunID: runID},
		{Source: "aircall", Stream: "calls", RunID: ""},
		{Source: "aircall", Stream: "calls", RunID: "2026-11-20T02:15:00Z"},
		{Source: "aircall", Stream: "calls", RunID: "../../20261120T021500.000Z"},
		{Source: "aircall", Stream: "calls", RunID: "20261320T021500.000Z"}, // no such month
	} {
		if _, err := z.Begin(h, nil); err == nil {
			t.Errorf("began %+v", h)
		}
		if _, err := z.Run(h.Source, h.Stream, h.RunID); err == nil {
			t.Errorf("read %+v", h)
		}
	}
	for _, ref := range []string{"", "a/b", "../../../etc/passwd", "iadvize/calls/" + runID + "/../000001", "iadvize/calls/" + runID + "/1",
		"iadvize/calls/" + runID + "/0000001"} {
		if _, err := z.Body(&landing.Landed{Ref: ref}, nil); err == nil || !strings.Contains(err.Error(), "reference") {
			t.Errorf("opening %q: %v", ref, err)
		}
	}
	for _, ref := range []string{"iadvize/calls/" + runID + "/999999", "iadvize/calls/" + runID + "/1000000", "iadvize/calls/" + runID + "/1234567890"} {
		if _, err := z.Body(&landing.Landed{Ref: ref}, nil); err == nil || strings.Contains(err.Error(), "reference") {
			t.Errorf("opening %q, which never landed: %v", ref, err)
		}
	}
}

func TestARunIsWrittenOnce(t *testing.T) {
	z := open(t, t.TempDir())
	landRun(t, z, runID, 1)
	if _, err := z.Begin(header(runID), nil); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("beginning it again: %v", err)
	}
}

func TestARunThatHasEndedTakesNoMore(t *testing.T) {
	z := open(t, t.TempDir())
	w, err := z.Begin(header(runID), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.End(end(landing.StatusHeld)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error("close after end:", err)
	}
	for what, err := range map[string]error{
		"append": w.Append(page(1)), "sync": w.Sync(), "window": w.FinishWindow(landing.WindowEnd{}), "end": w.End(end(landing.StatusLanded)),
	} {
		if !errors.Is(err, landing.ErrEnded) {
			t.Errorf("%s: %v, want ErrEnded", what, err)
		}
	}
}

func TestMarks(t *testing.T) {
	z := open(t, t.TempDir())
	landRun(t, z, runID, 3)
	r := readRun(t, z, runID)
	accepted := landing.Mark{Status: landing.StatusAccepted, Reason: "by hand", At: night}
	for range 2 {
		if err := z.Mark(r, accepted); err != nil {
			t.Fatal(err)
		}
	}
	again := readRun(t, z, runID)
	want := []landing.Mark{accepted, accepted}
	if d := cmp.Diff(want, again.Marks) + cmp.Diff(want, r.Marks); d != "" {
		t.Error(d)
	}
	if again.End == nil || len(pages(t, again)) != 3 {
		t.Error("the marks changed what was there")
	}
}

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

func change(path string, edit func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, edit(b), 0o644)
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
			r, err := z.Run("iadvize", "closed_conversations", runID)
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
		r, err := z.Run("iadvize", "closed_conversations", runID)
		switch {
		case i < endAt-1 && (err != nil || r.Damage == nil || r.End == nil):
			t.Fatalf("a bit of byte %d: got %+v and %v, want a run that tells of damage, and its end", i, r, err)
		case i >= endAt && err == nil && r.End != nil:
			t.Fatalf("a bit of byte %d: the run still has its end", i)
		}
	}
}
