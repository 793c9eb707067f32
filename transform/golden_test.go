package transform_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"nightjar/transform"
)

var update = flag.Bool("update", false, "write what the decoders do now as what they should do")

// Each folder of testdata holds a page, the request it answers, and the rows it
// must become.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob("testdata/*/*/page.json")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no golden pages: %v", err)
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		t.Run(strings.TrimPrefix(filepath.ToSlash(folder), "testdata/"), func(t *testing.T) { golden(t, folder) })
	}
}

type goldenRequest struct {
	Stream       string          `json:"stream"`
	Operation    string          `json:"operation"`
	Variables    json.RawMessage `json:"variables"`
	DurationUnit string          `json:"duration_unit"` // "s"; empty is the default
}

func golden(t *testing.T, folder string) {
	var request goldenRequest
	if err := json.Unmarshal(read(t, folder, "request.json"), &request); err != nil {
		t.Fatal(err)
	}
	o := transform.Options{Location: paris(t)}
	if request.DurationUnit == "s" {
		o.DurationUnit = time.Second
	}
	page := somePage
	page.Operation, page.Variables = request.Operation, request.Variables
	source := filepath.Base(filepath.Dir(folder))
	got := decoded(t, streamOf(t, source, request.Stream), o, page, read(t, folder, "page.json"))
	if *update {
		if err := os.WriteFile(filepath.Join(folder, "want.json"), got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, folder, "want.json")), string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if bytes.Contains(got, []byte("credential")) {
		t.Error("a credential is in the rows")
	}
}

func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decoded returns the rows that a page becomes: JSON, one row a line.
func decoded(t testing.TB, s transform.Stream, o transform.Options, page transform.Page, body []byte) []byte {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rows := s.NewRows(mem)
	defer rows.Release()
	decoderOf(t, s, o).Decode(page, body, rows)
	var b bytes.Buffer
	err := rows.Flush(func(table transform.Table, record arrow.Record) error {
		b.WriteString(table.Full() + "\n")
		return array.RecordToJSON(record, &b)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decoderOf(t testing.TB, s transform.Stream, o transform.Options) transform.Decoder {
	t.Helper()
	d, err := s.NewDecoder(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
