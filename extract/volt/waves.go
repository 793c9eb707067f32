package volt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"nightjar/extract"
	"nightjar/extract/transport"
)

const (
	wavesStream = "waves"
	wavesWindow = "ids"
)

// Waves is the stream "waves". It implements extract.Stream and extract.Checker.
type Waves struct {
	cfg    Config
	client *transport.Client
	ask    atomic.Pointer[extract.Ask]
	// fragment is wave.graphql as a check has cut it; nil: whole.
	fragment atomic.Pointer[string]
}

// NewWaves returns the stream of waves. It opens no socket.
func NewWaves(cfg Config) *Waves {
	cfg = cfg.withDefaults()
	return &Waves{cfg: cfg, client: cfg.connect()}
}

// frontier is the bookmark of waves: every id up to it that lies within the gap
// of a wave has been looked at.
type frontier struct {
	ScannedThrough int64 `json:"scanned_through"`
}

func readFrontier(raw extract.Bookmark) (frontier, error) {
	var f frontier
	if raw == nil {
		return f, nil
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("read the bookmark of volt waves: %w", err)
	}
	if f.ScannedThrough < 0 {
		return f, fmt.Errorf("read the bookmark of volt waves: negative id in %s", raw)
	}
	return f, nil
}

// Plan returns the one window "ids". The API cannot filter by date, so that a
// backfill looks at all ids, as a full run does.
func (s *Waves) Plan(_ context.Context, ask extract.Ask) ([]extract.Window, error) {
	f, err := readFrontier(ask.Bookmark)
	if err != nil {
		return nil, err
	}
	s.ask.Store(&ask)
	w := extract.Window{ID: wavesWindow}
	if f.ScannedThrough > 0 && !ask.Full && !ask.Backfill() {
		w.Calls = (s.cfg.Gap+s.cfg.Aliases-1)/s.cfg.Aliases + 1
	}
	return []extract.Window{w}, nil
}

// Walk yields a page for each batch of ids, absent ones included. An id that the
// vendor cannot answer even alone, and a budget that runs out, make the walk
// incomplete; the bookmark stays below what was not seen.
func (s *Waves) Walk(ctx context.Context, _ extract.Window) iter.Seq2[extract.Page, error] {
	return extract.Sequence(func(give func(extract.Page) error) error {
		ask := s.ask.Load()
		if ask == nil {
			return errors.New("walk volt waves before they are planned")
		}
		search := newSearch(s, *ask)
		err := search.start(ctx)
		for err == nil {
			ids := search.wanted.missing(search.asked, search.round())
			if len(ids) == 0 {
				err = search.verdict()
				break
			}
			err = search.look(ctx, ids, give)
		}
		return extract.In(err, wavesStream, wavesWindow, search.pages+1)
	})
}
