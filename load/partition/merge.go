package partition

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// Plan is what a merge needs beside the staged rows.
type Plan struct {
	// Old maps each existing partition of the table to its file.
	Old map[Partition]string
	// Moved maps keys (as the table sorts them, see Stage.SortKey) that stand in
	// more than one partition to the one that holds their newest version. Rows of
	// such a key leave every other partition.
	Moved map[string]Moved
	// Path names the file of a new partition; its folder is made.
	Path func(Partition) string
	// Delta, if not empty, is where the new and changed rows are written too.
	Delta string
	// Window tells the window of a landed page, -1 where it is of no interest.
	Window func(page string) int
	// Windows is how many windows there are.
	Windows int
}

// Moved is where a key that stood in several partitions ends.
type Moved struct {
	To    Partition
	After string // the newest page on which it stood elsewhere: versions up to it have had their day
	Known bool   // the table held the key before
}

// Outcome is what a merge of one table came to.
type Outcome struct {
	Partitions []Result // those that incoming rows or departures touched, ascending
	Counts     Counts
	Windows    []WindowCounts
	DeltaRows  int64 // rows in the delta file; it exists only if there are any
}

// Merge writes the new file of every partition that the staged rows touch and
// leaves those alone in which nothing changes.
func (s *Stage) Merge(ctx context.Context, plan Plan) (*Outcome, error) {
	cursors, err := s.cursors()
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Full(), err)
	}
	m := &merge{stage: s, plan: plan, out: &Outcome{Windows: make([]WindowCounts, plan.Windows)}}
	defer m.close()
	if err := m.start(cursors); err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Full(), err)
	}
	for _, p := range m.partitions() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := m.partition(p); err != nil {
			return nil, fmt.Errorf("table %s, partition %s: %w", s.table.Full(), s.layout.width.Folder(p), err)
		}
	}
	if err := m.finishDelta(); err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Full(), err)
	}
	return m.out, nil
}

// merge is the state of one Merge.
type merge struct {
	stage *Stage
	plan  Plan
	out   *Outcome
	heap  heap
	group group
	delta *fileWriter
	rows  *array.RecordBuilder // of the delta
}

// start loads the first batch of every run.
func (m *merge) start(cursors []*cursor) error {
	for i, c := range cursors {
		ok, err := c.load()
		if err != nil {
			closeAll(cursors[i:])
			return err
		}
		if !ok {
			c.close()
			continue
		}
		m.heap.push(c)
	}
	return nil
}

func (m *merge) close() {
	closeAll(m.heap)
	m.group.clear()
	if m.rows != nil {
		m.rows.Release()
	}
	if m.delta != nil {
		m.delta.abandon()
	}
}

// partitions lists what the merge touches: where rows come in, and where a key
// that moved away may stand.
func (m *merge) partitions() []Partition {
	touched := m.stage.Touched()
	if len(m.plan.Moved) > 0 {
		for p := range m.plan.Old {
			touched = append(touched, p)
		}
	}
	slices.SortFunc(touched, cmp.Compare)
	return slices.Compact(touched)
}

// partition merges the rows of p, old and new, into a new file.
func (m *merge) partition(p Partition) error {
	old, had := m.plan.Old[p]
	if had {
		c, err := m.stage.layout.openTable(old, p, m.stage.tables)
		if err != nil {
			return err
		}
		if ok, err := c.load(); err != nil || !ok {
			c.close()
			if err != nil {
				return err
			}
		} else {
			m.heap.push(c)
		}
	}
	path := m.plan.Path(p)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	w, err := newPartitionWriter(path, m.stage)
	if err != nil {
		return err
	}
	changed, err := m.groups(p, w)
	if err != nil {
		w.abandon()
		return err
	}
	if !changed && had {
		w.abandon()
		m.out.Partitions = append(m.out.Partitions, Result{Partition: p})
		return nil
	}
	result, err := w.finish(p)
	if err != nil {
		return err
	}
	m.out.Partitions = append(m.out.Partitions, result)
	return nil
}

// groups visits the rows of p key by key and writes the newest version of each.
func (m *merge) groups(p Partition, w *partitionWriter) (changed bool, err error) {
	for len(m.heap) > 0 && m.heap[0].part() == p {
		key := m.heap[0].key()
		m.group.clear()
		moved, isMoved := m.plan.Moved[key]
		for len(m.heap) > 0 && m.heap[0].part() == p && m.heap[0].key() == key {
			if err := m.take(moved.After); err != nil {
				return false, err
			}
		}
		did, err := m.settle(w, moved, isMoved && moved.To != p)
		if err != nil {
			return false, err
		}
		changed = changed || did
	}
	return changed, nil
}

