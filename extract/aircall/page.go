package aircall

import (
	"cmp"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// key stands for a call id in 16 bytes, whatever form the id has.
type key [16]byte

func keyOf(id string) key {
	sum := sha256.Sum256([]byte(id))
	return key(sum[:16])
}

// answer is a page, with what a sweep reads of it.
type answer struct {
	page extract.Page
	reading
}

// reading is what a sweep needs to know of a page. It is read while the transport
// judges the answer, and counts only if the answer is accepted.
type reading struct {
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
func (r reading) step() int64 { return cmp.Or(int64(len(r.ids)), r.rows) }

// read reads the data of an answer. Nodes may be null, all or single ones.
func (r *reading) read(d *jx.Decoder) error {
	*r = reading{total: extract.Unknown, sorted: true}
	return transport.Object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) != "paginatedCalls" {
			return d.Skip()
		}
		return transport.Object(d, r.member)
	})
}

func (r *reading) member(d *jx.Decoder, name []byte) (err error) {
	switch string(name) {
	case "totalCount":
		r.total, err = count(d)
		return err
	case "hasNextPage":
		r.hasNext, err = transport.Bool(d)
		return err
	case "nodes":
		return transport.Array(d, r.add)
	}
	return d.Skip()
}

// mostCalls is beyond any count, and far from where arithmetic on it overflows.
const mostCalls = 1 << 53

// count reads a number of calls, extract.Unknown where it is none.
func count(d *jx.Decoder) (int64, error) {
	if d.Next() != jx.Number {
		return extract.Unknown, d.Skip()
	}
	n, err := d.Num()
	if err != nil {
		return extract.Unknown, err
	}
	total, err := strconv.ParseFloat(string(n), 64)
	if err != nil || total < 0 || total > mostCalls {
		return extract.Unknown, nil
	}
	return int64(total), nil
}

func (r *reading) add(d *jx.Decoder) error {
	r.rows++
	var id, at string
	err := transport.Scalars(d, []string{"id", "created_at"}, &id, &at)
	if id != "" {
		r.ids = append(r.ids, id)
	}
	at = second(at)
	r.sorted = r.sorted && at != "" && (r.oldest == "" || at <= r.oldest)
	if r.rows == 1 {
		r.newest = at
	}
	r.oldest = at
	return err
}

// second cuts an ISO 8601 instant in UTC to its second, so that instants compare
// as text whatever their fraction; "" for any other form.
func second(at string) string {
	if len(at) <= len(shape) || !strings.HasSuffix(at, "Z") {
		return ""
	}
	return at[:len(shape)]
}

// shape is an instant to the second.
const shape = "2006-01-02T15:04:05"

// span is the time in which the calls of a page that is sorted were created: from the
// second of the last one to the end of that of the first.
func (r reading) span() (from, to time.Time, ok bool) {
	from, errFrom := time.Parse(shape, r.oldest)
	to, errTo := time.Parse(shape, r.newest)
	return from, to.Add(time.Second), errFrom == nil && errTo == nil
}
