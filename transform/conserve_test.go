package transform_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/valyala/fastjson"

	"nightjar/transform"
)

// Nothing is lost: every record of a page, and every row nested in a record that
// became a row, is a row or a reject. The tests below hold the decoders to it on
// pages that vendors never meant to send.

type stream struct {
	transform.Stream
	records func(root *fastjson.Value) (records []*fastjson.Value, ok bool) // ok: the page is one
	nested  func(record *fastjson.Value) []*fastjson.Value                  // nil: no nested rows
}

var streams = []stream{
	{transform.ClosedConversations(), under("edges"), transactionsOf},
	{transform.Calls(), callsUnder, func(v *fastjson.Value) []*fastjson.Value { return v.GetArray("notes") }},
	{transform.Waves(), wavesUnder, nil},
	{transform.Messages(), messagesUnder, nil},
	{transform.DeskConversations(), deskUnder, nil},
	{transform.IDVSessions(), sessionsUnder, nil},
}

func under(name string) func(*fastjson.Value) ([]*fastjson.Value, bool) {
	return func(root *fastjson.Value) ([]*fastjson.Value, bool) {
		for _, member := range members(root.Get("data")) {
			if v := of(member, name); v != nil {
				return v.GetArray(), v.Type() == fastjson.TypeArray
			}
		}
		return nil, false
	}
}

// of is the named member of an object, nil of anything else.
func of(v *fastjson.Value, name string) *fastjson.Value {
	if v == nil || v.Type() != fastjson.TypeObject {
		return nil
	}
	return v.Get(name)
}

func members(v *fastjson.Value) (all []*fastjson.Value) {
	if v == nil || v.GetObject() == nil {
		return nil
	}
	v.GetObject().Visit(func(_ []byte, member *fastjson.Value) {
		all = append(all, member)
	})
	return all
}

func callsUnder(root *fastjson.Value) ([]*fastjson.Value, bool) {
	for _, member := range members(root.Get("data")) {
		if v := of(member, "nodes"); v != nil {
			return v.GetArray(), v.Type() == fastjson.TypeArray || v.Type() == fastjson.TypeNull
		}
	}
	return nil, false
}

func wavesUnder(root *fastjson.Value) ([]*fastjson.Value, bool) {
	all := slices.DeleteFunc(members(root.Get("data")), func(v *fastjson.Value) bool { return v.Type() == fastjson.TypeNull })
	return all, root.GetObject("data") != nil
}

func messagesUnder(root *fastjson.Value) ([]*fastjson.Value, bool) {
	for _, member := range members(root.Get("data")) {
		if of(member, "items") != nil {
			return nil, true
		}
	}
	return under("messages")(root)
}

func deskUnder(root *fastjson.Value) ([]*fastjson.Value, bool) {
	list := of(root, "conversations")
	if list == nil {
		one := of(root, "conversation")
		if one == nil { // left out, and rightly so where the page counts none
			return nil, zero(root.Get("pagination", "records")) || zero(root.Get("meta", "page", "count"))
		}
		return []*fastjson.Value{one}, true
	}
	return list.GetArray(), list.Type() == fastjson.TypeArray || list.Type() == fastjson.TypeNull
}

func zero(v *fastjson.Value) bool {
	if v == nil {
		return false
	}
	n, err := strconv.ParseFloat(strings.Trim(v.String(), `"`), 64)
	return err == nil && n == 0
}

func sessionsUnder(root *fastjson.Value) ([]*fastjson.Value, bool) {
	return members(root.Get("data")), root.GetObject("data") != nil
}

func transactionsOf(edge *fastjson.Value) []*fastjson.Value {
	node := edge.Get("node")
	conversation := node
	if wrapped := node.Get("conversation"); wrapped != nil {
		conversation = wrapped
	}
	for _, v := range []*fastjson.Value{node.Get("conversions"), conversation.Get("conversions")} {
		if v != nil && v.Type() != fastjson.TypeNull {
			return v.GetArray("transactions")
		}
	}
	return nil
}

// outcome is what a page became.
type outcome struct {
	rows     []int                        // by table
	rejects  map[string]map[[2]string]int // scope to table and field to count
	rejected int64                        // as the rows of rejects say
	refused  map[int64]bool               // positions whose whole record is a reject
}