// take moves the heap's first row into the group: it becomes the winner unless
// its content is that of the winner so far, which was seen first and stays. A
// winner so far that is no newer than after gives way in any case.
func (m *merge) take(after string) error {
	c := m.heap[0]
	row, isOld := c.row(), c.rank == 0
	g := &m.group
	if isOld {
		g.old = true
	} else {
		g.incoming++
		m.count(c.cur.page(row))
	}
	if g.win == nil || g.win.page(g.row) <= after && after != "" || !m.stage.sameContent(g.win, g.row, c.cur, row) {
		g.choose(c.cur, row, isOld)
	}
	ok, err := c.advance(g.keep)
	if err != nil {
		return err
	}
	if ok {
		m.heap.fix()
		return nil
	}
	m.heap.pop().close()
	return nil
}

// count books an incoming row to its window.
func (m *merge) count(page string) {
	if m.plan.Window == nil {
		return
	}
	if n := m.plan.Window(page); n >= 0 {
		m.out.Windows[n].Rows++
		if !slices.Contains(m.group.windows, n) {
			m.group.windows = append(m.group.windows, n)
		}
	}
}

// settle writes the group's winner, unless the key's newest version stands in
// another partition, and counts. It reports whether the partition changed.
func (m *merge) settle(w *partitionWriter, moved Moved, away bool) (bool, error) {
	g := &m.group
	defer g.clear()
	counts := &m.out.Counts
	if away {
		counts.Superseded += g.incoming
		return g.old, nil
	}
	for _, n := range g.windows {
		m.out.Windows[n].Keys++
	}
	if g.incoming > 0 {
		counts.Superseded += g.incoming - 1
	}
	changed := !g.winIsOld
	switch {
	case g.incoming == 0:
	case !changed:
		counts.Unchanged++
	case g.old || moved.Known:
		counts.Changed++
	default:
		counts.New++
	}
	if changed {
		if err := m.addDelta(g.win, g.row); err != nil {
			return false, err
		}
	}
	return changed, w.add(g.win, g.row)
}

// addDelta appends a new or changed row to the delta file.
func (m *merge) addDelta(b *batch, row int) error {
	if m.plan.Delta == "" {
		return nil
	}
	if m.rows == nil {
		m.rows = array.NewRecordBuilder(m.stage.mem, m.stage.tables)
	}
	for c, builder := range m.rows.Fields() {
		copyValue(builder, b.rec.Column(c), row)
	}
	m.out.DeltaRows++
	if m.out.DeltaRows%batchRows == 0 {
		return m.flushDelta()
	}
	return nil
}

func (m *merge) flushDelta() error {
	if m.delta == nil {
		var err error
		if m.delta, err = newScratchWriter(m.plan.Delta, m.stage.tables, m.stage.mem); err != nil {
			return err
		}
	}
	rec := m.rows.NewRecord()
	defer rec.Release()
	return m.delta.write(rec)
}

func (m *merge) finishDelta() error {
	if m.out.DeltaRows == 0 {
		return nil
	}
	if err := m.flushDelta(); err != nil {
		return err
	}
	_, err := m.delta.close()
	m.delta = nil
	return err
}

// sameContent compares all columns but those that tell when a row was seen.
func (s *Stage) sameContent(a *batch, i int, b *batch, j int) bool {
	for _, c := range s.layout.compare {
		if !equalValue(a.rec.Column(c), i, b.rec.Column(c), j) {
			return false
		}
	}
	return true
}

// group is the versions of one key within a partition, reduced to the winner.
type group struct {
	win      *batch
	row      int
	owned    bool // win is retained: its cursor has left it behind
	winIsOld bool
	old      bool // the old file has the key
	incoming int64
	windows  []int
}

func (g *group) choose(b *batch, row int, isOld bool) {
	g.release()
	g.win, g.row, g.winIsOld = b, row, isOld
}

// keep holds on to b if the winner stands in it.
func (g *group) keep(b *batch) {
	if g.win == b && !g.owned {
		b.rec.Retain()
		g.owned = true
	}
}

