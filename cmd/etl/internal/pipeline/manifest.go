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

	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/transform"
)

// newManifest carries over what the run does not touch and sets what it does.
func (r *run) newManifest(legs []*leg) *generation.Manifest {
	m := &generation.Manifest{
		RunID: r.id, Created: r.now, Program: "nightjar " + r.Version, Origin: r.origin(),
		Tables: map[string]generation.Table{}, Marts: map[string]generation.File{},
		Bookmarks: map[string]generation.Bookmark{}, Landed: map[string]generation.Landed{},
	}
	if r.parent != nil {
		maps.Copy(m.Tables, r.parent.Manifest.Tables)
		maps.Copy(m.Bookmarks, r.parent.Manifest.Bookmarks)
		maps.Copy(m.Landed, r.parent.Manifest.Landed)
		m.Churn = r.parent.Manifest.Churn
	}
	for _, l := range legs {
		if b := l.bookmark(); b != nil {
			m.Bookmarks[streamKey(l.Source, l.Stream)] = generation.Bookmark{Value: json.RawMessage(b), Pipeline: l.Pipeline, RunID: r.id, Updated: r.now}
		}
		m.Landed[streamKey(l.Source, l.Stream)] = l.landed()
	}
	return m
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
	if l.run.replaying {
		return l.run.replayedBookmark(l)
	}
	if !l.run.request.From.IsZero() {
		return nil
	}
	var b []byte
	for _, w := range l.planned {
		if done := l.windows[w.ID]; done != nil && done.Status != Complete && done.Status != Unverifiable {
			break
		}
		if after := l.reached(w); after != nil {
			b = after
		}
	}
	return b
}

// replayedBookmark is where the landing zone says that a stream stands. A live
// bookmark knows better.
func (r *run) replayedBookmark(l *leg) []byte {
	if _, ok := r.bookmark(l.Source, l.Stream); ok {
		return nil
	}
	return l.replayed
}

// landed says which landed runs of the stream are in the tables with this leg.
func (l *leg) landed() generation.Landed {
	live := l.run.landed(l.Source, l.Stream)
	published := map[string]bool{}
	if !l.run.replaying {
		published[l.run.id] = true
	}
	for _, a := range l.adopted {
		published[a.Header.RunID] = true
	}
	next := generation.Landed{Through: max(live.Through, l.through), At: live.At}
	for _, id := range append(live.Held, l.withheldRuns()...) {
		if !published[id] && id <= next.Through && !slices.Contains(next.Held, id) {
			next.Held = append(next.Held, id)
		}
	}
	if l.asOf.After(next.At) {
		next.At = l.asOf
	}
	return next
}

// withheldRuns lists the landed runs of the stream that wait for someone's word.
func (l *leg) withheldRuns() []string {
	var ids []string
	for _, r := range l.withheld {
		ids = append(ids, r.Header.RunID)
	}
	return ids
}
