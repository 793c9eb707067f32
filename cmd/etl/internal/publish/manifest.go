package publish

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/ref"
	"nightjar/transform"
)

// newManifest carries over what the run does not touch and sets what it does. The
// decision to publish is in the book.
func (p *Publisher) newManifest(legs []*Part) (*generation.Manifest, error) {
	m := &generation.Manifest{
		RunID: p.Record.ID, Created: p.At, Program: "nightjar " + p.Version, Origin: p.origin(),
		Tables: map[string]generation.Table{}, Marts: map[string]generation.File{},
		DependsOn: warehouse.Dependencies(p.Config),
	}
	if p.Live != nil {
		maps.Copy(m.Tables, p.Live.Manifest.Tables)
	}
	settled, err := p.settle(legs)
	if err != nil {
		return nil, err
	}
	m.Bookmarks = p.newBookmarks(legs, settled)
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
func (p *Publisher) settle(legs []*Part) (map[ref.Stream]ledger.Settled, error) {
	var fresh []ref.Stream
	for _, l := range legs {
		if l.Landed {
			fresh = append(fresh, l.Ref())
		}
	}
	settled, err := p.Settle(fresh...)
	if err != nil {
		return nil, err
	}
	for _, l := range legs {
		kept := settled[l.Ref()]
		ahead := kept.AsOf.After(p.At) // of a clock that was
		if at := p.provenAt(l); at.After(kept.AsOf) || ahead || p.Replay && p.Anew {
			kept.AsOf = at
		}
		settled[l.Ref()] = kept
	}
	return settled, nil
}

// newBookmarks are where the streams stand with the generation.
func (p *Publisher) newBookmarks(legs []*Part, settled map[ref.Stream]ledger.Settled) map[ref.Stream]generation.Bookmark {
	all := map[ref.Stream]generation.Bookmark{}
	if p.Live != nil {
		maps.Copy(all, p.Live.Manifest.Bookmarks)
	}
	for _, l := range legs {
		key := l.Ref()
		b := settled[key].Bookmark
		if b == nil {
			delete(all, key)
		}
		if b != nil && warehouse.Compact(all[key].Value) != warehouse.Compact(b) {
			all[key] = generation.Bookmark{Value: b, Pipeline: l.Pipeline, RunID: p.Record.ID, Updated: p.At}
		}
	}
	return all
}

// placeTables puts the partitions into the generation: new files where they
// changed, links where they did not.
func (p *Publisher) placeTables(m *generation.Manifest, changes []merged) error {
	for _, c := range changes {
		t := generation.Table{Partitions: map[string]generation.File{}}
		if !p.Remade[c.table.Full()] {
			maps.Copy(t.Partitions, m.Tables[c.table.Full()].Partitions)
		}
		for _, part := range c.outcome.Partitions {
			folder := c.width.Folder(part.Partition)
			switch {
			case part.Path != "":
				f := builtPartition(c.table, folder, part)
				if err := p.sharePartition(f, m.Tables[c.table.Full()].Partitions[folder]); err != nil {
					return err
				}
				t.Partitions[folder] = f
			case part.Changed:
				delete(t.Partitions, folder)
			}
		}
		m.Tables[c.table.Full()] = t
	}
	if err := p.placeEmpty(m); err != nil {
		return err
	}
	for name, t := range m.Tables {
		t.Rows, t.Partitions = 0, maps.Clone(t.Partitions) // the parent's, where nothing changed
		for folder, f := range t.Partitions {
			t.Rows += f.Rows
			if err := p.keepUnlessBuilt(f); err != nil {
				return err
			}
			var err error
			if t.Partitions[folder], err = p.keepKeys(name, folder, f); err != nil {
				return err
			}
		}
		m.Tables[name] = t
	}
	return nil
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

// origin is where the rows of the generation come from. A replay asks nobody, so
// it knows only what was known.
func (p *Publisher) origin() string {
	switch {
	case !p.Replay:
		return warehouse.Origin(p.Config)
	case p.Live != nil:
		return p.Live.Manifest.Origin
	}
	return ""
}
