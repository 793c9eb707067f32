package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/extract"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/ref"
	"nightjar/transform"
)

// newManifest carries over what the run does not touch and sets what it does. The
// decision to publish is in the book.
func (r *run) newManifest(legs []*leg) (*generation.Manifest, error) {
	m := &generation.Manifest{
		RunID: r.id, Created: r.now, Program: "nightjar " + r.Version, Origin: r.origin(),
		Tables: map[string]generation.Table{}, Marts: map[string]generation.File{},
		DependsOn: dependencies(r.Config),
	}
	if r.parent != nil {
		maps.Copy(m.Tables, r.parent.Manifest.Tables)
		m.Churn = r.parent.Manifest.Churn
	}
	settled, err := r.settle(legs)
	if err != nil {
		return nil, err
	}
	m.Bookmarks = r.newBookmarks(legs, settled)
	for s, kept := range settled {
		kept.Bookmark = nil // it is with the bookmarks
		settled[s] = kept
	}
	if m.Ledger, err = json.Marshal(settled); err != nil {
		return nil, fmt.Errorf("write the ledger: %w", err)
	}
	return m, nil
}

// settle is what the generation keeps of the ledger.
func (r *run) settle(legs []*leg) (map[ref.Stream]ledger.Settled, error) {
	for _, l := range legs {
		if l.landed {
			delete(r.streams, l.Ref())
		}
	}
	known, err := r.streamsKnown()
	if err != nil {
		return nil, err
	}
	settled := map[ref.Stream]ledger.Settled{}
	for _, s := range known {
		key := s
		landed, err := r.landedOf(s, r.request.anew)
		if err != nil {
			return nil, err
		}
		kept := r.book.Settle(key, landed.told)
		kept.AsOf = r.settled[key].AsOf
		settled[key] = kept
	}
	for _, l := range legs {
		key := l.Ref()
		kept := settled[key]
		ahead := kept.AsOf.After(r.now) // of a clock that was
		if at := l.provenAt(); at.After(kept.AsOf) || ahead || r.replaying && r.request.anew {
			kept.AsOf = at
		}
		settled[key] = kept
	}
	return settled, nil
}

// newBookmarks are where the streams stand with the generation.
func (r *run) newBookmarks(legs []*leg, settled map[ref.Stream]ledger.Settled) map[ref.Stream]generation.Bookmark {
	all := map[ref.Stream]generation.Bookmark{}
	if r.parent != nil {
		maps.Copy(all, r.parent.Manifest.Bookmarks)
	}
	for _, l := range legs {
		key := l.Ref()
		b := settled[key].Bookmark
		if b == nil {
			delete(all, key)
		}
		if b != nil && compactJSON(all[key].Value) != compactJSON(b) {
			all[key] = generation.Bookmark{Value: b, Pipeline: l.Pipeline, RunID: r.id, Updated: r.now}
		}
	}
	return all
}

// placeTables puts the partitions into the generation: new files where they
// changed, links where they did not.
func (r *run) placeTables(m *generation.Manifest, changes []merged) error {
	for _, c := range changes {
		t := generation.Table{Partitions: map[string]generation.File{}}
		if !r.remade[c.table.Full()] {
			maps.Copy(t.Partitions, m.Tables[c.table.Full()].Partitions)
		}
		for _, p := range c.outcome.Partitions {
			folder := c.width.Folder(p.Partition)
			switch {
			case p.Path != "":
				f := generation.File{
					Path: generation.PartitionPath(c.table.Schema, c.table.Name, folder),
					Rows: p.Rows, Bytes: p.Bytes, SHA256: p.SHA256, Min: p.MinKey, Max: p.MaxKey,
				}
				if err := r.shareSame(f, m.Tables[c.table.Full()].Partitions[folder]); err != nil {
					return err
				}
				t.Partitions[folder] = f
			case p.Changed:
				delete(t.Partitions, folder)
			}
		}
		m.Tables[c.table.Full()] = t
	}
	if err := r.placeEmpty(m); err != nil {
		return err
	}
	for name, t := range m.Tables {
		t.Rows = 0
		for _, f := range t.Partitions {
			t.Rows += f.Rows
			if err := r.keepUnlessBuilt(f); err != nil {
				return err
			}
		}
		m.Tables[name] = t
	}
	return nil
}

