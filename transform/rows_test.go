package transform_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/transform"
)

// The same pages give the same records wherever a batch ends and whichever
// decoder reads them.
func TestBatchBorders(t *testing.T) {
	for _, s := range streams {
		t.Run(s.Source+"/"+s.Name, func(t *testing.T) {
			pages := seeds(t, s.Source)
			if s.Source == "iadvize" {
				pages = append(pages, conversationsPage(2047, 1), conversationsPage(1, 2), conversationsPage(2049, 3))
			}
			want := inBatches(t, s, pages, 1<<30, 1<<30)
			for _, every := range []int{1, 2, 2048} {
				if got := inBatches(t, s, pages, every, 2); !bytes.Equal(got, want) {
					t.Errorf("batches of %d rows give other records", every)
				}
			}
		})
	}
}

// inBatches decodes the pages, flushes once there are rows enough, and changes
// the decoder after some pages. It returns the rows, table by table, as JSON.
func inBatches(t *testing.T, s stream, pages [][]byte, rowsEach, pagesEach int) []byte {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rows := s.NewRows(mem)
	defer rows.Release()
	tables := map[string]*bytes.Buffer{}
	flush := func() {
		err := rows.Flush(func(table transform.Table, record arrow.Record) error {
			if tables[table.Full()] == nil {
				tables[table.Full()] = new(bytes.Buffer)
			}
			if !record.Schema().Equal(table.Rows()) {
				t.Errorf("%s: the record has another schema", table.Full())
			}
			return array.RecordToJSON(record, tables[table.Full()])
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows.Len() != 0 || rows.Bytes() != 0 {
			t.Errorf("%d rows and %d bytes are left", rows.Len(), rows.Bytes())
		}
	}
	d := decoderOf(t, s.Stream, transform.Options{Location: paris(t)})
	for i, body := range pages {
		if i%pagesEach == 0 {
			d = decoderOf(t, s.Stream, transform.Options{Location: paris(t)})
		}
		page := somePage
		page.Ref = fmt.Sprintf("%s/%s/run/%06d", s.Source, s.Name, i)
		d.Decode(page, body, rows)
		if rows.Len() >= rowsEach {
			flush()
		}
	}
	flush()
	var all bytes.Buffer
	for _, table := range append(s.Tables, transform.Rejects()) {
		if b := tables[table.Full()]; b != nil {
			all.Write(b.Bytes())
		}
	}
	return all.Bytes()
}

func TestRowsCount(t *testing.T) {
	rows := transform.ClosedConversations().NewRows(memory.DefaultAllocator)
	defer rows.Release()
	d := decoderOf(t, transform.ClosedConversations(), transform.Options{Location: paris(t)})
	d.Decode(somePage, read(t, "testdata/iadvize/dirty", "page.json"), rows)
	r := rows.Rejected()
	if want := (transform.Rejected{Records: 6, Nested: 2, Fields: 20}); r != want || rows.Len() != 3+2+r.Total() {
		t.Errorf("%d rows, and rejected are %+v, want %+v", rows.Len(), r, want)
	}
	d.Decode(somePage, []byte(`{"data":{}}`), rows)
	if got := rows.Rejected().Since(r); got != (transform.Rejected{Pages: 1}) {
		t.Errorf("a page without records is rejected as %+v", got)
	}
	if body := int64(2000); rows.Bytes() < body {
		t.Errorf("%d bytes are held, want more than %d", rows.Bytes(), body)
	}
}

// An error of the consumer ends the flush, and what was held is gone.
func TestFlushError(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rows := transform.ClosedConversations().NewRows(mem)
	defer rows.Release()
	decoderOf(t, transform.ClosedConversations(), transform.Options{Location: paris(t)}).Decode(somePage, conversationsPage(100, 1), rows)
	full, calls := errors.New("disk full"), 0
	err := rows.Flush(func(transform.Table, arrow.Record) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 || rows.Len() != 0 {
		t.Errorf("flush says %v after %d calls and keeps %d rows", err, calls, rows.Len())
	}
}

// A decoder keeps no reference to the page, and a reject no more than 2 KiB of it.
func TestRawIsCut(t *testing.T) {
	body := []byte(`{"data":{"closedConversations":{"edges":[{"node":{"channel":"` + strings.Repeat("é", 3000) + `"}}]}}}`)
	rows := transform.ClosedConversations().NewRows(memory.DefaultAllocator)
	defer rows.Release()
	decoderOf(t, transform.ClosedConversations(), transform.Options{Location: paris(t)}).Decode(somePage, body, rows)
	clear(body)
	err := rows.Flush(func(table transform.Table, record arrow.Record) error {
		raw := record.Column(record.Schema().FieldIndices("raw")[0]).ValueStr(0)
		if len(raw) > 2048 || len(raw) < 2046 || !utf8.ValidString(raw) || !strings.HasPrefix(raw, `{"node":{"channel":"éé`) {
			t.Errorf("raw has %d bytes and begins %.30q", len(raw), raw)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Text that is no text is kept as far as it is.
func TestText(t *testing.T) {
	for sent, want := range map[string]string{
		"plain":                "plain",
		"été 😀":                "été 😀",
		`a\u0000b`:             "a\ufffdb",
		"a\xffb":               "a\ufffdb",
		"\xe2\x82":             "\ufffd\ufffd",
		`line\nbreak \"q\"`:    "line\nbreak \"q\"",
		`\ud83d\ude00`:         "😀",
		"long enough \xff end": "long enough \ufffd end",
	} {
		rows := transform.Calls().NewRows(memory.DefaultAllocator)
		body := `{"data":{"paginatedCalls":{"nodes":[{"id":"1","via":"` + sent + `"}]}}}`
		decoderOf(t, transform.Calls(), transform.Options{Location: paris(t)}).Decode(somePage, []byte(body), rows)
		err := rows.Flush(func(_ transform.Table, record arrow.Record) error {
			if got := record.Column(record.Schema().FieldIndices("via_number")[0]).ValueStr(0); got != want {
				t.Errorf("%q became %q, want %q", sent, got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rows.Release()
	}
}

// One page more costs no allocation a row: what remains is the growth of buffers.
func TestHotPathAllocations(t *testing.T) {
	body := conversationsPage(500, 1)
	d := decoderOf(t, transform.ClosedConversations(), transform.Options{Location: paris(t)})
	rows := transform.ClosedConversations().NewRows(memory.DefaultAllocator)
	defer rows.Release()
	d.Decode(somePage, body, rows)
	got := testing.AllocsPerRun(20, func() { d.Decode(somePage, body, rows) })
	if got > 150 { // 50 conversations with a transaction, each a copy of its id and a map
		t.Errorf("%v allocations for a page of 500 conversations", got)
	}
}
