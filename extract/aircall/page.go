package aircall

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/extract"
)

// key stands for a call id in 16 bytes, whatever form the id has.
type key [16]byte

func keyOf(id string) key {
	sum := sha256.Sum256([]byte(id))
	return key(sum[:16])
}

// contents is what a sweep reads of a page.
type contents struct {
	rows    int64    // nodes, null ones included
	total   int64    // totalCount
	hasNext bool     // hasNextPage
	ids     []string // of the nodes that have one
	newest  string   // created_at of the first node, to the second
	oldest  string   // created_at of the last node, to the second
	sorted  bool     // every node has a created_at, none later than the one before
}

// step is how far the page takes a sweep. A null node may or may not stand for a
// call: to ask for a row twice does no harm.
func (c contents) step() int64 { return cmp.Or(int64(len(c.ids)), c.rows) }

// readPage reads an answer to calls.graphql. Nodes may be null, all or single ones.
func readPage(body []byte) (contents, error) {
	root, err := fastjson.ParseBytes(body)
	if err != nil {
		return contents{}, &extract.Error{Kind: extract.Garbled, Vendor: vendor, Err: fmt.Errorf("read a page of calls: %w", err)}
	}
	calls := root.Get("data", "paginatedCalls")
	total, ok := count(calls.Get("totalCount"))
	if !ok {
		return contents{}, &extract.Error{Kind: extract.Garbled, Vendor: vendor, Err: errors.New("read a page of calls: it has no totalCount")}
	}
	c := contents{total: total, hasNext: calls.GetBool("hasNextPage"), sorted: true}
	for _, node := range calls.GetArray("nodes") {
		c.add(node)
	}
	return c, nil
}

// mostCalls is beyond any count, and far from where arithmetic on it overflows.
const mostCalls = 1 << 53

// count reads a number of calls.
func count(v *fastjson.Value) (int64, bool) {
	if v == nil {
		return 0, false
	}
	n, err := v.Float64()
	return int64(n), err == nil && n >= 0 && n <= mostCalls
}

func (c *contents) add(node *fastjson.Value) {
	c.rows++
	if id := scalar(node.Get("id")); id != "" {
		c.ids = append(c.ids, id)
	}
	at := second(string(node.GetStringBytes("created_at")))
	c.sorted = c.sorted && at != "" && (c.oldest == "" || at <= c.oldest)
	if c.rows == 1 {
		c.newest = at
	}
	c.oldest = at
}

// second cuts an ISO 8601 instant in UTC to its second, so that instants compare
// as text whatever their fraction; "" for any other form.
func second(at string) string {
	const shape = "2006-01-02T15:04:05"
	if len(at) <= len(shape) || !strings.HasSuffix(at, "Z") {
		return ""
	}
	return at[:len(shape)]
}

// scalar is the text of a text or a number, "" for anything else.
func scalar(v *fastjson.Value) string {
	if v == nil {
		return ""
	}
	switch v.Type() {
	case fastjson.TypeString:
		return string(v.GetStringBytes())
	case fastjson.TypeNumber:
		return v.String()
	}
	return ""
}
