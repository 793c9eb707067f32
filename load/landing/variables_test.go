package landing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"nightjar/load/landing"
	"nightjar/load/ref"
)

// Whom a request was about does not stand in the journal, and is known with the page.
func TestVariablesStandWithTheirPage(t *testing.T) {
	dir := t.TempDir()
	z := open(t, dir)
	w, err := z.Begin(landing.Header{Source: "volt", Stream: "messages", RunID: "20261120T021500.000Z", Started: time.Now()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	requests := []string{
		`{"operation":"Conversation","query":"query { a }","variables":{"to":"+33612345678","from":"+10003334444"}}`,
		`{"operation":"Write","query":"mutation { a }","variables":{"contactId":"c-1"}}`,
		`{"operation":"None","query":"query { b }"}`,
		`{"operation":"Null","variables":null}`,
	}
	body := []byte(`{"data":{}}`)
	for i, r := range requests {
		if err := w.Append(landing.Page{Window: "w", Body: body, Request: json.RawMessage(r), Write: i == 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(landing.End{Status: landing.StatusLanded}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "volt", "messages", "20261120T021500.000Z")
	journal, err := os.ReadFile(filepath.Join(folder, "journal.jsonl"))
	if err != nil || strings.Contains(string(journal), "33612345678") || !strings.Contains(string(journal), "c-1") {
		t.Errorf("%v: the journal is\n%s", err, journal)
	}
	run, err := z.Run(ref.Stream{Source: "volt", Name: "messages"}.Run("20261120T021500.000Z"))
	if err != nil {
		t.Fatal(err)
	}
	for i, page := range pages(t, run) {
		got, err := z.Body(&page, nil)
		if err != nil || !bytes.Equal(got, body) || string(page.Request) != requests[i] {
			t.Errorf("page %d: %s of %s (%v), want %s", i+1, got, page.Request, err, requests[i])
		}
	}
	pack := filepath.Join(folder, "pages.tar")
	first := pages(t, run)[0]
	whole := readFile(t, pack)
	packed := whole[first.Offset:][:first.Stored]
	readWithZstd(t, packed, body)
	for at := first.Offset + first.Stored - 30; at < first.Offset+first.Stored; at++ {
		must(t, os.WriteFile(pack, whole, 0o600))
		flip(t, pack, at)
		page := first
		var corrupt *landing.CorruptError
		if _, err := z.Body(&page, nil); !errors.As(err, &corrupt) {
			t.Errorf("a bit of the variables at %d is turned: %s, %v", at, page.Request, err)
		}
	}
}

// readWithZstd: who reads the member of a page with zstd sees the page alone.
func readWithZstd(t *testing.T, packed, body []byte) {
	t.Helper()
	reader, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(reader); err != nil || plain.String() != string(body) {
		t.Errorf("zstd reads %q (%v)", plain.String(), err)
	}
}
