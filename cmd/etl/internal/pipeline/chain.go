package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"

	"nightjar/extract"
	"nightjar/load/landing"
)

// unreached says which of a stream's landed runs, oldest first, went on from further than
// those before them reach: what lay between is lost. It is how a journal that was cut is
// missed where no record tells how long it was.
func unreached(runs []*landing.Run) ([]string, error) {
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
	extend := streams[run.Ref().Stream].extend
	if extend == nil {
		return r.stood[compactJSON(from)]
	}
	return bytes.Equal(extend(r.sum, extract.Bookmark(from)), extend(r.sum, nil))
}

func (r *reach) take(run *landing.Run) error {
	if extend := streams[run.Ref().Stream].extend; extend != nil {
		covers := covered(run)
		for _, w := range run.Windows {
			if c := covers[w.ID]; c != nil && Status(w.Status).lacksNothing() {
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
			r.stood[compactJSON(page.After)] = true
		}
	}
	return nil
}
