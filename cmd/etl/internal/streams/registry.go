package streams

import (
	"fmt"
	"slices"

	"nightjar/cmd/etl/internal/config"
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

// Order places the stream of a pipeline in a run: one that others learn from comes first.
func Order(p config.Pipeline) int {
	s, err := Of(p.Ref())
	if err != nil {
		return 0 // whoever opens it says so
	}
	return s.Order
}

// Before reports whether a pipeline walks before p where a run has both: p depends on it,
// or learns from its stream.
func Before(first, p config.Pipeline) bool {
	return slices.Contains(p.DependsOn, first.Name) || first.Source == p.Source && Order(first) < Order(p)
}
