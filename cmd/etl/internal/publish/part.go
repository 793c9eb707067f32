package publish

import (
	"context"

	"nightjar/cmd/etl/internal/staging"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/load/ref"
)

// Publisher makes the generation of one run.
type Publisher struct {
	*warehouse.View
	Record   *warehouse.Record // of the run; a decision to publish or to hold goes there
	Build    *generation.Build
	Pool     *partition.Pool
	Summary  *summary.Summary
	Progress Progress
	Remade   map[string]bool // tables that are made anew, not merged with the live ones

	Accept   bool // publish in spite of what the judgement finds
	Backfill bool // the run names its own interval, and leaves bookmarks where they are
	Replay   bool // the rows come from the landing zone alone
	Anew     bool // a replay of everything: nothing of the live generation is kept
}

// Progress is told what is done.
type Progress interface {
	Stage(what string) // "merge calls", "database"
	Done()             // ends the stage that was named last
}

// Part is one leg of the run as it stands when its pages are staged.
type Part struct {
	*summary.Leg
	Rows    *staging.Rows              // nil where the leg could not be opened
	Walks   []*staging.Window          // as Leg.Windows, which they point to
	Own     map[string]*staging.Window // those of this run, by id
	Planned []extract.Window           // for this run, in order
	Landed  bool                       // this run has landed pages of the stream
	Took    []*landing.Run             // earlier runs, whose pages are staged too
	Stood   extract.Bookmark           // where a replay has found the stream to stand, by its pages
	Missing []string                   // what a replay knows to be lost of the landed runs that count
	Gone    []ref.RunID                // landed runs of that which are not there at all
	// Reread stages the pages of the live tables that are not staged yet, so that these
	// can be made anew. Windows and rejects of the leg stay as they are.
	Reread func(context.Context) error

	lossy bool // a replay gives less than was published
}

// main is the table whose rows are the records of the stream.
func (l *Part) main() load.Table { return l.Rows.Tables[0] }