func (g *group) release() {
	if g.owned {
		g.win.rec.Release()
		g.owned = false
	}
	g.win = nil
}

func (g *group) clear() {
	g.release()
	*g = group{windows: g.windows[:0]}
}

// concat merges runs into one longer run, every row kept.
func (s *Stage) concat(cursors []*cursor, path string) error {
	m := &merge{stage: s, out: &Outcome{}}
	defer m.close()
	if err := m.start(cursors); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create scratch run: %w", err)
	}
	defer f.Close()
	schema := m.heap[0].cur.rec.Schema()
	out := ipc.NewWriter(f, ipc.WithSchema(schema), ipc.WithAllocator(s.mem))
	rows := array.NewRecordBuilder(s.mem, schema)
	defer rows.Release()
	flush := func() error {
		rec := rows.NewRecord()
		defer rec.Release()
		return out.Write(rec)
	}
	for n := 1; len(m.heap) > 0; n++ {
		c := m.heap[0]
		for i, builder := range rows.Fields() {
			copyValue(builder, c.cur.rec.Column(i), c.row())
		}
		if n%batchRows == 0 {
			if err := flush(); err != nil {
				return fmt.Errorf("write scratch run: %w", err)
			}
		}
		ok, err := c.advance(func(*batch) {})
		if err != nil {
			return err
		}
		if ok {
			m.heap.fix()
		} else {
			m.heap.pop().close()
		}
	}
	if err := flush(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write scratch run: %w", err)
	}
	return f.Close()
}

// heap is a binary heap of cursors, the next row first.
type heap []*cursor

func (h *heap) push(c *cursor) {
	*h = append(*h, c)
	for i := len(*h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !(*h)[i].before((*h)[parent]) {
			return
		}
		(*h)[i], (*h)[parent] = (*h)[parent], (*h)[i]
		i = parent
	}
}

// pop removes the first cursor, whose run is at its end.
func (h *heap) pop() *cursor {
	first, last := (*h)[0], len(*h)-1
	(*h)[0] = (*h)[last]
	*h = (*h)[:last]
	if last > 0 {
		h.fix()
	}
	return first
}

// fix restores the order after the first cursor moved on.
func (h heap) fix() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// partitionWriter gathers winners into batches and writes them.
type partitionWriter struct {
	stage  *Stage
	out    *fileWriter
	rows   *array.RecordBuilder
	n      int64
	minKey string
	last   arrow.Record // the batch written last, for the last key
}

func newPartitionWriter(path string, s *Stage) (*partitionWriter, error) {
	out, err := newTableWriter(path, s.table, s.mem)
	if err != nil {
		return nil, err
	}
	return &partitionWriter{stage: s, out: out, rows: array.NewRecordBuilder(s.mem, s.tables)}, nil
}

func (w *partitionWriter) add(b *batch, row int) error {
	if w.n == 0 {
		w.minKey = readableKey(b.rec, w.stage.layout.key, row)
	}
	for c, builder := range w.rows.Fields() {
		copyValue(builder, b.rec.Column(c), row)
	}
	w.n++
	if w.n%batchRows == 0 {
		return w.flush()
	}
	return nil
}

func (w *partitionWriter) flush() error {
	rec := w.rows.NewRecord()
	if rec.NumRows() == 0 {
		rec.Release()
		return nil
	}
	if w.last != nil {
		w.last.Release()
	}
	w.last = rec
	return w.out.write(rec)
}

// finish closes the file; where no row is left it removes it.
func (w *partitionWriter) finish(p Partition) (Result, error) {
	defer w.release()
	if err := w.flush(); err != nil {
		w.out.abandon()
		return Result{}, err
	}
	if w.n == 0 {
		w.out.abandon()
		return Result{Partition: p, Changed: true}, nil
	}
	sum, err := w.out.close()
	if err != nil {
		return Result{}, err
	}
	return Result{
		Partition: p, Path: w.out.path, Changed: true,
		Rows: w.n, Bytes: sum.bytes, SHA256: sum.sha256,
		MinKey: w.minKey, MaxKey: readableKey(w.last, w.stage.layout.key, int(w.last.NumRows()-1)),
	}, nil
}

func (w *partitionWriter) abandon() {
	w.out.abandon()
	w.release()
}

func (w *partitionWriter) release() {
	w.rows.Release()
	if w.last != nil {
		w.last.Release()
	}
}