// shareSame puts the parent's file in the place of one that came out the same. A
// file that was lost or damaged since is not shared: the new one heals it.
func (r *run) shareSame(built, old generation.File) error {
	if old.Path != built.Path || old.SHA256 != built.SHA256 || !r.parent.Intact(old) {
		return nil
	}
	if err := os.Remove(r.build.Path(built.Path)); err != nil {
		return err
	}
	return r.build.Keep(old)
}

func (r *run) keepUnlessBuilt(f generation.File) error {
	if _, err := os.Stat(r.build.Path(f.Path)); err == nil {
		return nil
	}
	if _, err := os.Stat(r.parent.Path(f)); errors.Is(err, fs.ErrNotExist) {
		return damagedError(r.parent, f)
	}
	if !r.parent.Untouched(f) {
		r.found("%s of generation %d is not what was published, and is handed on as it is: `etl replay` rebuilds it", f.Path, r.parent.Manifest.Generation)
	}
	return r.build.Keep(f)
}

// fingerprint says in one line which columns a table is published with.
func fingerprint(t load.Table) string {
	var b strings.Builder
	for _, f := range t.Arrow.Fields() {
		id, _ := f.Metadata.GetValue(transform.MetaFieldID)
		fmt.Fprintf(&b, "%s %s %s;", id, f.Name, f.Type)
	}
	return b.String()
}

// bookmark is where the leg's stream stands once the leg is published; nil
// leaves it where it is.
func (l *leg) bookmark() []byte {
	if extend := streams[l.Ref()].extend; extend != nil {
		return l.extended(extend)
	}
	if l.run.replaying {
		return l.run.replayedBookmark(l)
	}
	if !l.run.request.From.IsZero() {
		return nil
	}
	var b []byte
	for _, w := range l.planned {
		if done := l.windows[w.ID]; done != nil && !done.Status.lacksNothing() {
			break
		}
		if after := l.reached(w); after != nil {
			b = after
		}
	}
	return b
}

// extended is the bookmark with what the leg's whole windows cover, those that it
// took over included: whoever asked for them, their rows are in the tables now.
// Where the tables are made anew, they hold nothing but those rows, so that what is
// lost or left out is asked for again.
func (l *leg) extended(extend func(old, covers extract.Bookmark) extract.Bookmark) []byte {
	b := l.run.bookmark(l.Ref())
	if b != nil && l.run.replaying && l.run.request.anew {
		b = extend(nil, nil)
	}
	for _, w := range l.Windows {
		if w.covers != nil && w.Status.lacksNothing() {
			b = extend(b, w.covers)
		}
	}
	return b
}

// replayedBookmark is where a stream whose pages tell stands when its tables are made
// anew: where it stood, or, where nobody remembers, where the landing zone says. Where
// pages are lost it stands nowhere, so that they are asked for again.
func (r *run) replayedBookmark(l *leg) []byte {
	stood := r.bookmark(l.Ref())
	switch {
	case !r.request.anew:
		return nil
	case stood == nil:
		return l.replayed
	case len(l.missing) > 0:
		return nil
	}
	return stood
}

// provenAt is the beginning of the newest run of the leg that asked for all that may
// still change, and got it whole; zero where none did. A backfill asks for less.
func (l *leg) provenAt() time.Time {
	var newest time.Time
	if l.landed && l.run.request.Mode() != backfill && l.allWhole(slices.Collect(maps.Values(l.windows))) {
		newest = l.run.now
	}
	byRun := map[ref.RunID]map[string]*Window{}
	for _, w := range l.Windows {
		if byRun[w.RunID] == nil {
			byRun[w.RunID] = map[string]*Window{}
		}
		byRun[w.RunID][w.ID] = w
	}
	for _, a := range l.adopted {
		if a.Header.Mode == backfill || !a.Header.Started.After(newest) || a.Header.Started.After(l.run.now) || a.Damage != nil {
			continue
		}
		var windows []*Window
		for _, p := range plannedOf(a) {
			windows = append(windows, byRun[a.Header.RunID][p.ID])
		}
		if l.allWhole(windows) {
			newest = a.Header.Started
		}
	}
	return newest
}

// allWhole reports whether the windows have asked for all that may still change, and
// nothing is known to be missing of them; nil is one that was never walked.
func (l *leg) allWhole(windows []*Window) bool {
	early := streams[l.Ref()].early
	return len(windows) > 0 && !slices.ContainsFunc(windows, func(w *Window) bool {
		return w == nil || !w.Status.lacksNothing() || early != nil && early(w.after)
	})
}
