package warehouse

import (
	"bytes"
	"encoding/json"
	"fmt"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract"
	"nightjar/load/landing"
)

// Unreached says which of a stream's landed runs, oldest first, went on from further than
// those before them reach: what lay between is lost. It is how a journal that was cut is
// missed where no record tells how long it was.
func Unreached(runs []*landing.Run) ([]string, error) {
	var lost []string
	reached := reach{stood: map[string]bool{}}
	for _, run := range runs {
		if from := run.Header.Bookmark; len(from) > 0 && !reached.holds(run, from) {
			lost = append(lost, fmt.Sprintf("what run %s went on from is not there: the runs before it are not whole", run.Header.RunID))
		}
		if err := reached.take(run); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// reach is how far landed runs have brought a stream.
type reach struct {
	sum   extract.Bookmark // what whole windows cover
	stood map[string]bool  // bookmarks that pages carried
}

// holds reports whether the bookmark that a run began from is of what was taken.
func (r *reach) holds(run *landing.Run, from json.RawMessage) bool {
	extend := extender(run)
	if extend == nil {
		return r.stood[Compact(from)]
	}
	return bytes.Equal(extend(r.sum, extract.Bookmark(from)), extend(r.sum, nil))
}

func (r *reach) take(run *landing.Run) error {
	if extend := extender(run); extend != nil {
		covers := Covered(run)
		for _, w := range run.Windows {
			if c := covers[w.ID]; c != nil && summary.Status(w.Status).LacksNothing() {
				r.sum = extend(r.sum, c)
			}
		}
		return nil
	}
	for page, err := range run.Pages() {
		if err != nil {
			return err
		}
		if len(page.After) > 0 {
			r.stood[Compact(page.After)] = true
		}
	}
	return nil
}

// extender is how the bookmarks of a landed run's stream add up; nil where they do not.
func extender(run *landing.Run) func(old, covers extract.Bookmark) extract.Bookmark {
	s, err := streams.Of(run.Ref().Stream)
	if err != nil {
		return nil
	}
	return s.Extend
}
