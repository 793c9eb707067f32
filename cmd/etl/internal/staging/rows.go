// Package staging turns the landed pages of one stream into staged rows, and remembers of
// each page which window it is of and what it was not asked for. Pages are decoded a few
// at a time, in any order: the stages sort.
package staging

import (
	"os"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract"
	"nightjar/load"
	"nightjar/load/landing"
	"nightjar/load/partition"
	"nightjar/load/ref"
	"nightjar/transform"
)

// Window is one window of a leg: how it ended, and what is known of it beside.
type Window struct {
	*summary.Window
	Scope   string
	Covers  extract.Bookmark // what the stream's bookmark gains once the window is whole
	Settled bool             // the vendor no longer changes what it holds
	Adopted bool             // an earlier run has landed it
	Judged  bool             // adopted from a run that has been judged before
	After   extract.Bookmark // of the last page that had one; Rows sets it
	Without []ref.Page       // landed pages that are left out
	Lost    int64            // records in those
}

// Whole reports whether an earlier run has landed all that the vendor will ever
// say of the window.
func (w *Window) Whole() bool { return w.Adopted && w.Settled && w.Status == summary.Complete }

// Rows are the staged rows of one leg.
type Rows struct {
	Stream *streams.Stream
	Tables []load.Table // the first one's rows are the records of the stream

	// Rejects are the rejects of all kinds, Rejected whole records alone. They are good
	// once Decode has returned.
	Rejects, Rejected int64
	// Through is the newest landed run that the rows come from.
	Through ref.RunID

	pipeline string // its name, for errors
	options  transform.Options
	decoders int
	stages   map[string]*partition.Stage // by full name, rejects included
	learn    func(transform.Table, arrow.Record)

	mu      sync.Mutex            // guards what follows, the counts, and what learn collects
	windows map[ref.Run][]*Window // of pages, index seq-1
	gaps    map[gapKey]gapSeen    // what pages were not asked for
}

// New prepares the stages of a pipeline's stream in dir, a folder of its own. Learn, nil for
// nobody, is shown every record that is staged, one at a time.
func New(site *warehouse.Site, s *streams.Stream, p config.Pipeline, dir string, pool *partition.Pool, learn func(transform.Table, arrow.Record)) (*Rows, error) {
	r := &Rows{
		Stream: s, pipeline: p.Name, options: site.Transform(), decoders: site.Budget().Decoders, learn: learn,
		stages: map[string]*partition.Stage{}, windows: map[ref.Run][]*Window{}, gaps: map[gapKey]gapSeen{},
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	add := func(t load.Table, width partition.Width) error {
		stage, err := partition.NewStage(t, width, dir, pool, memory.DefaultAllocator)
		if err == nil {
			r.stages[t.Full()] = stage
		}
		return err
	}
	for _, t := range s.Tables {
		r.Tables = append(r.Tables, warehouse.Table(t))
	}
	for _, t := range r.Tables {
		if err := add(t, partition.Width(p.Partition)); err != nil {
			return r, err
		}
	}
	rejects := warehouse.Table(transform.Rejects())
	return r, add(rejects, warehouse.RecordWidth(rejects))
}

// Close lets go of the stages.
func (r *Rows) Close() {
	if r == nil {
		return
	}
	for _, s := range r.stages {
		s.Close()
	}
}

// Stage is the stage of a table of the stream, or of the rejects.
func (r *Rows) Stage(t load.Table) *partition.Stage { return r.stages[t.Full()] }

// Book notes which window a landed page belongs to, before the page is sent.
func (r *Rows) Book(w *Window, page landing.Landed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if page.After != nil && len(w.Without) == 0 {
		w.After = extract.Bookmark(page.After)
	}
	seen := r.windows[page.Ref.Run]
	for len(seen) < page.Seq {
		seen = append(seen, nil)
	}
	seen[page.Seq-1] = w
	r.windows[page.Ref.Run] = seen
	r.Through = max(r.Through, page.Ref.Run.ID)
}

// Pages is how many pages of a landed run are booked.
func (r *Rows) Pages(run ref.Run) int { return len(r.windows[run]) }

// LeaveOut books that the window lacks a page.
func (r *Rows) LeaveOut(w *Window, page landing.Landed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.After = nil
	w.Without = append(w.Without, page.Ref)
	w.Lost += page.Rows
}

// WindowOf finds, for the text of a page's reference, the place of its window in a list;
// below zero where it has none there.
func (r *Rows) WindowOf(list []*Window) func(page string) int {
	position := map[*Window]int{}
	for i, w := range list {
		position[w] = i
	}
	byRun := map[string][]int{}
	for run, pages := range r.windows {
		indices := make([]int, len(pages))
		for i, w := range pages {
			indices[i] = -1
			if n, ok := position[w]; ok {
				indices[i] = n
			}
		}
		byRun[run.String()] = indices
	}
	return func(page string) int {
		run, seq := ref.CutPage(page)
		indices := byRun[run]
		if seq < 1 || seq > len(indices) {
			return -1
		}
		return indices[seq-1]
	}
}

// stage adds a record to the stage of its table.
func (r *Rows) stage(t transform.Table, rec arrow.Record) error {
	r.show(t, rec)
	return r.stages[t.Full()].Add(rec)
}

// show lets the run learn from a record what its other legs ask for.
func (r *Rows) show(t transform.Table, rec arrow.Record) {
	if r.learn == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learn(t, rec)
}

// countRejected books what a page lost to its window. A page that is rejected as a
// whole has lost every record that the walk saw in it. A row nested in a record was
// never counted as fetched, so it stands for none.
func (r *Rows) countRejected(page landing.Landed, n transform.Rejected) {
	if n.Total() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Rejects += int64(n.Total())
	r.Rejected += int64(n.Records)
	r.windows[page.Ref.Run][page.Seq-1].Rejected += int64(n.Records)
}
