package transform_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/transform"
)

// Of a page that is all rejects, the first thousand are told, and one row stands
// for the rest; the counts are those of all.
func TestTheRestOfTheRejects(t *testing.T) {
	for _, c := range []struct {
		name, nodes     string
		records, fields int
		rows            int64 // of rejects
	}{
		{"as many as are told", strings.Repeat("0,", 999) + "0", 1000, 0, 1000},
		{"one more", strings.Repeat("0,", 1000) + "0", 1001, 0, 1001},
		{"many more", strings.Repeat("null,", 49_999) + "null", 50_000, 0, 1001},
		{"fields too", strings.Repeat(`null,{"id":"1","duration":"long"},`, 2000) + "null", 2001, 2000, 1001},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := transform.Calls().NewRows(memory.DefaultAllocator)
			defer rows.Release()
			d := decoderOf(t, transform.Calls(), transform.Options{Location: paris(t)})
			for range 2 { // the count begins anew with each page
				d.Decode(somePage, []byte(`{"data":{"paginatedCalls":{"nodes":[`+c.nodes+`]}}}`), rows)
			}
			if r := rows.Rejected(); r != (transform.Rejected{Records: 2 * c.records, Fields: 2 * c.fields}) {
				t.Errorf("%+v were rejected", r)
			}
			var told, stand int64
			err := rows.Flush(func(table transform.Table, record arrow.Record) error {
				if table.Name == "rejects" {
					told += record.NumRows()
					column := record.Column(record.Schema().FieldIndices("records")[0]).(*array.Int64)
					for i := range column.Len() {
						stand += column.Value(i)
					}
				}
				return nil
			})
			if err != nil || told != 2*c.rows || stand != int64(2*(c.records+c.fields)) {
				t.Errorf("%d rows stand for %d rejects, %v", told, stand, err)
			}
		})
	}
}

// atMostRejects fails where more rows of rejects are handed over.
func atMostRejects(most int64) func(transform.Table, arrow.Record) error {
	return func(table transform.Table, record arrow.Record) error {
		if table.Name == "rejects" && record.NumRows() > most {
			return fmt.Errorf("%d rejects are told", record.NumRows())
		}
		return nil
	}
}

type littlePage struct {
	stream transform.Stream
	body   string
}

// pagesOfLittle are pages of about a million values or sixteen million bytes that
// say nothing, for the stream that finds most to do in each.
func pagesOfLittle() map[string]littlePage {
	fill := func(head, piece, tail string, n int) string { return head + strings.Repeat(piece, n) + tail }
	const size = 16 << 20
	calls := func(piece string, n int) littlePage {
		return littlePage{transform.Calls(), fill(`{"data":{"paginatedCalls":{"nodes":[`, piece, `0]}}}`, n)}
	}
	return map[string]littlePage{
		"numbers":        calls("0,", 900_000),
		"empty objects":  calls("{},", 450_000),
		"calls of an id": calls(`{"id":"1"},`, 450_000),
		"bad fields":     calls(`{"id":"1","duration":"","created_at":"","notes":""},`, 180_000),
		"nested nulls":   calls(`{"id":"1","notes":[`+strings.Repeat("0,", 400)+`0]},`, 2200),
		"a long number":  calls(`{"id":1`+strings.Repeat("0", size)+`,"duration":1`+strings.Repeat("0", size/8)+`},`, 1),
		"a long text":    calls(`{"id":"`+strings.Repeat("é", size/2)+`","created_at":"`+strings.Repeat("1", size/8)+`"},`, 1),
		"a long name":    calls(`{"`+strings.Repeat("n", size)+`":1},`, 1),
		"escapes":        calls(`{"id":"`+strings.Repeat(`\u0000`, size/6)+`"},`, 1),
		"many names":     {transform.ClosedConversations(), fill(`{"data":{"closedConversations":{"edges":[{"node":{`, `"a":1,`, `"id":"1"}}]}}}`, 900_000)},
		"transactions":   {transform.ClosedConversations(), fill(`{"data":{"closedConversations":{"edges":[{"node":{"id":"1","conversions":{"transactions":[`, `{},`, `{}]}}}]}}}`, 450_000)},
		"waves":          {transform.Waves(), fill(`{"data":{`, `"w1":{"id":1},`, `"w2":null}}`, 450_000)},
		"messages":       {transform.Messages(), fill(`{"data":{"conversation":{"messages":[`, `{"id":1},`, `0]}}}`, 450_000)},
		"conversations":  {transform.DeskConversations(), fill(`{"conversations":[`, `{"id":1,"users":0},`, `0]}`, 300_000)},
		"deep":           {transform.Calls(), strings.Repeat("[", size)},
	}
}

// A page decodes in little time, whatever is in it: a run that is told to stop
// hears of it between pages.
func TestPagesOfLittle(t *testing.T) {
	for name, p := range pagesOfLittle() {
		t.Run(name, func(t *testing.T) {
			rows := p.stream.NewRows(memory.DefaultAllocator)
			defer rows.Release()
			d := decoderOf(t, p.stream, transform.Options{Location: paris(t)})
			body := []byte(p.body)
			start := time.Now()
			d.Decode(somePage, body, rows)
			took := time.Since(start)
			if took > 20*time.Second {
				t.Errorf("%d bytes took %s", len(body), took)
			}
			if rejects := rows.Flush(atMostRejects(1001)); rejects != nil {
				t.Error(rejects)
			}
		})
	}
}
