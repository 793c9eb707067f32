package partition

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// Moves tells of keys that stand in more than one partition, old and incoming
// rows together, where they end. Rows of such a key leave every other partition.
type Moves map[string]move

// move is where a key that stands in several partitions ends.
type move struct {
	to    Partition
	after string      // the newest page on which it stood elsewhere: versions up to it have had their day
	known bool        // the table held the key before
	came  bool        // an incoming row stands where the key ends
	held  []Partition // of the old files, those that have the key, ascending
}

// Held lists the old partitions in which a moved key stands: what decides where it
// ends. Ascending.
func (m Moves) Held() []Partition {
	return m.partitions(func(move, Partition) bool { return true })
}

// left lists the old partitions that a moved key leaves, ascending.
func (m Moves) left() []Partition {
	return m.partitions(func(to move, p Partition) bool { return p != to.to })
}

func (m Moves) partitions(wanted func(move, Partition) bool) []Partition {
	found := map[Partition]struct{}{}
	for _, to := range m {
		for _, p := range to.held {
			if wanted(to, p) {
				found[p] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Moved finds the keys that came and stand in more than one partition. Old maps
// each partition of the table to its file. It is called after the last Add.
//
// Keys are compared by their hashes, of which the log spills to disk; only where
// one hash stands in several partitions are the keys and pages behind it read.
func (s *Stage) Moved(ctx context.Context, old map[Partition]string) (Moves, error) {
	moves, err := s.moved(ctx, old)
	if err != nil {
		return nil, fmt.Errorf("find keys of %s that moved: %w", s.table.Full(), err)
	}
	return moves, nil
}

func (s *Stage) moved(ctx context.Context, old map[Partition]string) (Moves, error) {
	touched := s.Touched()
	if len(touched) == 0 || len(touched) == 1 && len(old) <= 1 && (len(old) == 0 || old[touched[0]] != "") {
		return nil, nil
	}
	if err := s.logOld(ctx, old); err != nil {
		return nil, err
	}
	several, err := s.keys.several()
	if err != nil || len(several) == 0 {
		return nil, err
	}
	places := placesByKey{}
	if err := s.incomingPlaces(several, places); err != nil {
		return nil, err
	}
	for _, p := range slices.Sorted(maps.Keys(old)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := s.layout.eachKey(old[p], s.layout.page >= 0, func(key, page string) error {
			if _, ok := several[s.keys.hash(key)]; ok && places[key] != nil {
				places.see(key, whereabouts{p, page, true})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return places.settle(), nil
}

// logOld adds to the log where the keys that came may stand in the old files.
func (s *Stage) logOld(ctx context.Context, old map[Partition]string) error {
	if len(old) == 0 {
		return nil
	}
	came, err := s.keys.filter()
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(old)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.layout.eachKey(old[p], false, func(key, _ string) error {
			if h := s.keys.hash(key); came.has(h) {
				return s.keys.put(entry{h, p})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// incomingPlaces notes where the staged rows stand whose hash is among several.
func (s *Stage) incomingPlaces(several map[uint64]struct{}, places placesByKey) error {
	note := func(b *batch) {
		for i := range b.rows() {
			key := b.keys.Value(i)
			if _, ok := several[s.keys.hash(key)]; ok {
				places.see(string([]byte(key)), whereabouts{b.parts[i], b.page(i), false})
			}
		}
	}
	for _, b := range s.held {
		note(b)
	}
	for _, f := range s.files {
		c, err := s.spilled(f, 0)
		if err != nil {
			return err
		}
		err = c.each(note)
		c.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// each visits the batches of a run.
func (c *cursor) each(visit func(*batch)) error {
	for {
		b, err := c.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		visit(b)
		b.rec.Release()
	}
}

// keyRows is how many keys of a file are read at a time.
const keyRows = 8192

// eachKey reads the keys of a partition file, and their pages where they are asked
// for. What it passes is good until the visit returns.
func (l *layout) eachKey(path string, pages bool, visit func(key, page string) error) error {
	mem := memory.DefaultAllocator // see openTable
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("open partition %s: %w", path, err)
	}
	defer pf.Close()
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: keyRows}, mem)
	if err != nil {
		return fmt.Errorf("open partition %s: %w", path, err)
	}
	schema, err := reader.Schema()
	if err != nil {
		return fmt.Errorf("open partition %s: %w", path, err)
	}
	columns := slices.Clone(l.key)
	if pages {
		columns = append(columns, l.page)
	}
	slices.Sort(columns)
	leaves := make([]int, len(columns))
	for i, c := range columns {
		if c >= schema.NumFields() {
			return fmt.Errorf("partition %s was written with other columns; rebuild with replay", path)
		}
		leaves[i] = pf.MetaData().Schema.ColumnIndexByName(schema.Field(c).Name)
	}
	records, err := reader.GetRecordReader(context.Background(), leaves, nil)
	if err != nil {
		return fmt.Errorf("read partition %s: %w", path, err)
	}
	defer records.Release()
	key := make([]int, len(l.key))
	for i, c := range l.key {
		key[i] = slices.Index(columns, c)
	}
	at := slices.Index(columns, l.page)
	for {
		rec, err := records.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read partition %s: %w", path, err)
		}
		keys := sortKeys(rec, key)
		for i := range keys.Len() {
			page := ""
			if pages {
				page = rec.Column(at).(*array.String).Value(i)
			}
			if err := visit(keys.Value(i), page); err != nil {
				return err
			}
		}
	}
}

// whereabouts is where versions of a key stand: the newest page of them.
type whereabouts struct {
	part  Partition
	page  string
	known bool // in an old file, not among the incoming
}

type placesByKey map[string][]whereabouts

func (p placesByKey) see(key string, at whereabouts) {
	for i, o := range p[key] {
		if o.part == at.part && o.known == at.known {
			if comparePages(at.page, o.page) > 0 {
				p[key][i].page = string([]byte(at.page))
			}
			return
		}
	}
	at.page = string([]byte(at.page)) // the record that it stands in is let go
	p[key] = append(p[key], at)
}

// settle decides for each key which partition holds its newest version. A page
// that is read again, after a fix, wins over what it gave before.
func (p placesByKey) settle() Moves {
	moves := Moves{}
	for key, all := range p {
		newest := slices.MaxFunc(all, func(a, b whereabouts) int {
			return cmp.Or(comparePages(a.page, b.page), -compareBool(a.known, b.known), cmp.Compare(a.part, b.part))
		})
		m := move{to: newest.part}
		elsewhere := false
		for _, at := range all {
			if at.known {
				m.known, m.held = true, append(m.held, at.part)
			} else if at.part == newest.part {
				m.came = true
			}
			if at.part != newest.part {
				elsewhere = true
				if comparePages(at.page, newest.page) < 0 {
					m.after = laterPage(m.after, at.page)
				}
			}
		}
		if slices.Sort(m.held); elsewhere { // and not two keys with one hash
			moves[key] = m
		}
	}
	return moves
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
