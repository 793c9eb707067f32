package partition

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"nightjar/load"
	"nightjar/load/column"
	"nightjar/load/keyfile"
)

// Pool is what the stages of one run share: memory, in bytes of records, and the
// numbers of the landed pages.
type Pool struct {
	limit int64
	used  atomic.Int64
	pages column.Names
}

// NewPool returns a pool of limit bytes.
func NewPool(limit int64) *Pool { return &Pool{limit: limit} }

// take reserves n bytes, or reports false where they are not to be had.
func (p *Pool) take(n int64) bool {
	if p.used.Add(n) <= p.limit {
		return true
	}
	p.used.Add(-n)
	return false
}

// Stage collects the incoming records of one table. Add may be called by many
// goroutines; everything else by one, after the last Add.
type Stage struct {
	table  load.Table
	layout layout
	pool   *Pool
	dir    string // scratch files; the caller removes it
	mem    memory.Allocator
	tables *arrow.Schema // the table's own columns

	mu     sync.Mutex
	held   []*batch // sorted, in memory
	taken  int64    // bytes of held
	files  []string // sorted, on disk
	number int
	keys   *keyLog
	looks  *lookLog          // nil where rows are nested in no record
	slots  map[slot]struct{} // that incoming rows fall into

	unasked map[int32]columnSet // see NotAsked
}

// NewStage prepares the collection of rows of t. Records are t's columns
// followed by load.BusinessDate. Scratch files go to dir, which must exist.
func NewStage(t load.Table, w Width, dir string, pool *Pool, mem memory.Allocator) (*Stage, error) {
	l, err := newLayout(t, w)
	if err != nil {
		return nil, err
	}
	s := &Stage{table: t, layout: *l, pool: pool, dir: dir, mem: mem, tables: t.Arrow, slots: map[slot]struct{}{}}
	s.keys = newKeyLog(s.Scratch("keys"))
	if t.Parent != "" {
		if t.Parent != t.Key[0] || t.Arrow.Field(l.key[0]).Type.ID() != arrow.STRING || l.page < 0 {
			return nil, fmt.Errorf("table %s: %s is no text that its key begins with, or its rows have no versions", t.Full(), t.Parent)
		}
		s.looks = newLookLog(s.Scratch("looks"))
	}
	return s, nil
}

// Width is the width of the table's partitions.
func (s *Stage) Width() Width { return s.layout.width }

// Scratch names a scratch file of the table.
func (s *Stage) Scratch(name string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s.%s.%s", s.table.Schema, s.table.Name, name))
}

// Add keeps a sorted copy of the record, in memory or on disk. The table's day, if it has
// one, is the business date of every row.
func (s *Stage) Add(rec arrow.Record) error {
	if s.layout.day >= 0 && !array.Equal(rec.Column(s.layout.day), rec.Column(s.layout.last)) {
		return fmt.Errorf("table %s: %s is not the business date of every row", s.table.Full(), s.table.Day)
	}
	return s.add(rec)
}

func (s *Stage) add(rec arrow.Record) error {
	if rec.NumRows() == 0 {
		return nil
	}
	b := s.layout.sorted(rec, &s.pool.pages, s.mem)
	size := b.bytes()
	if s.pool.take(size) {
		return s.hold(b, size)
	}
	defer b.rec.Release()
	path, err := s.noteRun(b)
	if err != nil {
		return err
	}
	if err := spill(b.rec, path, s.mem); err != nil {
		return fmt.Errorf("table %s: %w", s.table.Full(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, path)
	return nil
}

// hold keeps b in memory, of which size bytes are taken.
func (s *Stage) hold(b *batch, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, b)
	s.taken += size
	return s.note(b)
}

// noteRun names the scratch run that b goes to.
func (s *Stage) noteRun(b *batch) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newRunFile(), s.note(b)
}

// newRunFile names the next scratch run; s.mu is held.
func (s *Stage) newRunFile() string {
	s.number++
	return s.Scratch(fmt.Sprintf("run%06d", s.number))
}

// note logs the keys, parents and slots of b; s.mu is held.
func (s *Stage) note(b *batch) error {
	for i, at := range b.slots {
		if i == 0 || at != b.slots[i-1] {
			s.slots[at] = struct{}{}
		}
	}
	if s.looks != nil {
		parents := b.rec.Column(s.layout.key[0]).(*array.String)
		for i, page := range b.pages {
			if err := s.looks.child(s.looks.parent([]byte(parents.Value(i))), keyfile.Hash(b.keys.Value(i)), page); err != nil {
				return err
			}
		}
	}
	return s.keys.add(b)
}

// Touched lists the partitions that incoming rows fall into, ascending.
func (s *Stage) Touched() []Partition {
	touched := map[Partition]struct{}{}
	for at := range s.slots {
		touched[s.layout.width.of(at)] = struct{}{}
	}
	return slices.Sorted(maps.Keys(touched))
}

// eachBatch visits the staged rows, those in memory and those on disk.
func (s *Stage) eachBatch(visit func(*batch) error) error {
	for _, b := range s.held {
		if err := visit(b); err != nil {
			return err
		}
	}
	for _, f := range s.files {
		c, err := s.spilled(f, 0)
		if err != nil {
			return err
		}
		if err := c.each(visit); err != nil {
			return err
		}
	}
	return nil
}

// Absorb takes over the rows of another stage of the same table and pool, which is
// empty afterwards. Moved does not know of those rows: absorb only what cannot stand in
// another partition.
func (s *Stage) Absorb(o *Stage) {
	s.held = append(s.held, o.held...)
	s.files = append(s.files, o.files...)
	s.taken += o.taken
	maps.Copy(s.slots, o.slots)
	o.held, o.files, o.taken = nil, nil, 0
}

// Close releases the records and removes the scratch files. To close twice does
// nothing.
func (s *Stage) Close() error {
	for _, b := range s.held {
		b.rec.Release()
	}
	s.pool.used.Add(-s.taken)
	s.keys.remove()
	if s.looks != nil {
		s.looks.remove()
	}
	for _, f := range s.files {
		os.Remove(f)
	}
	s.held, s.taken, s.files = nil, 0, nil
	return nil
}
