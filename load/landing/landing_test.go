package landing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/load/landing"
	"nightjar/load/ref"
)

func TestARunComesBackAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "warehouse", "landing")
	z := open(t, dir)
	handed := landRun(t, z, runID, 40)

	z = open(t, dir)
	runs, err := z.Runs(header("").Ref().Stream, nil)
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
		want := landing.Landed{Ref: header(runID).Ref().Page(i + 1), Seq: i + 1, Window: p.Window,
			Rows: p.Rows, Total: p.Total, Request: p.Request, At: p.At, After: p.After, Bytes: int64(len(p.Body)), SHA256: l.SHA256, Offset: l.Offset, Stored: l.Stored, Asked: l.Asked}
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
	if d := cmp.Diff([]ref.Stream{{Source: "iadvize", Name: "closed_conversations"}}, streams); d != "" || err != nil {
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
		want ref.RunID
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
		if _, err := z.Run(h.Ref()); err == nil {
			t.Errorf("read %+v", h)
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
