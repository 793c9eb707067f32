package desk

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/extract"
)

// view is what the walk needs to know of a page.
type view struct {
	body    []byte // the page without tokens
	rows    int64
	ids     []int64
	total   int64     // extract.Unknown where the vendor does not say
	more    bool      // there are more pages
	ordered bool      // every row has its time, none earlier than the one before
	last    time.Time // of the last row, in whole seconds
}

// read looks at a list. The field is the one that it is ordered by.
func read(body []byte, field string) (view, error) {
	var parser fastjson.Parser
	root, err := parser.ParseBytes(body)
	if err != nil {
		return view{}, errors.New("answer cannot be read") // the cause would quote it
	}
	rows, listed := root.GetArray("conversations"), isList(root.Get("conversations"))
	seen := view{rows: int64(len(rows)), total: extract.Unknown}
	if err := seen.paging(root); err != nil {
		return view{}, err
	}
	if !listed && (seen.total != 0 || !isNone(root.Get("conversations"))) {
		return view{}, errors.New("answer has no list of conversations")
	}
	seen.ordered = true
	for _, row := range rows {
		if id, ok := whole(row.Get("id")); ok {
			seen.ids = append(seen.ids, id)
		}
		at, err := time.Parse(time.RFC3339, string(row.GetStringBytes(field)))
		if err != nil || at.Before(seen.last) {
			seen.ordered = false
			continue
		}
		seen.last = at.Truncate(time.Second)
	}
	seen.body = body
	if blank(root) {
		seen.body = root.MarshalTo(nil)
	}
	return seen, nil
}

func isList(v *fastjson.Value) bool { return v != nil && v.Type() == fastjson.TypeArray }

// isNone reports whether a list is null or absent, as some servers write an empty
// one. It is believed where the count says the same.
func isNone(v *fastjson.Value) bool { return v == nil || v.Type() == fastjson.TypeNull }

// paging reads either block; a list with neither ends with a page that is not
// full.
func (v *view) paging(root *fastjson.Value) error {
	block, more, count := root.Get("pagination"), "hasMorePages", "records"
	if block == nil || block.Type() != fastjson.TypeObject {
		block, more, count = root.Get("meta", "page"), "hasMore", "count"
	}
	if block == nil || block.Type() != fastjson.TypeObject {
		v.more = v.rows >= pageSize
		return nil
	}
	if n, ok := whole(block.Get(count)); ok {
		v.total = n
	}
	switch value := block.Get(more); {
	case value != nil && value.Type() == fastjson.TypeTrue:
		v.more = true
	case value != nil && value.Type() == fastjson.TypeFalse:
	default:
		return errors.New("answer does not say whether there is a next page")
	}
	return nil
}

// whole reads a number, also one that stands in quotes.
func whole(v *fastjson.Value) (int64, bool) {
	if v == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.Trim(v.String(), `"`), 10, 64)
	return n, err == nil
}

// blank replaces every token below v, and reports whether there was any.
func blank(v *fastjson.Value) bool {
	found := false
	switch v.Type() {
	case fastjson.TypeObject:
		var tokens []string
		v.GetObject().Visit(func(key []byte, inner *fastjson.Value) {
			if strings.EqualFold(string(key), "token") && inner.Type() != fastjson.TypeNull {
				tokens = append(tokens, string(key))
			} else if blank(inner) {
				found = true
			}
		})
		for _, name := range tokens { // a name may stand there twice
			found = true
			v.Del(name)
		}
		for _, name := range tokens {
			v.Set(name, fastjson.MustParse("null"))
		}
	case fastjson.TypeArray:
		for _, inner := range v.GetArray() {
			if blank(inner) {
				found = true
			}
		}
	}
	return found
}
