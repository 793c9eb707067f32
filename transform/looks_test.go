package transform_test

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"nightjar/transform"
)

// looksOf decodes a page and returns at what it is a look, by table.
func looksOf(t *testing.T, d transform.Decoder, rows *transform.Rows, page transform.Page, body string) map[string][]string {
	t.Helper()
	d.Decode(page, []byte(body), rows)
	got := map[string][]string{}
	err := rows.Looks(func(table transform.Table, parents iter.Seq[[]byte]) error {
		for p := range parents {
			got[table.Full()] = append(got[table.Full()], string(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A conversation is looked at where the page could show all its transactions.
func TestLooksAtConversations(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	span := &transform.Span{From: day(10), To: day(12)}
	const conversation = `{"data":{"closedConversations":{"edges":[{"node":{"id":"c","createdAt":"2026-11-01T00:00:00Z","closedAt":"CLOSED","conversions":SOLD}}]}}}`
	const older = `{"data":{"searchClosedConversations":{"edges":[{"node":{"conversation":{"id":"c","createdAt":"2026-11-01T00:00:00Z","closedAt":"CLOSED"},"conversions":SOLD}}]}}}`
	const sold = `{"transactions":[{"id":"t","amount":1}]}`
	for name, c := range map[string]struct {
		whole        *transform.Span
		closed, sold string
		gaps         []transform.Gap
		want         bool
	}{
		"one":                       {span, "2026-11-11T10:00:00Z", sold, nil, true},
		"none":                      {span, "2026-11-11T10:00:00Z", `null`, nil, true},
		"an empty list":             {span, "2026-11-11T10:00:00Z", `{"transactions":[]}`, nil, true},
		"no list":                   {span, "2026-11-11T10:00:00Z", `{"transactions":null}`, nil, true},
		"at the first moment":       {span, "2026-11-10T00:00:00Z", sold, nil, true},
		"after the last moment":     {span, "2026-11-12T00:00:00Z", sold, nil, false},
		"before the first moment":   {span, "2026-11-09T23:59:59Z", sold, nil, false},
		"closed at no time":         {span, "never", sold, nil, false},
		"no promise":                {nil, "2026-11-11T10:00:00Z", sold, nil, false},
		"nothing is asked for":      {span, "2026-11-11T10:00:00Z", `null`, []transform.Gap{{Table: "iadvize.transactions", Vendor: "Transaction"}}, false},
		"a column is not asked for": {span, "2026-11-11T10:00:00Z", sold, []transform.Gap{{Table: "iadvize.transactions", Column: "currency"}}, true},
		"one is rejected":           {span, "2026-11-11T10:00:00Z", `{"transactions":[{"id":"t"},null]}`, nil, false},
		"one has no key":            {span, "2026-11-11T10:00:00Z", `{"transactions":[{"id":""}]}`, nil, false},
		"a value is rejected":       {span, "2026-11-11T10:00:00Z", `{"transactions":[{"id":"t","amount":"much"}]}`, nil, true},
		"another type":              {span, "2026-11-11T10:00:00Z", `7`, nil, false},
		"a list of another type":    {span, "2026-11-11T10:00:00Z", `{"transactions":{}}`, nil, false},
		"the list is missing":       {span, "2026-11-11T10:00:00Z", `{}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{conversation, older} {
				mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
				defer mem.AssertSize(t, 0)
				rows := transform.ClosedConversations().NewRows(mem)
				defer rows.Release()
				page := somePage
				page.Whole, page.Gaps = c.whole, c.gaps
				body = strings.NewReplacer("CLOSED", c.closed, "SOLD", c.sold).Replace(body)
				got := looksOf(t, decoderOf(t, transform.ClosedConversations(), transform.Options{Location: paris(t)}), rows, page, body)
				want := map[string][]string{}
				if c.want {
					want["iadvize.transactions"] = []string{"c"}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
	t.Run("conversions are missing", func(t *testing.T) {
		rows := transform.ClosedConversations().NewRows(memory.DefaultAllocator)
		page := somePage
		page.Whole = span
		body := strings.NewReplacer("CLOSED", "2026-11-11T10:00:00Z", `,"conversions":SOLD`, "").Replace(conversation)
		if got := looksOf(t, decoderOf(t, transform.ClosedConversations(), transform.Options{Location: paris(t)}), rows, page, body); len(got) > 0 {
			t.Errorf("looks %v", got)
		}
	})
}

// A call is looked at where its notes are a list; a page is looked at anew.
func TestLooksAtCalls(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rows := transform.Calls().NewRows(mem)
	defer rows.Release()
	d := decoderOf(t, transform.Calls(), transform.Options{Location: paris(t)})
	for _, c := range []struct {
		nodes string
		want  []string
	}{
		{`{"id":"a","notes":[{"id":"1"}]},{"id":"b","notes":[]},{"id":"c","notes":null},{"id":"d"},{"id":"e","notes":7},
			{"id":"f","notes":[{"id":"1"},{"content":"x"}]},{"id":"g","notes":[{"id":"1","content":7}]},{"notes":[]}`, []string{"a", "b", "g"}},
		{`{"id":"z","notes":[]}`, []string{"z"}},
		{`{"id":"f","notes":[null]}`, nil},
	} {
		got := looksOf(t, d, rows, somePage, `{"data":{"paginatedCalls":{"nodes":[`+c.nodes+`]}}}`)
		if diff := cmp.Diff(c.want, got["aircall.call_notes"]); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	page := somePage
	page.Gaps = []transform.Gap{{Table: "aircall.call_notes", Vendor: "Note"}}
	if got := looksOf(t, d, rows, page, `{"data":{"paginatedCalls":{"nodes":[{"id":"a","notes":[]}]}}}`); len(got) > 0 {
		t.Errorf("notes that were not asked for: looks %v", got)
	}
}
