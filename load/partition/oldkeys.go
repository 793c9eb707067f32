package partition

import (
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"nightjar/load/parquetfile"
)

// keyRows is how many keys of a file are read at a time.
const keyRows = 8192

// oldKey is the key of a row of a partition file.
type oldKey struct {
	key    string
	parent string // empty where its first column is no text
	page   string // empty where it is not asked for
	slot   slot
}

// eachKey reads the keys of a partition file, and their pages where they are asked
// for. What it passes is good until the visit returns.
func (l *layout) eachKey(path string, p Partition, table *arrow.Schema, pages bool, visit func(oldKey) error) error {
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
	r, err := parquetfile.Open(path, columns, keyRows)
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
