package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/extract"
	"nightjar/load/database"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/load/runlog"
)

// View is one reading of a warehouse, with the decisions that are taken on the ground of
// it. It holds no lock; who decides anything does.
type View struct {
	*Site
	At    time.Time // the command's one reading of the clock, UTC, microseconds
	Zone  *landing.Zone
	Store *generation.Store
	Live  *generation.Generation // nil: nothing is

	// Damage is what was found in the warehouse, and what became of it; each is told once.
	Damage []string

	whole  bool  // all that has landed and was decided is read, and nothing that is live
	intact *bool // whether the live database is what was published; nil until asked

	book     *ledger.Book
	recorded []runlog.Record               // of the runs after the one that made the live generation, oldest first
	landed   map[ref.Stream]*landed        // as far as anyone has asked
	settled  map[ref.Stream]ledger.Settled // by the live generation
	// Unrecorded says that there is neither a record nor a live generation: what counted
	// is told by the landing zone alone.
	Unrecorded bool
}

// Look reads the warehouse. Whole is for who makes everything anew: all that ever landed
// is read, and the live generation need not be readable.
func (s *Site) Look(whole bool) (*View, error) {
	zone, err := s.Zone()
	if err != nil {
		return nil, err
	}
	v := &View{Site: s, At: s.Now().UTC().Truncate(time.Microsecond), Zone: zone, Store: s.Store(), whole: whole}
	v.Live, err = s.Current()
	switch {
	case err == nil, errors.Is(err, generation.ErrNone):
	case whole && !errors.Is(err, fs.ErrPermission):
		s.Log.Warn("the live generation is not looked at: all is rebuilt from the landing zone, but for the record of earlier runs", "error", err)
	default:
		return nil, err
	}
	return v, v.remember()
}

// Found tells the operator of damage: in the log, and in what the command says of
// itself. What is found twice is told once.
func (v *View) Found(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if slices.Contains(v.Damage, what) {
		return
	}
	v.Damage = append(v.Damage, what)
	v.Log.Warn(what)
}

// Holdings answers what the streams ask; its database spills to a folder in temp.
func (v *View) Holdings(temp string) *streams.Holdings {
	open := func(ctx context.Context, failed error) (*database.DB, error) {
		if v.Live == nil {
			return nil, nil
		}
		if failed != nil && !v.distrusts(failed) {
			return nil, failed
		}
		return v.OpenLive(ctx, temp)
	}
	return streams.NewHoldings(open, v.decodeUnpublished)
}

// Opener is what the stream of a pipeline is opened with, but for the network.
func (v *View) Opener(p config.Pipeline, holdings *streams.Holdings) *streams.Opener {
	return &streams.Opener{Config: v.Config, Pipeline: p, Holdings: holdings, Bookmark: v.Bookmark(p.Ref()), Now: v.At, Log: v.Log}
}

// Bookmark is where a stream stands, nil for nowhere.
func (v *View) Bookmark(s ref.Stream) extract.Bookmark {
	standing, err := v.Standing(s)
	if err != nil {
		return nil
	}
	return extract.Bookmark(standing.Bookmark)
}

// AsOf is up to when it is proven that the rows of a stream in a generation are what the
// vendor has.
func (s *Site) AsOf(m *generation.Manifest, stream *streams.Stream) time.Time {
	if p, ok := s.Config.Loader(stream.Ref()); ok && stream.AsOf != nil {
		return stream.AsOf(s.Config, p, extract.Bookmark(m.Bookmarks[stream.Ref()].Value))
	}
	settled, err := SettledOf(m)
	if err != nil {
		return time.Time{}
	}
	return settled[stream.Ref()].AsOf
}
