package transform_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/transform"
)

// conversationsPage is a page as iAdvize sends it: three in ten conversations with
// a survey, one in ten with a transaction.
func conversationsPage(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, seed))
	uuid := func() string {
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16)
	}
	channels := []string{"CHAT", "CHAT", "CHAT", "WHATSAPP", "CALL", "FACEBOOK_BUSINESS_ON_MESSENGER"}
	at := time.Date(2026, 11, 19, 7, 0, 0, 0, time.UTC)
	var b strings.Builder
	b.WriteString(`{"data":{"closedConversations":{"edges":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		at = at.Add(time.Duration(r.IntN(60)) * time.Second)
		lasted := 30 + r.IntN(900)
		fmt.Fprintf(&b, `{"cursor":"c%06d","node":{"id":%q,"createdAt":%q,"closedAt":%q,"channel":%q,"language":"fr","duration":"PT%dM%d.25S","tags":[{"id":"%d","name":"livraison"},{"id":"%d","name":"retour"}],"project":{"id":9999,"name":"Boutique"},`,
			i, uuid(), at.Add(-time.Duration(lasted)*time.Second).Format(time.RFC3339), at.Format(time.RFC3339), channels[r.IntN(len(channels))], lasted/60, lasted%60, r.IntN(50), r.IntN(50))
		if r.IntN(10) < 3 {
			fmt.Fprintf(&b, `"satisfactionSurvey":{"customerSatisfaction":%d,"netPromoterScore":%d,"comment":"Très bien, merci \ud83d\ude00\nà bientôt"},`, 1+r.IntN(5), r.IntN(11))
		} else {
			b.WriteString(`"satisfactionSurvey":null,`)
		}
		if r.IntN(10) == 0 {
			fmt.Fprintf(&b, `"conversions":{"transactions":[{"id":%q,"externalConversionId":"CMD-%d","amount":%d.%02d,"currency":"EUR","receivedAt":%q}]}}}`, uuid(), r.IntN(1e6), r.IntN(300), r.IntN(100), at.Add(time.Hour).Format(time.RFC3339))
		} else {
			b.WriteString(`"conversions":null}}`)
		}
	}
	b.WriteString(`],"pageInfo":{"hasNextPage":true,"endCursor":"c000499"}}}}`)
	return []byte(b.String())
}

// BenchmarkDecode is the hot path whole: bytes to Arrow records.
func BenchmarkDecode(b *testing.B) {
	body := conversationsPage(500, 1)
	d, err := transform.ClosedConversations().NewDecoder(transform.Options{Location: paris(b)})
	if err != nil {
		b.Fatal(err)
	}
	rows := transform.ClosedConversations().NewRows(memory.DefaultAllocator)
	defer rows.Release()
	page := somePage // one that is a look at every conversation
	page.Whole = &transform.Span{From: time.Unix(0, 0), To: page.At}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(page, body, rows)
		if rows.Len() >= 16*1024 {
			if err := rows.Flush(func(transform.Table, arrow.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// conversations is the page as a straight program would declare it.
type conversations struct {
	Data struct {
		ClosedConversations struct {
			Edges []struct {
				Node struct {
					ID, Channel, Language, Duration string
					CreatedAt, ClosedAt             time.Time
					Tags                            []struct{ Name string }
					Project                         struct{ ID int64 }
					SatisfactionSurvey              *struct {
						CustomerSatisfaction, NetPromoterScore *int8
						Comment                                *string
					}
					Conversions *struct {
						Transactions []struct {
							ID, ExternalConversionID, Currency string
							Amount                             json.Number
							ReceivedAt                         time.Time
						}
					}
				}
			}
		}
	}
}

// BenchmarkDecodeRatio reports how many times faster the decoder is than
// encoding/json into structs and from there into the same records.
func BenchmarkDecodeRatio(b *testing.B) {
	body := conversationsPage(500, 1)
	d, err := transform.ClosedConversations().NewDecoder(transform.Options{Location: paris(b)})
	if err != nil {
		b.Fatal(err)
	}
	rows := transform.ClosedConversations().NewRows(memory.DefaultAllocator)
	defer rows.Release()
	drop := func(transform.Table, arrow.Record) error { return nil }
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		d.Decode(somePage, body, rows)
		if err := rows.Flush(drop); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		start = time.Now()
		straight(b, body)
		theirs += time.Since(start)
	}
	mb := float64(len(body)) * float64(b.N) / 1e6
	b.ReportMetric(mb/ours.Seconds(), "MB/s")
	b.ReportMetric(mb/theirs.Seconds(), "encoding/json-MB/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times-as-fast")
}

// straightBuilder builds a record as its columns come.
type straightBuilder struct{ *array.RecordBuilder }

func straightTable(t transform.Table) straightBuilder {
	return straightBuilder{array.NewRecordBuilder(memory.DefaultAllocator, t.Rows())}
}

func (b straightBuilder) text(i int, s string) { b.Field(i).(*array.StringBuilder).Append(s) }

func (b straightBuilder) at(i int, t time.Time) {
	b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(t.UnixMicro()))
}

func (b straightBuilder) date(i int, t time.Time) {
	b.Field(i).(*array.Date32Builder).Append(arrow.Date32FromTime(t))
}

// straight decodes a page with encoding/json and builds the conversations.
func straight(b *testing.B, body []byte) {
	var page conversations
	if err := json.Unmarshal(body, &page); err != nil {
		b.Fatal(err)
	}
	t := transform.ClosedConversations().Tables
	rb := straightTable(t[0])
	defer rb.Release()
	tb := straightTable(t[1])
	defer tb.Release()
	for _, e := range page.Data.ClosedConversations.Edges {
		n := e.Node
		rb.text(0, n.ID)
		rb.Field(1).(*array.Int64Builder).Append(n.Project.ID)
		rb.text(2, n.Channel)
		rb.text(3, n.Language)
		rb.at(4, n.CreatedAt)
		rb.at(5, n.ClosedAt)
		rb.date(6, n.ClosedAt)
		rb.Field(7).(*array.Float64Builder).Append(n.ClosedAt.Sub(n.CreatedAt).Seconds())
		tags := rb.Field(8).(*array.ListBuilder)
		tags.Append(true)
		for _, tag := range n.Tags {
			tags.ValueBuilder().(*array.StringBuilder).Append(tag.Name)
		}
		if s := n.SatisfactionSurvey; s != nil && s.CustomerSatisfaction != nil {
			rb.Field(9).(*array.Int8Builder).Append(*s.CustomerSatisfaction)
			rb.Field(10).(*array.Int8Builder).Append(*s.NetPromoterScore)
			rb.text(11, *s.Comment)
		} else {
			rb.Field(9).AppendNull()
			rb.Field(10).AppendNull()
			rb.Field(11).AppendNull()
		}
		rb.at(12, somePage.At)
		rb.text(13, somePage.Ref)
		rb.date(14, n.ClosedAt)
		if n.Conversions == nil {
			continue
		}
		for _, x := range n.Conversions.Transactions {
			tb.text(0, n.ID)
			tb.text(1, x.ID)
			tb.text(2, x.ExternalConversionID)
			amount, err := decimal128.FromString(x.Amount.String(), 18, 4)
			if err != nil {
				b.Fatal(err)
			}
			tb.Field(3).(*array.Decimal128Builder).Append(amount)
			tb.text(4, x.Currency)
			tb.at(5, x.ReceivedAt)
			tb.date(6, n.ClosedAt)
			tb.at(7, somePage.At)
			tb.text(8, somePage.Ref)
			tb.date(9, n.ClosedAt)
		}
	}
	rb.NewRecord().Release()
	tb.NewRecord().Release()
}