func decode(t testing.TB, s stream, body []byte) outcome {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	tables := s.Tables
	o := outcome{rows: make([]int, len(tables)), rejects: map[string]map[[2]string]int{}, refused: map[int64]bool{}}
	rows := s.NewRows(mem)
	defer rows.Release()
	decoderOf(t, s.Stream, transform.Options{Location: paris(t)}).Decode(somePage, body, rows)
	rejected := rows.Rejected()
	keys := map[[2]string]bool{}
	err := rows.Flush(func(table transform.Table, record arrow.Record) error {
		for i := range tables {
			if tables[i].Full() == table.Full() {
				o.rows[i] += int(record.NumRows())
				return nil
			}
		}
		column := func(name string) arrow.Array { return record.Column(record.Schema().FieldIndices(name)[0]) }
		for i := range int(record.NumRows()) {
			o.rejected += column("records").(*array.Int64).Value(i)
			scope, field := column("scope").ValueStr(i), column("field").ValueStr(i)
			position := column("position").(*array.Int64).Value(i)
			if scope == transform.ScopeRow && field == "" {
				o.refused[position] = true
			}
			if o.rejects[scope] == nil {
				o.rejects[scope] = map[[2]string]int{}
			}
			o.rejects[scope][[2]string{column("table_name").ValueStr(i), ""}]++
			key := [2]string{column("position").ValueStr(i), field}
			if keys[key] {
				t.Errorf("two rejects have the key %q", key)
			}
			keys[key] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.rejected != int64(rejected.Total()) {
		t.Errorf("the rejects stand for %d, and rejected are %+v", o.rejected, rejected)
	}
	return o
}

func (o outcome) rowRejects(table transform.Table) int {
	return o.rejects[transform.ScopeRow][[2]string{table.Full(), ""}]
}

// conserves checks that every record of the page is a row or a reject.
func conserves(t testing.TB, s stream, body []byte) {
	o := decode(t, s, body)
	pages := 0
	for _, n := range o.rejects[transform.ScopePage] {
		pages += n
	}
	root, err := fastjson.ParseBytes(body)
	if err != nil || !json.Valid(body) { // fastjson takes some texts that are no JSON
		if pages != 1 || o.rows[0] != 0 {
			t.Errorf("a page that is no JSON: %d rows, %d rejects of the page; want none and one", o.rows[0], pages)
		}
		return
	}
	if len(o.rejects[transform.ScopeRest]) > 0 {
		return // decode has added them up
	}
	if s.Source == "clientloop" && bytes.Contains(body, []byte("outcome")) {
		return // no record: what is known of a request
	}
	records, ok := s.records(root)
	if ok != (pages == 0) {
		t.Errorf("the page is good: %v, yet there are %d rejects of the page", ok, pages)
	}
	if !ok {
		return
	}
	tables := s.Tables
	if got := o.rows[0] + o.rowRejects(tables[0]); got != len(records) {
		t.Errorf("%d records became %d rows and %d rejects", len(records), o.rows[0], o.rowRejects(tables[0]))
	}
	if s.nested == nil {
		return
	}
	want := 0
	for i, record := range records {
		if !o.refused[int64(i)] {
			want += len(s.nested(record))
		}
	}
	if got := o.rows[1] + o.rowRejects(tables[1]); got != want {
		t.Errorf("%d nested records became %d rows and %d rejects", want, o.rows[1], o.rowRejects(tables[1]))
	}
}

// seeds are the golden pages of a source.
func seeds(t testing.TB, source string) (pages [][]byte) {
	paths, err := filepath.Glob("testdata/" + source + "/*/page.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden pages of %s: %v", source, err)
	}
	for _, path := range paths {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	return pages
}

func fuzz(f *testing.F, s stream) {
	for _, seed := range seeds(f, s.Source) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) { conserves(t, s, body) })
}

func FuzzClosedConversations(f *testing.F) { fuzz(f, streams[0]) }
func FuzzCalls(f *testing.F)               { fuzz(f, streams[1]) }
func FuzzWaves(f *testing.F)               { fuzz(f, streams[2]) }
func FuzzMessages(f *testing.F)            { fuzz(f, streams[3]) }
func FuzzDeskConversations(f *testing.F)   { fuzz(f, streams[4]) }
func FuzzSessions(f *testing.F)            { fuzz(f, streams[5]) }
