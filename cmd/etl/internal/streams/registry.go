package streams

import (
	"fmt"
	"slices"

	"nightjar/load/ref"
)

// all is every stream there is.
var all = []*Stream{conversations, calls, waves, messages, deskConversations, sessions}

// All lists every stream.
func All() []*Stream { return slices.Clone(all) }

// Of is the stream of that name. The error says that this version does not know it.
func Of(name ref.Stream) (*Stream, error) {
	for _, s := range all {
		if s.Ref() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s is a stream that this version does not know", name)
}
