package transform_test

import (
	"github.com/valyala/fastjson"

	"nightjar/transform"
)

func init() {
	streams = append(streams, stream{transform.Tickets(), func(root *fastjson.Value) ([]*fastjson.Value, bool) {
		list := of(root, "tickets")
		return root.GetArray("tickets"), list != nil && list.Type() == fastjson.TypeArray
	}, nil})
}
