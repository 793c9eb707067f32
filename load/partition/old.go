package partition

import (
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/column"
	"nightjar/load/keyfile"
	"nightjar/load/parquetfile"
)

// Files is the paths of the files of a partition.
type Files struct {
	Path string // Parquet
	Keys string // which row group may hold a key; where an old one cannot be read, Path is
}

// oldFile is the file of an existing partition while it is merged.
type oldFile struct {
	layout     *layout
	part       Partition
	path       string
	columns    []arrow.Field
	source     *parquetfile.Source
	groups     []keyfile.Group
	sameSchema bool // its row groups may be copied as bytes
	pages      column.Names
}

// openOld opens the file of a partition; nil where there is none.
func (m *merge) openOld(p Partition) (*oldFile, error) {
	old, had := m.plan.Old[p]
	if !had {
		return nil, nil
	}
	s := m.stage
	groups, err := s.groupsOf(p, old)
	if err != nil {
		return nil, err
	}
	source, err := parquetfile.OpenSource(old.Path)
	if err != nil {
		return nil, err
	}
	return &oldFile{layout: &s.layout, part: p, path: old.Path, columns: s.tables.Fields(), source: source, groups: groups, sameSchema: source.Fits(s.table)}, nil
}

func (o *oldFile) close() {
	if o != nil {
		o.source.Close()
	}
}

// cursor is over the rows of a row group, as one batch.
func (o *oldFile) cursor(group int) (*cursor, error) {
	r, err := o.source.Read(o.columns, 0, group, group+1)
	if err != nil {
		return nil, err
	}
	next := func() (*batch, error) {
		rec, err := r.Read()
		if err != nil {
			return nil, err
		}
		defer rec.Release()
		b := o.layout.existing(rec, o.part, &o.pages, memory.DefaultAllocator)
		if first, last := b.place(0), b.place(b.rows()-1); first != o.groups[group].First || last != o.groups[group].Last {
			b.rec.Release()
			return nil, fmt.Errorf("row group %d of %s has other rows than the file of its keys says: `etl replay` makes the table anew", group, o.path)
		}
		return b, nil
	}
	return &cursor{old: true, next: next, done: r.Close}, nil
}

// place is where a row stands.
func (b *batch) place(row int) keyfile.Place {
	return keyfile.Place{Day: int32(b.slots[row]), Key: b.keys.Value(row)}
}

// groupsOf is what is known of the row groups of an existing partition: what its key file
// says, or else the Parquet file.
func (s *Stage) groupsOf(p Partition, old Files) ([]keyfile.Group, error) {
	groups, err := keyfile.Read(old.Keys)
	if err == nil && (!s.layout.nested || !slices.ContainsFunc(groups, func(g keyfile.Group) bool { return g.Parents == nil })) {
		return groups, nil
	}
	return s.layout.groups(old.Path, p, s.tables)
}

// WriteKeys writes the key file of a partition of t anew, to path, of its Parquet file.
func WriteKeys(path string, t load.Table, w Width, p Partition, parquet string) (keyfile.File, error) {
	l, err := newLayout(t, w)
	if err != nil {
		return keyfile.File{}, err
	}
	groups, err := l.groups(parquet, p, t.Arrow)
	if err != nil {
		return keyfile.File{}, err
	}
	return keyfile.Write(path, groups)
}

// CheckKeys compares the key file of a partition of t with its Parquet file, and returns
// how they differ.
func CheckKeys(t load.Table, w Width, p Partition, old Files) error {
	l, err := newLayout(t, w)
	if err != nil {
		return err
	}
	had, err := keyfile.Read(old.Keys)
	if err != nil {
		return err
	}
	want, err := l.groups(old.Path, p, t.Arrow)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(had, want) {
		return fmt.Errorf("%s does not say what keys the rows of %s have", old.Keys, old.Path)
	}
	return nil
}

// groups reads the keys of a Parquet file.
func (l *layout) groups(path string, p Partition, table *arrow.Schema) ([]keyfile.Group, error) {
	source, err := parquetfile.OpenSource(path)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	var all []keyfile.Group
	var keys keyfile.Builder
	for i := range source.Groups() {
		var noted groupKeys
		err := l.eachKey(source, i, p, table, false, func(k oldKey) error {
			noted.add(k.slot, k.key, l.nested)
			noted.end(k.slot, k.key)
			return nil
		})
		if err != nil {
			return nil, err
		}
		group, err := noted.group(&keys, l.nested)
		if err != nil {
			return nil, err
		}
		all = append(all, group)
	}
	return all, nil
}

// oldKey is the key of a row of a partition file.
type oldKey struct {
	key    string
	parent string // empty where its first column is no text
	page   string // empty where it is not asked for
	slot   slot
}

// eachKey reads the keys of a row group of a partition file, and their pages where they
// are asked for. What it passes is good until the visit returns.
func (l *layout) eachKey(source *parquetfile.Source, group int, p Partition, table *arrow.Schema, pages bool, visit func(oldKey) error) error {
	places := slices.Clone(l.key)
	if l.day >= 0 {
		places = append(places, l.day)
	}
	if pages {
		places = append(places, l.page)
	}
	columns := make([]arrow.Field, len(places))
	for i, c := range places {
		columns[i] = table.Field(c)
	}
	r, err := source.Read(columns, 0, group, group+1)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = l.eachOf(rec, p, pages, visit)
			rec.Release()
		}
		if err != nil {
			return err
		}
	}
}

// eachOf visits the keys of a record whose first columns are the key, then the day where
// rows are sorted by it, then the page where it is asked for.
func (l *layout) eachOf(rec arrow.Record, p Partition, pages bool, visit func(oldKey) error) error {
	places := make([]int, len(l.key))
	for i := range places {
		places[i] = i
	}
	keys := sortKeys(rec, places)
	var days arrow.Array
	if l.day >= 0 {
		days = rec.Column(len(places))
	}
	slots := l.stands(days, int(rec.NumRows()), p)
	parents, _ := rec.Column(0).(*array.String)
	for i := range keys.Len() {
		k := oldKey{key: keys.Value(i), slot: slots[i]}
		if parents != nil {
			k.parent = parents.Value(i)
		}
		if pages {
			k.page = rec.Column(int(rec.NumCols()) - 1).(*array.String).Value(i)
		}
		if err := visit(k); err != nil {
			return err
		}
	}
	return nil
}
