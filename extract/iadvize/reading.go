package iadvize

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"

	"github.com/go-faster/jx"

	"nightjar/extract/transport"
)

// reading is what the walk needs to know of a page. It is read while the transport
// judges the answer, in the same pass, and counts only if the answer is accepted.
type reading struct {
	question *question
	kinds    map[kind]bool // of the rows; nil where nobody wants them

	rows    int64
	print   maphash.Hash // of the ids in order; equal pages have equal ones
	least   uint64       // the smallest hash of an id; it is a row's, so that where it comes again the row does
	listed  bool         // there is a list of edges
	told    bool         // the page says whether there is more
	hasNext bool
	end     jx.Raw // pageInfo.endCursor
	last    jx.Raw // the last edge's cursor
	id      jx.Raw // of the edge being read
	kind    kind   // of the edge being read

	ofEdge, ofRecord members // methods of the reading, bound once and not for every edge
}

// members reads one member of an object.
type members = func(d *jx.Decoder, name []byte) error

// seed makes fingerprints comparable within the process; they go nowhere else.
var seed = maphash.MakeSeed()

func newReading(q *question, kinds bool) *reading {
	r := &reading{question: q, least: math.MaxUint64}
	if kinds {
		r.kinds = map[kind]bool{}
	}
	r.print.SetSeed(seed)
	r.ofEdge, r.ofRecord = r.edgeMember, r.recordMember
	return r
}

// data reads the data of an answer.
func (r *reading) data(d *jx.Decoder) error {
	return transport.Object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) != r.question.root {
			return d.Skip()
		}
		return transport.Object(d, r.connectionMember)
	})
}

func (r *reading) connectionMember(d *jx.Decoder, name []byte) error {
	switch {
	case string(name) == "pageInfo":
		return transport.Object(d, r.infoMember)
	case string(name) == "edges" && d.Next() == jx.Array:
		r.listed = true
		return d.Arr(r.edge)
	}
	return d.Skip()
}

func (r *reading) infoMember(d *jx.Decoder, name []byte) (err error) {
	switch {
	case string(name) == "endCursor":
		r.end, err = d.Raw()
		return err
	case string(name) == "hasNextPage" && d.Next() != jx.Null:
		r.told, r.hasNext = true, d.Next() == jx.Bool
		if r.hasNext {
			r.hasNext, err = d.Bool()
			return err
		}
	}
	return d.Skip()
}

// edge adds the id of an edge to the fingerprint, also where it has none.
func (r *reading) edge(d *jx.Decoder) error {
	r.rows++
	r.last, r.id, r.kind = nil, nil, kind{}
	if err := transport.Object(d, r.ofEdge); err != nil {
		return err
	}
	r.print.Write(r.id)
	r.print.WriteByte(0)
	r.least = min(r.least, maphash.Bytes(seed, r.id))
	if r.kinds != nil {
		if r.kind.project == 0 || r.kind.channel == "" {
			r.kind = kind{}
		}
		r.kinds[r.kind] = true
	}
	return nil
}

func (r *reading) edgeMember(d *jx.Decoder, name []byte) (err error) {
	switch string(name) {
	case "cursor":
		r.last, err = d.Raw()
		return err
	case "node":
		return transport.Object(d, r.ofRecord)
	}
	return d.Skip()
}

// recordMember reads a node, and the conversation that a node of the older query
// wraps.
func (r *reading) recordMember(d *jx.Decoder, name []byte) (err error) {
	switch {
	case string(name) == "id":
		r.id, err = d.Raw()
		return err
	case string(name) == "conversation":
		return transport.Object(d, r.ofRecord)
	case string(name) == "project" && r.kinds != nil:
		return transport.Object(d, r.projectMember)
	case string(name) == "channel" && r.kinds != nil:
		channel, err := d.Raw()
		r.kind.channel = text(channel)
		return err
	}
	return d.Skip()
}

func (r *reading) projectMember(d *jx.Decoder, name []byte) error {
	if string(name) != "id" {
		return d.Skip()
	}
	id, err := d.Raw()
	r.kind.project, _ = strconv.ParseInt(string(id), 10, 64)
	return err
}

// text is what a JSON string says; empty for anything else.
func text(raw jx.Raw) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// complaint says what the page lacks; nil where the walk can go on from it.
func (r *reading) complaint() error {
	switch {
	case !r.listed:
		return fmt.Errorf("answer has no list of edges in %s", r.question.root)
	case r.question.pageInfo && !r.told:
		return fmt.Errorf("answer does not say whether %s has a next page", r.question.root)
	}
	return nil
}

// more reports whether there is a next page.
func (r *reading) more() bool {
	if r.question.pageInfo {
		return r.hasNext
	}
	return roundNumber(int(r.rows))
}

// roundNumber reports whether n looks like a cap rather than like a count; it is
// asked only where the vendor does not say whether there is more.
func roundNumber(n int) bool {
	return slices.Contains([]int{10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000}, n)
}

// cursor is that of the next page; empty where there is none.
func (r *reading) cursor() string {
	if end := text(r.end); end != "" {
		return end
	}
	return text(r.last)
}
